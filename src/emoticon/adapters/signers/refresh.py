"""Refresh tokens: which session, at which counter, and a MAC.

A token is base64url of 57 bytes: the version of this form (1), the session's id (16), the counter (8, big endian), and
HMAC-SHA256 over all of it (32). 57 is a multiple of 3, so that 76 letters spell it without padding or spare bits.
"""

import hmac
import re
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from emoticon.adapters.signers import base64url
from emoticon.domain.errors import InvalidGrant
from emoticon.domain.ports import RefreshSigner

_VERSION: Final = b"\x01"
_COUNTER_AT: Final = 17
_COUNTER_BYTES: Final = 8
_MAC_AT: Final = _COUNTER_AT + _COUNTER_BYTES
_FORM = re.compile(r"[A-Za-z0-9_-]{76}")


class HmacRefreshSigner(RefreshSigner):
    """Seals with the first of `keys` and opens what any of them sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    @override
    def seal(self, session_id: str, counter: int) -> str:
        body = _VERSION + bytes.fromhex(session_id) + counter.to_bytes(_COUNTER_BYTES, "big")
        return base64url.encode(body + hmac.digest(self._keys[0], body, "sha256"))

    @override
    def open(self, token: str) -> tuple[str, int]:
        if not _FORM.fullmatch(token):
            raise InvalidGrant
        data = base64url.decode(token)
        body, mac = data[:_MAC_AT], data[_MAC_AT:]
        genuine = any(
            hmac.compare_digest(hmac.digest(key, body, "sha256"), mac) for key in self._keys
        )
        if not genuine or not body.startswith(_VERSION):
            raise InvalidGrant
        return body[1:_COUNTER_AT].hex(), int.from_bytes(body[_COUNTER_AT:], "big")
