"""Access tokens as JWT (RFC 7519, RFC 9068) behind a strict gate.

A token is read only when it has exactly the form that `sign` gives it: three base64url segments in canonical encoding,
a header that is letter for letter one of those written here, a signature by the key that this header names, every
claim present and of its type. What an attacker could vary is never interpreted; a header is not even parsed, so there
is nothing left that a library for JOSE could decide.
"""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from typing_extensions import override

from emoticon.adapters.signers import base64url
from emoticon.adapters.signers.keys import AccessKey
from emoticon.domain.errors import InvalidToken
from emoticon.domain.models import Claims
from emoticon.domain.ports import Clock, TokenSigner

TYPE: Final = "at+jwt"
AUDIENCE: Final = "emoticon-api"
MAX_TOKEN_LENGTH: Final = 2048
_SKEW_S: Final = 5
_SUBJECT = re.compile(r"[1-9][0-9]{0,18}")
_SESSION = re.compile(r"[0-9a-f]{32}")


class JwtSigner(TokenSigner):
    """Signs with the first of `keys`, which are of one algorithm, and reads what any of them signed.

    `issuer` goes into `iss`, `max_life_s` bounds exp - iat. Times of other nodes may run ahead by 5 s; an expired
    token is never given any.
    """

    def __init__(
        self, keys: Sequence[AccessKey], *, issuer: str, max_life_s: int, clock: Clock
    ) -> None:
        self._keys = {_header(key): key for key in keys}
        self._active_header, self._active = next(iter(self._keys.items()))
        self._issuer = issuer
        self._max_life_s = max_life_s
        self._clock = clock
        signature_length = len(base64url.encode(bytes(self._active.signature_bytes)))
        segment = "([A-Za-z0-9_-]+)"
        self._compact = re.compile(
            rf"({segment}\.{segment})\.([A-Za-z0-9_-]{{{signature_length}}})"
        )

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
        signed = f"{self._active_header}.{_segment(payload)}"
        return f"{signed}.{base64url.encode(self._active.sign(signed.encode()))}"

    @override
    def read(self, token: str) -> Claims:
        match = self._compact.fullmatch(token) if len(token) <= MAX_TOKEN_LENGTH else None
        if match is None:
            raise InvalidToken
        signed, header, payload, signature = match.groups()
        key = self._keys.get(header)
        if key is None:
            raise InvalidToken
        try:
            genuine = key.verify(signed.encode(), base64url.decode(signature))
            values = json.loads(base64url.decode(payload).decode("utf-8")) if genuine else None
        except (ValueError, RecursionError):
            raise InvalidToken from None
        if not isinstance(values, dict):
            raise InvalidToken
        return self._claims(values)

    @override
    def public_keys(self) -> Sequence[Mapping[str, str]]:
        return [jwk for key in self._keys.values() if (jwk := key.public_key()) is not None]

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


def _header(key: AccessKey) -> str:
    return _segment({"alg": key.algorithm, "kid": key.id, "typ": TYPE})


def _segment(value: Mapping[str, object]) -> str:
    return base64url.encode(json.dumps(value, separators=(",", ":"), ensure_ascii=True).encode())


def _integer(payload: Mapping[str, Any], name: str) -> int:
    value = payload.get(name)
    if type(value) is not int or value < 1:  # bool is an int, 1e9 is not
        raise InvalidToken
    return value
