"""Facts about keys: one for each purpose, retired ones that only verify, public ones that hold nothing private."""

import hashlib
import hmac
from collections.abc import Mapping

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from joserfc import jws
from joserfc.errors import BadSignatureError
from joserfc.jwk import OctKey, OKPKey
from tests.adapters.signers.forging import (
    CLAIMS,
    OTHER_SECRET,
    SECRET,
    Forge,
    Signing,
    decode,
    new_signer,
    refused,
)

from emoticon.adapters.signers import base64url
from emoticon.adapters.signers.keys import AccessKey, Ed25519Key, KeyRing

OLDEST_SECRET = b"the very first key of all, of thirty-two bytes and more"


def test_t26_tokens_of_a_retired_key_stay_good_and_new_ones_have_the_new_key(
    signing: Signing,
) -> None:
    before, after = new_signer(signing, OTHER_SECRET), new_signer(signing, SECRET, OTHER_SECRET)
    token = before.sign(CLAIMS)
    assert after.read(token) == CLAIMS
    assert after.sign(CLAIMS) == new_signer(signing, SECRET).sign(CLAIMS)
    assert refused(before, after.sign(CLAIMS)), "a node that does not know the new key yet"
    assert new_signer(signing, OTHER_SECRET, SECRET).read(after.sign(CLAIMS)) == CLAIMS, (
        "all nodes learn of the new key before the first one signs with it"
    )


def test_t26_any_number_of_keys_may_be_retired(signing: Signing) -> None:
    signer = new_signer(signing, SECRET, OTHER_SECRET, OLDEST_SECRET, OTHER_SECRET)
    for secret in (SECRET, OTHER_SECRET, OLDEST_SECRET):
        assert signer.read(new_signer(signing, secret).sign(CLAIMS)) == CLAIMS


def test_t25_a_key_that_is_retired_no_longer_is_refused(signing: Signing) -> None:
    token = new_signer(signing, OLDEST_SECRET).sign(CLAIMS)
    assert refused(new_signer(signing, SECRET, OTHER_SECRET), token)


def test_t25_a_token_of_another_deployment_is_refused(forge: Forge) -> None:
    assert forge.refused(new_signer(forge.signing, OTHER_SECRET).sign(CLAIMS))


def test_a_retired_key_does_not_sign_under_the_id_of_the_active_one(forge: Forge) -> None:
    signer = new_signer(forge.signing, SECRET, OTHER_SECRET)
    retired = KeyRing(OTHER_SECRET).access_keys(forge.signing)[0]
    assert refused(signer, forge.forge(sign=retired.sign))
    assert refused(signer, forge.forge({**forge.header, "kid": retired.id}))


def test_the_public_keys_are_those_of_all_that_is_read_the_active_one_first() -> None:
    signer = new_signer("ed25519", SECRET, OTHER_SECRET, SECRET)
    public = signer.public_keys()
    assert [jwk["kid"] for jwk in public] == [
        decode(new_signer("ed25519", secret).sign(CLAIMS).split(".")[0])["kid"]
        for secret in (SECRET, OTHER_SECRET)
    ]
    for jwk in public:
        assert jwk.keys() == {"kty", "crv", "x", "kid", "use", "alg"}, "no private member"
        assert (jwk["kty"], jwk["crv"], jwk["use"], jwk["alg"]) == (
            *("OKP", "Ed25519", "sig", "EdDSA"),
        )
        assert len(base64url.decode(jwk["x"])) == 32


def test_a_symmetric_key_is_never_public() -> None:
    assert new_signer("hs256", SECRET, OTHER_SECRET).public_keys() == []


def test_whoever_has_the_public_key_can_verify() -> None:
    signer = new_signer("ed25519")
    signed, _, signature = signer.sign(CLAIMS).rpartition(".")
    public = base64url.decode(signer.public_keys()[0]["x"])
    Ed25519PublicKey.from_public_bytes(public).verify(base64url.decode(signature), signed.encode())


@pytest.mark.filterwarnings("ignore::joserfc.errors.SecurityWarning")  # EdDSA has a newer name
def test_a_library_for_jose_verifies_our_tokens(forge: Forge) -> None:
    def key(signing: Signing, secret: bytes) -> OctKey | OKPKey:
        if signing == "hs256":
            return OctKey.import_key(secret)
        return OKPKey.import_key(dict(new_signer(signing, secret).public_keys()[0]))

    algorithm = forge.header["alg"]
    read = jws.deserialize_compact(forge.token, key(forge.signing, SECRET), algorithms=[algorithm])
    assert read.headers() == forge.header
    with pytest.raises(BadSignatureError):
        jws.deserialize_compact(
            forge.token, key(forge.signing, OTHER_SECRET), algorithms=[algorithm]
        )


def test_ed25519_signs_as_rfc_8032_says() -> None:
    """Section 7.1, test 1."""
    key = Ed25519Key(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    public = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
    assert key.public_key()["x"] == base64url.encode(public)
    assert key.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )


def test_no_two_purposes_and_no_two_secrets_share_a_key() -> None:
    """A seed of Ed25519 cannot be read back: keys are compared by the public key that each would have as a seed."""
    seeds = [SECRET[:32], OTHER_SECRET[:32]]
    public: list[Mapping[str, str]] = []
    for secret in (SECRET, OTHER_SECRET):
        seeds += KeyRing(secret).refresh_keys()
        public += new_signer("ed25519", secret).public_keys()
    public += [Ed25519Key(seed).public_key() for seed in seeds]
    assert len({jwk["x"] for jwk in public}) == len({jwk["kid"] for jwk in public}) == 6


def test_no_two_keys_share_an_id() -> None:
    ids = [key.id for ring in (KeyRing(SECRET), KeyRing(OTHER_SECRET)) for key in access_keys(ring)]
    assert len(set(ids)) == len(ids) == 4


def access_keys(ring: KeyRing) -> list[AccessKey]:
    return [*ring.access_keys("hs256"), *ring.access_keys("ed25519")]


def test_the_key_id_tells_nothing_of_the_key(forge: Forge) -> None:
    kid = forge.header["kid"]
    assert len(kid) == 16
    for digest in ("md5", "sha1", "sha256", "sha512", "blake2b"):
        assert kid not in hashlib.new(digest, SECRET).hexdigest()
    assert kid not in SECRET.hex()


def test_the_keys_of_a_secret_never_change() -> None:
    """Other ones would sign everybody out at an upgrade. Written out as RFC 5869 has it."""

    def derived(label: bytes) -> bytes:
        extracted = hmac.digest(bytes(32), SECRET, "sha256")
        return hmac.digest(extracted, label + b"\x01", "sha256")

    ring = KeyRing(SECRET)
    assert [key.id for key in access_keys(ring)] == ["86fabada671aeabf", "f72afe7fc910abff"]
    assert ring.access_keys("ed25519")[0].public_key() == (
        Ed25519Key(derived(b"emoticon access token ed25519 v1")).public_key()
    )
    assert ring.refresh_keys() == [derived(b"emoticon refresh token hmac-sha256 v1")]


def test_no_representation_shows_a_secret() -> None:
    ring = KeyRing(SECRET, [OTHER_SECRET])
    shown = repr([ring, *access_keys(ring), new_signer("hs256"), new_signer("ed25519")])
    for secret in (SECRET, OTHER_SECRET):
        assert repr(secret)[2:-1] not in shown
        assert secret.hex() not in shown


@pytest.mark.parametrize("secret", [b"", b"x", SECRET[:31]])
def test_a_short_secret_is_refused_wherever_it_stands(secret: bytes) -> None:
    for active, retired in ((secret, []), (SECRET, [secret]), (SECRET, [OTHER_SECRET, secret])):
        with pytest.raises(ValueError, match="a secret has less than 32 bytes"):
            KeyRing(active, retired)
