"""Facts about access tokens: what was signed is read, and nothing else is."""

import json
import string
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.signers.forging import CLAIMS, LIFE_S, NOW_S, Forge, new_signer, without

from emoticon.adapters.signers import base64url
from emoticon.domain.models import Claims

ALPHABET = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"


def test_what_was_signed_is_read(forge: Forge) -> None:
    assert forge.signer.read(forge.token) == CLAIMS
    assert forge.forge() == forge.token, (
        "the forgeries below differ from a good token in one thing only"
    )


def test_a_token_says_what_the_design_says(forge: Forge) -> None:
    algorithm = {"hs256": "HS256", "ed25519": "EdDSA"}[forge.signing]
    assert list(forge.header) == ["alg", "kid", "typ"]
    assert (forge.header["alg"], forge.header["typ"]) == (algorithm, "at+jwt")
    assert forge.payload == {
        "iss": "emoticon",
        "aud": "emoticon-api",
        "sub": "7",
        "sid": CLAIMS.session_id,
        "ver": 3,
        "iat": NOW_S,
        "nbf": NOW_S,
        "exp": NOW_S + 600,
        "user": {"id": 7, "username": "alice"},
    }


def test_an_upgrade_signs_nobody_out() -> None:
    """Letter for letter the token that the first release made of these claims."""
    assert new_signer("hs256").sign(CLAIMS) == (
        "eyJhbGciOiJIUzI1NiIsImtpZCI6Ijg2ZmFiYWRhNjcxYWVhYmYiLCJ0eXAiOiJhdCtqd3QifQ."
        "eyJpc3MiOiJlbW90aWNvbiIsImF1ZCI6ImVtb3RpY29uLWFwaSIsInN1YiI6IjciLCJzaWQiOiIwMTIzNDU2Nzg5YWJjZGVmMDEyMzQ1Njc4"
        "OWFiY2RlZiIsInZlciI6MywiaWF0IjoxODAwMDAwMDAwLCJuYmYiOjE4MDAwMDAwMDAsImV4cCI6MTgwMDAwMDYwMCwidXNlciI6eyJpZCI6"
        "NywidXNlcm5hbWUiOiJhbGljZSJ9fQ."
        "tQB72CNUXEwMBMjUDfnPIsSfCJr8pC7TrEIQjwsJiQk"
    )


@given(
    st.builds(
        Claims,
        account_id=st.integers(1, 2**63 - 1),
        username=st.text(max_size=32),
        session_id=st.text("0123456789abcdef", min_size=32, max_size=32),
        version=st.integers(1, 2**63 - 1),
        issued_at_s=st.integers(NOW_S - LIFE_S + 1, NOW_S),
        expires_at_s=st.just(NOW_S + 1),
    )
)
def test_all_claims_survive(forge: Forge, claims: Claims) -> None:
    assert forge.signer.read(forge.signer.sign(claims)) == claims


@given(st.data())
def test_any_other_character_anywhere_is_refused(forge: Forge, data: st.DataObject) -> None:
    position = data.draw(st.integers(0, len(forge.token) - 1))
    others = (string.printable + "é\0").replace(forge.token[position], "")
    character = data.draw(st.sampled_from(others))
    assert forge.refused(forge.token[:position] + character + forge.token[position + 1 :])


@given(st.data())
def test_any_cut_is_refused(forge: Forge, data: st.DataObject) -> None:
    length = data.draw(st.integers(0, len(forge.token) - 1))
    assert forge.refused(forge.token[:length])
    assert forge.refused(forge.token[length + 1 :])


@given(st.text())
def test_any_text_is_refused(forge: Forge, text: str) -> None:
    assert forge.refused(text)


def test_t10_another_form_is_refused(forge: Forge) -> None:
    header, payload, signature = forge.token.split(".")
    tokens = [
        *("", ".", "..", "...", "a.b.c", f"{header}.{payload}", f"{header}.{payload}."),
        *(f".{payload}.{signature}", f"{header}..{signature}", f"{header}.{signature}"),
        *(forge.token + more for more in (".", "=", "==", ".AAAA", ".AAAA.AAAA", "\n", "\0", " ")),
        *(" " + forge.token, "\ufeff" + forge.token, forge.token.replace(".", "%2E")),
        json.dumps({"payload": payload}),
        json.dumps({"payload": payload, "protected": header, "signature": signature}),
        *("x" * 1_000_000, "." * 1_000_000, forge.token * 4000),
        forge.forge(payload={**forge.payload, "padding": "x" * 2000}),
    ]
    assert [token[:300] for token in tokens if not forge.refused(token)] == []


def test_a_second_spelling_of_the_same_bytes_is_refused(forge: Forge) -> None:
    """The last letter has unused bits: 4 spellings decode to one signature of 32 bytes, 16 to one of 64."""
    spellings = {"hs256": 4, "ed25519": 16}[forge.signing]
    base = ALPHABET.index(forge.token[-1]) // spellings * spellings
    twins = [forge.token[:-1] + ALPHABET[base + bits] for bits in range(spellings)]
    assert [twin for twin in twins if not forge.refused(twin)] == [forge.token]


def test_t13_other_claims_under_an_old_signature_are_refused(forge: Forge) -> None:
    header, _, signature = forge.token.split(".")
    for changes in ({"sub": "8"}, {"user": {"id": 7, "username": "bob"}}, {"role": "admin"}):
        payload = base64url.encode(json.dumps({**forge.payload, **changes}).encode())
        assert forge.refused(f"{header}.{payload}.{signature}")


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "sid", "ver", "iat", "nbf", "exp", "user"])
def test_t17_to_t20_a_payload_without_a_claim_is_refused(forge: Forge, name: str) -> None:
    assert forge.refused(forge.forge(payload=without(forge.payload, name)))


WRONG_CLAIMS: dict[str, list[object]] = {
    "exp": [
        *(NOW_S, NOW_S - 1, NOW_S - 6, 0, -1, "9999999999", str(NOW_S + 9), 9e99),
        *(float(NOW_S + 9), None, True, [], NOW_S + LIFE_S + 1, float("nan"), float("inf")),
    ],
    "nbf": [NOW_S + 3600, str(NOW_S), 1.5, None, False],
    "iat": [NOW_S + 3600, str(NOW_S), NOW_S - LIFE_S, None],
    "aud": ["other", ["emoticon-api"], ["other", "emoticon-api"], None, ""],
    "iss": ["other", "emoticon/", "", None, ["emoticon"]],
    "sub": [7, "", "0", "-7", "+7", "07", " 7", "7\n", "٧", "1" * 20, "alice", None],
    "ver": [0, -1, "3", 3.0, True, None, [3]],
    "sid": ["", "x" * 32, "0" * 31, "0" * 33, "A" * 32, 7, None],
    "user": ["alice", None, [], {}, {"username": 7}],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name, values in WRONG_CLAIMS.items() for value in values]
)
def test_t17_to_t20_a_claim_of_the_wrong_value_or_type_is_refused(
    forge: Forge, name: str, value: object
) -> None:
    assert forge.refused(forge.forge(payload={**forge.payload, name: value}))


@pytest.mark.parametrize("number", [b"1e400", b"-1e400", b"1" * 5000, b"01", b"0x7fffffff"])
def test_t17_a_number_beyond_all_numbers_is_refused(forge: Forge, number: bytes) -> None:
    raw = base64url.decode(forge.token.split(".")[1]).replace(b"1800000600", number)
    assert number in raw
    assert forge.refused(forge.forge(raw_payload=raw))


def test_t20_the_subject_decides_and_not_the_user_claim(forge: Forge) -> None:
    token = forge.forge(payload={**forge.payload, "user": {"id": 1, "username": "bob"}})
    assert forge.signer.read(token) == replace(CLAIMS, username="bob")


@pytest.mark.parametrize(
    "raw",
    [
        *(b"\xff" * 40, b"\xff\xfe" * 20, b"[" * 1200, b'{"a":' * 300, b"\0" * 40, b"1", b"null"),
        *(b'"x"', b"[]", b"{}", b'{"exp": 1e400, "iss": "emoticon"}', b'{"iss": "emoticon"'),
    ],
)
def test_t29_segments_that_hold_no_object_are_refused(forge: Forge, raw: bytes) -> None:
    assert forge.refused(forge.forge(raw_payload=raw))
    assert forge.refused(forge.forge(raw_header=raw))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-32"])
def test_t29_another_encoding_of_the_same_text_is_refused(forge: Forge, encoding: str) -> None:
    header, payload = (
        base64url.decode(segment).decode().encode(encoding)
        for segment in forge.token.split(".")[:2]
    )
    assert forge.refused(forge.forge(raw_header=header))
    assert forge.refused(forge.forge(raw_payload=payload))


def test_the_clock_of_another_node_may_run_ahead_by_five_seconds(forge: Forge) -> None:
    ahead = replace(CLAIMS, issued_at_s=NOW_S + 5, expires_at_s=NOW_S + 100)
    assert forge.signer.read(forge.signer.sign(ahead)) == ahead
    assert forge.refused(forge.signer.sign(replace(ahead, issued_at_s=NOW_S + 6)))
