"""Facts about tokens of share links: what was sealed is opened, and nothing else is."""

import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.signers.forging import OTHER_SECRET, SECRET, Forge

from emoticon.adapters.signers import base64url
from emoticon.adapters.signers.keys import KeyRing
from emoticon.adapters.signers.links import HmacLinkSigner
from emoticon.adapters.signers.refresh import HmacRefreshSigner
from emoticon.domain.errors import InvalidGrant, UnknownLink

LINK_ID = "0123456789abcdef" * 2
PURPOSE = b"emoticon share link\0"
ALPHABET = string.ascii_letters + string.digits + "-_"
link_ids = st.text("0123456789abcdef", min_size=32, max_size=32)


def new_signer(active: bytes = SECRET, *retired: bytes) -> HmacLinkSigner:
    return HmacLinkSigner(KeyRing(active, retired).link_keys())


SIGNER = new_signer()
TOKEN = SIGNER.seal(LINK_ID)
DATA = base64url.decode(TOKEN)


def refused(token: str, signer: HmacLinkSigner = SIGNER) -> bool:
    try:
        signer.open(token)
    except UnknownLink as error:
        return error.detail == "There is no such link"
    return False


def forged(
    identity: bytes = DATA[:16],
    *,
    key: bytes | None = None,
    purpose: bytes = PURPOSE,
    digest: str = "sha256",
    part: slice = slice(16),
) -> str:
    key = KeyRing(SECRET).link_keys()[0] if key is None else key
    return base64url.encode(identity + hmac.digest(key, purpose + identity, digest)[part])


@given(link_ids)
def test_what_was_sealed_is_opened(link_id: str) -> None:
    assert SIGNER.open(SIGNER.seal(link_id)) == link_id


def test_a_token_is_43_url_safe_letters_for_the_id_and_half_a_mac() -> None:
    assert len(TOKEN) == 43
    assert set(TOKEN) <= set(ALPHABET)
    assert DATA[:16].hex() == LINK_ID
    assert len(DATA) == 32
    assert forged() == TOKEN, "the forgeries below differ in one thing only"


def test_c12_a_token_is_the_same_each_time() -> None:
    assert new_signer().seal(LINK_ID) == TOKEN


@given(link_ids)
def test_each_link_has_a_token_of_its_own(link_id: str) -> None:
    assert (SIGNER.seal(link_id) == TOKEN) == (link_id == LINK_ID)


def test_c10_a_token_with_any_bit_altered_is_refused() -> None:
    whole = int.from_bytes(DATA, "big")
    twins = [base64url.encode((whole ^ 1 << bit).to_bytes(32, "big")) for bit in range(32 * 8)]
    assert [twin for twin in twins if not refused(twin)] == []


def test_c10_a_token_with_any_letter_altered_is_refused() -> None:
    """Also where the last letter has bits that nothing reads: of four spellings one is good."""
    for position in range(len(TOKEN)):
        for letter in (ALPHABET + "+/=.é\0 \n٣").replace(TOKEN[position], ""):
            assert refused(TOKEN[:position] + letter + TOKEN[position + 1 :])


@pytest.mark.parametrize(
    "token",
    [
        *("", " ", "=", "A", "A" * 42, "A" * 43, "A" * 44, "A" * 10_000, "\0" * 43, "é" * 43),
        *("\ud800" * 43, "😀" * 43, "٣" * 43, "Ａ" * 43, "null", "A" * 1_000_000, LINK_ID),
        *(TOKEN[:-1], TOKEN[1:], TOKEN + "A", TOKEN + "=", TOKEN + "\n", TOKEN + "\0", " " + TOKEN),
        *(TOKEN * 2, TOKEN.swapcase(), TOKEN.lower(), "%41" * 43, "\ufeff" + TOKEN),
        base64url.encode(DATA[:16]),
        base64url.encode(DATA[:16] + bytes(16)),
        base64url.encode(bytes(16) + DATA[16:]),
        base64url.encode(DATA[16:] + DATA[:16]),
    ],
)
def test_c10_another_form_is_refused(token: str) -> None:
    assert refused(token)


@given(st.text() | st.text(ALPHABET, min_size=43, max_size=43))
def test_c10_any_text_is_refused(text: str) -> None:
    assert refused(text)


def test_c13_another_key_digest_or_half_of_the_mac_is_refused() -> None:
    for key in (SECRET, b"", bytes(32), KeyRing(OTHER_SECRET).link_keys()[0]):
        assert refused(forged(key=key))
    for digest in ("blake2s", "sha3_256", "sha512_256"):
        assert refused(forged(digest=digest))
    assert refused(forged(part=slice(16, 32)))


def test_c16_the_key_of_another_purpose_or_another_purpose_under_the_key_is_refused() -> None:
    ring = KeyRing(SECRET)
    assert not {*ring.link_keys()} & {SECRET, *ring.refresh_keys()}
    assert refused(forged(key=ring.refresh_keys()[0]))
    for purpose in (b"", PURPOSE[:-1], PURPOSE.upper(), b"emoticon refresh token\0"):
        assert refused(forged(purpose=purpose))


def test_c16_no_other_token_is_one_of_a_link(forge: Forge) -> None:
    refresh = HmacRefreshSigner(KeyRing(SECRET).refresh_keys()).seal(LINK_ID, 0)
    assert refused(refresh)
    assert refused(refresh[:43])
    assert refused(base64url.encode(base64url.decode(refresh)[1:33]))
    assert refused(forge.token)
    assert all(refused(segment) for segment in forge.token.split("."))


def test_c16_the_token_of_a_link_is_no_other(forge: Forge) -> None:
    signer = HmacRefreshSigner(KeyRing(SECRET).refresh_keys())
    for token in (TOKEN, TOKEN.ljust(76, "A"), TOKEN.rjust(76, "A")):
        with pytest.raises(InvalidGrant):
            signer.open(token)
    header, payload, _ = forge.token.split(".")
    assert forge.refused(TOKEN)
    assert forge.refused(f"{header}.{payload}.{TOKEN}")


def test_c13_tokens_of_a_retired_key_are_opened_and_new_ones_have_the_new_key() -> None:
    before, after = new_signer(OTHER_SECRET), new_signer(SECRET, OTHER_SECRET)
    assert after.open(before.seal(LINK_ID)) == LINK_ID
    assert after.seal(LINK_ID) == TOKEN
    assert refused(TOKEN, before)


def test_c13_a_key_that_is_retired_no_longer_is_refused() -> None:
    assert refused(new_signer(b"x" * 32).seal(LINK_ID), new_signer(SECRET, OTHER_SECRET))


def test_no_representation_shows_a_key() -> None:
    key = KeyRing(SECRET).link_keys()[0]
    assert key.hex() not in repr(SIGNER)
    assert repr(key) not in repr(SIGNER)
