"""Access tokens as JWT (RFC 7519, RFC 9068) behind a strict gate.

The gate comes before the library: a token is read only when it has exactly the form that `sign` gives it - three
base64url segments in canonical encoding, a header of exactly the members alg, kid and typ with the values that were
signed, every claim present and of its type. What an attacker could vary is therefore never interpreted.
"""

import base64
import binascii
import hashlib
import hmac
import json
import re
from collections.abc import Mapping
from typing import Any, Final

from joserfc import jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from typing_extensions import override

from emoticon.domain.errors import InvalidToken
from emoticon.domain.models import Claims
from emoticon.domain.ports import Clock, TokenSigner

ALGORITHM: Final = "HS256"
TYPE: Final = "at+jwt"
AUDIENCE: Final = "emoticon-api"
MAX_TOKEN_LENGTH: Final = 2048
_SKEW_S: Final = 5
_COMPACT = re.compile(r"[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{43}")
_SUBJECT = re.compile(r"[1-9][0-9]{0,18}")
_SESSION = re.compile(r"[0-9a-f]{32}")


class HmacSigner(TokenSigner):
    """HS256 with one key of at least 32 bytes; `issuer` goes into `iss`, `max_life_s` bounds exp - iat.

    Times of other nodes may run ahead by 5 s; an expired token is never given any.
    """

    def __init__(self, secret: bytes, *, issuer: str, max_life_s: int, clock: Clock) -> None:
        self._key = OctKey.import_key(secret)
        self._issuer = issuer
        self._max_life_s = max_life_s
        self._clock = clock
        kid = hmac.digest(secret, b"emoticon key id", hashlib.sha256)[:8].hex()
        self._header = {"alg": ALGORITHM, "kid": kid, "typ": TYPE}

    @override
    def sign(self, claims: Claims) -> str:
        payload = {
            "iss": self._issuer,
            "aud": AUDIENCE,
            "sub": str(claims.account_id),
            "sid": claims.session_id,
            "ver": claims.version,
            "iat": claims.issued_at_s,
            "nbf": claims.issued_at_s,
            "exp": claims.expires_at_s,
            "user": {"id": claims.account_id, "username": claims.username},
        }
        body = json.dumps(payload, separators=(",", ":"), ensure_ascii=True)
        return jws.serialize_compact(self._header, body, self._key, algorithms=[ALGORITHM])

    @override
    def read(self, token: str) -> Claims:
        if len(token) > MAX_TOKEN_LENGTH or not _COMPACT.fullmatch(token):
            raise InvalidToken
        header, payload, signature = (_decode(segment) for segment in token.split("."))
        if _object(header) != self._header or len(signature) != hashlib.sha256().digest_size:
            raise InvalidToken
        try:
            jws.deserialize_compact(token, self._key, algorithms=[ALGORITHM])
        except JoseError:
            raise InvalidToken from None
        return self._claims(_object(payload))

    def _claims(self, payload: Mapping[str, Any]) -> Claims:
        user = payload.get("user")
        subject, session_id = payload.get("sub"), payload.get("sid")
        if (
            payload.get("iss") != self._issuer
            or payload.get("aud") != AUDIENCE
            or not isinstance(subject, str)
            or not _SUBJECT.fullmatch(subject)
            or not isinstance(session_id, str)
            or not _SESSION.fullmatch(session_id)
            or not isinstance(user, dict)
            or not isinstance(user.get("username"), str)
        ):
            raise InvalidToken
        issued_at_s, not_before_s, expires_at_s = (
            _integer(payload, name) for name in ("iat", "nbf", "exp")
        )
        now_s = self._clock.now_ms() // 1000
        if (
            expires_at_s <= now_s
            or max(issued_at_s, not_before_s) > now_s + _SKEW_S
            or not 0 < expires_at_s - issued_at_s <= self._max_life_s
        ):
            raise InvalidToken
        return Claims(
            account_id=int(subject),
            username=user["username"],
            session_id=session_id,
            version=_integer(payload, "ver"),
            issued_at_s=issued_at_s,
            expires_at_s=expires_at_s,
        )


def _decode(segment: str) -> bytes:
    """Return the bytes of a segment whose encoding is the only one that those bytes have."""
    try:
        data = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
    except binascii.Error:
        raise InvalidToken from None
    if base64.urlsafe_b64encode(data).rstrip(b"=").decode() != segment:
        raise InvalidToken
    return data


def _object(data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError):
        raise InvalidToken from None
    if not isinstance(value, dict):
        raise InvalidToken
    return value


def _integer(payload: Mapping[str, Any], name: str) -> int:
    value = payload.get(name)
    if type(value) is not int or value < 1:  # bool is an int, 1e9 is not
        raise InvalidToken
    return value
