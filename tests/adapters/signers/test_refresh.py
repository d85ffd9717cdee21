"""Facts about refresh tokens: what was sealed is opened, and nothing else is."""

import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.signers.forging import CLAIMS, OTHER_SECRET, SECRET, Forge

from emoticon.adapters.signers import base64url
from emoticon.adapters.signers.keys import KeyRing
from emoticon.adapters.signers.refresh import HmacRefreshSigner
from emoticon.domain.errors import InvalidGrant

SESSION_ID = "0123456789abcdef" * 2
COUNTER = 41
ALPHABET = string.ascii_letters + string.digits + "-_"
session_ids = st.text("0123456789abcdef", min_size=32, max_size=32)
counters = st.integers(0, 2**63 - 1)


def new_signer(active: bytes = SECRET, *retired: bytes) -> HmacRefreshSigner:
    return HmacRefreshSigner(KeyRing(active, retired).refresh_keys())


SIGNER = new_signer()
TOKEN = SIGNER.seal(SESSION_ID, COUNTER)
DATA = base64url.decode(TOKEN)


def refused(token: str, signer: HmacRefreshSigner = SIGNER) -> bool:
    try:
        signer.open(token)
    except InvalidGrant as error:
        return error.detail == "This refresh token cannot be used"
    return False


def forged(body: bytes, *, key: bytes | None = None, digest: str = "sha256") -> str:
    key = KeyRing(SECRET).refresh_keys()[0] if key is None else key
    return base64url.encode(body + hmac.digest(key, body, digest))


@given(session_ids, counters)
def test_what_was_sealed_is_opened(session_id: str, counter: int) -> None:
    assert SIGNER.open(SIGNER.seal(session_id, counter)) == (session_id, counter)


@pytest.mark.parametrize("counter", [0, 1, 255, 256, 2**32, 2**63 - 1])
def test_the_least_and_the_greatest_counter_are_opened(counter: int) -> None:
    assert SIGNER.open(SIGNER.seal("f" * 32, counter)) == ("f" * 32, counter)


def test_a_token_is_76_url_safe_letters_for_57_bytes() -> None:
    assert len(TOKEN) == 76
    assert set(TOKEN) <= set(ALPHABET)
    assert DATA[:25] == b"\x01" + bytes.fromhex(SESSION_ID) + COUNTER.to_bytes(8, "big")
    assert len(DATA) == 57
    assert forged(DATA[:25]) == TOKEN, "the forgeries below differ in one thing only"


def test_a_token_is_the_same_each_time() -> None:
    """So that a lost answer can be given again without keeping it."""
    assert new_signer().seal(SESSION_ID, COUNTER) == TOKEN


@given(session_ids, counters)
def test_each_session_and_counter_has_a_token_of_its_own(session_id: str, counter: int) -> None:
    same = (session_id, counter) == (SESSION_ID, COUNTER)
    assert (SIGNER.seal(session_id, counter) == TOKEN) == same


def test_s13_a_token_with_any_bit_altered_is_refused() -> None:
    whole = int.from_bytes(DATA, "big")
    twins = [base64url.encode((whole ^ 1 << bit).to_bytes(57, "big")) for bit in range(57 * 8)]
    assert [twin for twin in twins if not refused(twin)] == []


def test_s13_a_token_with_any_letter_altered_is_refused() -> None:
    """Every letter counts: none has spare bits, so no two spellings are one token."""
    for position in range(len(TOKEN)):
        for letter in (ALPHABET + "+/=.é\0 \n٣").replace(TOKEN[position], ""):
            assert refused(TOKEN[:position] + letter + TOKEN[position + 1 :])


def test_s13_the_mac_of_another_token_is_refused() -> None:
    mac = DATA[25:]
    for body in (
        DATA[:17] + (COUNTER + 1).to_bytes(8, "big"),
        DATA[:17] + (COUNTER - 1).to_bytes(8, "big"),
        DATA[:1] + bytes(16) + DATA[17:25],
    ):
        assert refused(base64url.encode(body + mac))
        assert refused(base64url.encode(body + bytes(32)))


@pytest.mark.parametrize(
    "token",
    [
        *("", " ", "=", ".", "A", "A" * 75, "A" * 76, "A" * 77, "A" * 80, "A" * 10_000, "\0" * 76),
        *("é" * 76, "\ud800" * 76, "😀" * 76, "٣" * 76, "Ａ" * 76, "null", "[]", "A" * 1_000_000),
        *(TOKEN[:-1], TOKEN[1:], TOKEN + "A", TOKEN + "=", TOKEN + "\n", TOKEN + "\0", " " + TOKEN),
        *(
            TOKEN + "====",
            TOKEN * 2,
            TOKEN * 10_000,
            TOKEN.swapcase(),
            "%41" * 76,
            "\ufeff" + TOKEN,
        ),
        base64url.encode(DATA[:25] + DATA[25:41]),
        base64url.encode(DATA + DATA[:3]),
    ],
)
def test_s13_another_form_is_refused(token: str) -> None:
    assert refused(token)


@given(st.text() | st.text(ALPHABET, min_size=76, max_size=76))
def test_s13_any_text_is_refused(text: str) -> None:
    assert refused(text)


def test_another_version_of_the_form_is_refused_even_under_the_right_key() -> None:
    for version in (0, 2, 255):
        assert refused(forged(bytes([version]) + DATA[1:25]))


def test_another_key_or_digest_is_refused() -> None:
    body = DATA[:25]
    for key in (SECRET, b"", bytes(32), KeyRing(OTHER_SECRET).refresh_keys()[0]):
        assert refused(forged(body, key=key))
    for digest in ("blake2s", "sha3_256", "sha512_256"):
        assert refused(forged(body, digest=digest))


def test_t22_a_refresh_token_is_no_access_token(forge: Forge) -> None:
    assert forge.refused(TOKEN)
    header, payload, signature = forge.token.split(".")
    assert forge.refused(f"{header}.{TOKEN}.{signature}")
    assert forge.refused(f"{header}.{payload}.{base64url.encode(DATA[25:])}")
    mac_key = KeyRing(SECRET).refresh_keys()[0]
    assert forge.refused(forge.forge(sign=lambda data: hmac.digest(mac_key, data, "sha256")))


def test_t23_an_access_token_is_no_refresh_token(forge: Forge) -> None:
    assert refused(forge.token)
    assert all(refused(segment) for segment in forge.token.split("."))
    assert refused(base64url.encode(DATA[:25] + forge.key.sign(DATA[:25])[:32]))
    assert refused(forge.signer.sign(CLAIMS)[:76])


def test_tokens_of_a_retired_key_are_opened_and_new_ones_have_the_new_key() -> None:
    before, after = new_signer(OTHER_SECRET), new_signer(SECRET, OTHER_SECRET)
    assert after.open(before.seal(SESSION_ID, COUNTER)) == (SESSION_ID, COUNTER)
    assert after.seal(SESSION_ID, COUNTER) == TOKEN
    assert refused(TOKEN, before)


def test_a_key_that_is_retired_no_longer_is_refused() -> None:
    assert refused(
        new_signer(b"x" * 32).seal(SESSION_ID, COUNTER), new_signer(SECRET, OTHER_SECRET)
    )


@pytest.mark.parametrize("counter", [-1, 2**64])
def test_a_counter_that_does_not_fit_is_not_sealed(counter: int) -> None:
    with pytest.raises(OverflowError):
        SIGNER.seal(SESSION_ID, counter)


def test_no_representation_shows_a_key() -> None:
    key = KeyRing(SECRET).refresh_keys()[0]
    assert key.hex() not in repr(SIGNER)
    assert repr(key) not in repr(SIGNER)
