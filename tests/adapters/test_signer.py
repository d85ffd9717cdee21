"""Facts about access tokens: what was signed is read, and nothing else is."""

import base64
import hashlib
import hmac
import json
import string
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from emoticon.adapters.signer import HmacSigner
from emoticon.domain.errors import InvalidToken
from emoticon.domain.models import Claims
from emoticon.domain.ports import Clock

SECRET = b"a key of at least thirty-two bytes for tests"
NOW_S = 1_800_000_000
LIFE_S = 600


class FixedClock(Clock):
    """Stands still."""

    @override
    def now_ms(self) -> int:
        return NOW_S * 1000


SIGNER = HmacSigner(SECRET, issuer="emoticon", max_life_s=LIFE_S, clock=FixedClock())
CLAIMS = Claims(
    account_id=7,
    username="alice",
    session_id="0123456789abcdef" * 2,
    version=3,
    issued_at_s=NOW_S,
    expires_at_s=NOW_S + LIFE_S,
)
TOKEN = SIGNER.sign(CLAIMS)


def encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(segment: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64.urlsafe_b64decode(segment + "=="))
    return value


HEADER = decode(TOKEN.split(".")[0])
PAYLOAD = decode(TOKEN.split(".")[1])


def forge(
    header: object = None,
    payload: object = None,
    *,
    key: bytes = SECRET,
    digest: str = "sha256",
    raw: tuple[bytes, bytes] | None = None,
) -> str:
    """Sign anything the way somebody who knows the key would."""
    parts = raw or (
        json.dumps(HEADER if header is None else header).encode(),
        json.dumps(PAYLOAD if payload is None else payload).encode(),
    )
    signed = ".".join(encode(part) for part in parts)
    return f"{signed}.{encode(hmac.digest(key, signed.encode(), digest))}"


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def refused(token: str) -> bool:
    try:
        SIGNER.read(token)
    except InvalidToken as error:
        return error.detail == "Could not validate token"
    return False


def test_what_was_signed_is_read() -> None:
    assert SIGNER.read(TOKEN) == CLAIMS
    assert SIGNER.read(forge()) == CLAIMS, (
        "the forgeries below differ from a good token in one thing only"
    )


def test_a_token_says_what_the_design_says() -> None:
    assert HEADER.keys() == {"alg", "kid", "typ"}
    assert (HEADER["alg"], HEADER["typ"]) == ("HS256", "at+jwt")
    assert {
        "iss": "emoticon",
        "aud": "emoticon-api",
        "sub": "7",
        "sid": CLAIMS.session_id,
        "ver": 3,
        "iat": NOW_S,
        "nbf": NOW_S,
        "exp": NOW_S + 600,
        "user": {"id": 7, "username": "alice"},
    } == PAYLOAD


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
def test_all_claims_survive(claims: Claims) -> None:
    assert SIGNER.read(SIGNER.sign(claims)) == claims


@given(st.integers(0, len(TOKEN) - 1), st.sampled_from(string.printable + "é"))
def test_any_other_character_anywhere_is_refused(position: int, character: str) -> None:
    if TOKEN[position] == character:
        return
    assert refused(TOKEN[:position] + character + TOKEN[position + 1 :])


@given(st.integers(0, len(TOKEN) - 1))
def test_any_cut_is_refused(length: int) -> None:
    assert refused(TOKEN[:length])
    assert refused(TOKEN[length + 1 :])


@pytest.mark.parametrize(
    "algorithm", ["none", "None", "NONE", "nOnE", "", None, 1, ["HS256"], "HS384", "RS256", "EdDSA"]
)
def test_another_algorithm_is_refused_even_under_the_right_key(algorithm: object) -> None:
    assert refused(forge({**HEADER, "alg": algorithm}))
    assert refused(forge({**HEADER, "alg": algorithm}).rpartition(".")[0] + ".")


@pytest.mark.parametrize("digest", ["sha384", "sha512", "sha1"])
def test_another_digest_is_refused(digest: str) -> None:
    assert refused(forge(digest=digest))
    assert refused(
        forge({**HEADER, "alg": {"sha384": "HS384", "sha512": "HS512"}.get(digest)}, digest=digest)
    )


@pytest.mark.parametrize("name", ["alg", "kid", "typ"])
def test_a_header_without_a_member_is_refused(name: str) -> None:
    assert refused(forge(without(HEADER, name)))


@pytest.mark.parametrize(
    "more",
    [
        {"jku": "http://127.0.0.1/k"},
        {"x5u": "http://127.0.0.1/k"},
        {"jwk": {"kty": "oct", "k": "AAAA"}},
        {"x5c": []},
        {"crit": ["b64"], "b64": False},
        {"typ": "JWT"},
        {"typ": "rt+jwt"},
        {"typ": "AT+JWT"},
        {"typ": "application/at+jwt"},
        {"kid": "../../../../dev/null"},
        {"kid": "' UNION SELECT 'k' --"},
        {"kid": 1},
        {"kid": None},
        {"kid": ["x"]},
        {"kid": "x" * 1000},
    ],
)
def test_a_header_with_anything_else_is_refused(more: dict[str, object]) -> None:
    assert refused(forge({**HEADER, **more}))


@pytest.mark.parametrize("name", ["iss", "aud", "sub", "sid", "ver", "iat", "nbf", "exp", "user"])
def test_a_payload_without_a_claim_is_refused(name: str) -> None:
    assert refused(forge(payload=without(PAYLOAD, name)))


WRONG_CLAIMS: dict[str, list[object]] = {
    "exp": [
        *(NOW_S, NOW_S - 1, 0, -1, str(NOW_S + 9), 9e99, float(NOW_S + 9), None, True, []),
        *(NOW_S + LIFE_S + 1, float("nan"), float("inf")),
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
def test_a_claim_of_the_wrong_value_or_type_is_refused(name: str, value: object) -> None:
    assert refused(forge(payload={**PAYLOAD, name: value}))


def test_the_subject_decides_and_not_the_user_claim() -> None:
    claims = SIGNER.read(forge(payload={**PAYLOAD, "user": {"id": 1, "username": "bob"}}))
    assert claims == replace(CLAIMS, username="bob")


@pytest.mark.parametrize(
    "raw",
    [
        (b"\xff\xfe" * 20, json.dumps(PAYLOAD).encode()),
        (b"\xef\xbb\xbf" + json.dumps(HEADER).encode(), json.dumps(PAYLOAD).encode()),
        (json.dumps(HEADER).encode(), b"\xff" * 40),
        (json.dumps(HEADER).encode(), b"[" * 1200),
        (json.dumps(HEADER).encode(), b'"a string of twenty characters"'),
        (json.dumps(HEADER).encode(), b"[1,2,3,4,5,6,7,8,9,10,11]"),
        (b'"a string of twenty characters"', json.dumps(PAYLOAD).encode()),
        (json.dumps(HEADER).encode(), b'{"exp": 1e400, "iss": "emoticon"}'),
    ],
)
def test_segments_that_hold_no_object_are_refused(raw: tuple[bytes, bytes]) -> None:
    assert refused(forge(raw=raw))


@pytest.mark.parametrize(
    "token",
    [
        *(
            "",
            ".",
            "..",
            "...",
            "a.b.c",
            TOKEN + ".",
            TOKEN + "=",
            TOKEN + ".AAAA",
            " " + TOKEN,
            TOKEN + "\n",
        ),
        TOKEN.rpartition(".")[0],
        TOKEN.rpartition(".")[0] + ".",
        json.dumps({"payload": TOKEN.split(".")[1]}),
        TOKEN.replace(".", "%2E"),
        "x" * 100_000,
        forge(payload={**PAYLOAD, "padding": "x" * 2000}),
    ],
)
def test_another_form_is_refused(token: str) -> None:
    assert refused(token)


def test_a_second_spelling_of_the_same_bytes_is_refused() -> None:
    """The last character of 32 bytes in base64url has two unused bits: four spellings decode to one signature."""
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    last = alphabet.index(TOKEN[-1])
    twins = [TOKEN[:-1] + alphabet[last & ~3 | bits] for bits in range(4)]
    assert sorted(map(refused, twins)) == [False, True, True, True]


def test_another_key_is_refused_even_under_our_key_id() -> None:
    assert refused(forge(key=b"another key of at least thirty-two bytes"))
    other = HmacSigner(
        b"another key of at least thirty-two bytes",
        issuer="emoticon",
        max_life_s=LIFE_S,
        clock=FixedClock(),
    )
    assert refused(other.sign(CLAIMS))


def test_the_key_id_tells_nothing_of_the_key() -> None:
    assert HEADER["kid"] not in hashlib.sha256(SECRET).hexdigest()
    assert len(HEADER["kid"]) == 16


def test_the_clock_of_another_node_may_run_ahead_by_five_seconds() -> None:
    ahead = replace(CLAIMS, issued_at_s=NOW_S + 5, expires_at_s=NOW_S + 100)
    assert SIGNER.read(SIGNER.sign(ahead)) == ahead
    assert refused(SIGNER.sign(replace(ahead, issued_at_s=NOW_S + 6)))
