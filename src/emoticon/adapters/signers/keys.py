"""The keys of each purpose, from the secrets that the operator gave.

No key serves two purposes: HKDF (RFC 5869) derives each from the secret under a label of its own. The one exception
is HS256, whose key is the secret itself, so that tokens stay good over an upgrade.
"""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Final, Literal, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from typing_extensions import override

from emoticon.adapters.signers import base64url

MIN_SECRET_BYTES: Final = 32
_KEY_BYTES: Final = 32
_KEY_ID_BYTES: Final = 8
_HMAC_KEY_ID: Final = b"emoticon key id"
_ED25519: Final = b"emoticon access token ed25519 v1"
_REFRESH: Final = b"emoticon refresh token hmac-sha256 v1"
_LINK: Final = b"emoticon share link hmac-sha256 v1"


class AccessKey(Protocol):
    """A key for access tokens, bound to one algorithm (RFC 7518 section 3.1, RFC 8037 section 3.1)."""

    algorithm: ClassVar[str]
    signature_bytes: ClassVar[int]

    @property
    def id(self) -> str:
        """A name for the key that tells nothing of it; another for each secret and algorithm."""
        ...

    def sign(self, data: bytes) -> bytes:
        """Return the signature."""
        ...

    def verify(self, data: bytes, signature: bytes) -> bool:
        """Say whether this key made the signature of the data."""
        ...

    def public_key(self) -> Mapping[str, str] | None:
        """Return the JWK by which others can verify; None for a symmetric key."""
        ...


@dataclass(frozen=True, slots=True)
class HmacKey(AccessKey):
    """HS256."""

    algorithm: ClassVar[str] = "HS256"
    signature_bytes: ClassVar[int] = 32
    secret: bytes = field(repr=False)

    @property
    @override
    def id(self) -> str:
        return hmac.digest(self.secret, _HMAC_KEY_ID, "sha256")[:_KEY_ID_BYTES].hex()

    @override
    def sign(self, data: bytes) -> bytes:
        return hmac.digest(self.secret, data, "sha256")

    @override
    def verify(self, data: bytes, signature: bytes) -> bool:
        return hmac.compare_digest(self.sign(data), signature)

    @override
    def public_key(self) -> None:
        return None


class Ed25519Key(AccessKey):
    """EdDSA over Ed25519, from a seed of 32 bytes."""

    algorithm: ClassVar[str] = "EdDSA"
    signature_bytes: ClassVar[int] = 64

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self._public = self._private.public_key()

    @property
    @override
    def id(self) -> str:
        return hashlib.sha256(self._public.public_bytes_raw()).digest()[:_KEY_ID_BYTES].hex()

    @override
    def sign(self, data: bytes) -> bytes:
        return self._private.sign(data)

    @override
    def verify(self, data: bytes, signature: bytes) -> bool:
        try:
            self._public.verify(signature, data)
        except InvalidSignature:
            return False
        return True

    @override
    def public_key(self) -> Mapping[str, str]:
        return {
            "kty": "OKP",
            "crv": "Ed25519",
            "x": base64url.encode(self._public.public_bytes_raw()),
            "kid": self.id,
            "use": "sig",
            "alg": self.algorithm,
        }


class KeyRing:
    """An active secret, whose keys sign, and retired ones, whose keys only verify; raises ValueError under 32 bytes.

    All lists of keys begin with the active one.
    """

    def __init__(self, active: bytes, retired: Sequence[bytes] = ()) -> None:
        self._secrets = (active, *retired)
        if min(map(len, self._secrets)) < MIN_SECRET_BYTES:
            raise ValueError(f"a secret has less than {MIN_SECRET_BYTES} bytes")

    def access_keys(self, signing: Literal["hs256", "ed25519"]) -> Sequence[AccessKey]:
        """Return the keys of one algorithm for access tokens."""
        if signing == "hs256":
            return [HmacKey(secret) for secret in self._secrets]
        return [Ed25519Key(_derive(secret, _ED25519)) for secret in self._secrets]

    def refresh_keys(self) -> Sequence[bytes]:
        """Return the keys for refresh tokens, of 32 bytes."""
        return [_derive(secret, _REFRESH) for secret in self._secrets]

    def link_keys(self) -> Sequence[bytes]:
        """Return the keys for tokens of share links, of 32 bytes."""
        return [_derive(secret, _LINK) for secret in self._secrets]


def _derive(secret: bytes, label: bytes) -> bytes:
    return HKDF(SHA256(), _KEY_BYTES, salt=None, info=label).derive(secret)
