"""Tokens as somebody would make them who knows the key, for each algorithm."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from tests.accounts import NOW_MS, ManualClock

from emoticon.adapters.signers import base64url
from emoticon.adapters.signers.access import JwtSigner
from emoticon.adapters.signers.keys import AccessKey, KeyRing
from emoticon.domain.errors import InvalidToken
from emoticon.domain.models import Claims

SECRET = b"a key of at least thirty-two bytes for tests"
OTHER_SECRET = b"another key of at least thirty-two bytes"
NOW_S = NOW_MS // 1000
LIFE_S = 600
CLAIMS = Claims(
    account_id=7,
    username="alice",
    session_id="0123456789abcdef" * 2,
    version=3,
    issued_at_s=NOW_S,
    expires_at_s=NOW_S + LIFE_S,
)

Signing = Literal["hs256", "ed25519"]


def new_signer(signing: Signing, active: bytes = SECRET, *retired: bytes) -> JwtSigner:
    return JwtSigner(
        KeyRing(active, retired).access_keys(signing),
        issuer="emoticon",
        max_life_s=LIFE_S,
        clock=ManualClock(),
    )


def decode(segment: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(base64url.decode(segment))
    return value


def spell(value: object) -> bytes:
    """Return the JSON that the signer would write."""
    return json.dumps(value, separators=(",", ":")).encode()


def without(values: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key != name}


def refused(signer: JwtSigner, token: str) -> bool:
    try:
        signer.read(token)
    except InvalidToken as error:
        return error.detail == "Could not validate token"
    return False


@dataclass(frozen=True)
class Forge:
    """A signer, one of its tokens, and its key in the wrong hands."""

    signing: Signing
    signer: JwtSigner
    key: AccessKey
    token: str

    @property
    def header(self) -> dict[str, Any]:
        return decode(self.token.split(".")[0])

    @property
    def payload(self) -> dict[str, Any]:
        return decode(self.token.split(".")[1])

    def forge(
        self,
        header: object = None,
        payload: object = None,
        *,
        sign: Callable[[bytes], bytes] | None = None,
        raw_header: bytes | None = None,
        raw_payload: bytes | None = None,
    ) -> str:
        """Sign anything, by default what the signer itself would."""
        parts = (
            raw_header or spell(self.header if header is None else header),
            raw_payload or spell(self.payload if payload is None else payload),
        )
        signed = ".".join(map(base64url.encode, parts))
        return f"{signed}.{base64url.encode((sign or self.key.sign)(signed.encode()))}"

    def refused(self, token: str) -> bool:
        return refused(self.signer, token)


def new_forge(signing: Signing) -> Forge:
    signer = new_signer(signing)
    key = KeyRing(SECRET).access_keys(signing)[0]
    return Forge(signing, signer, key, signer.sign(CLAIMS))
