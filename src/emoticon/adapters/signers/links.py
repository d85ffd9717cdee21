"""Tokens of share links: which link, and a MAC.

A token is base64url of 32 bytes: the link's id (16) and the first half of HMAC-SHA256 over what it is for and the id
(16). It stands in URLs that people pass on, so it is short: 43 letters, and 128 bits that nobody guesses.
"""

import hmac
import re
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from emoticon.adapters.signers import base64url
from emoticon.domain.errors import UnknownLink
from emoticon.domain.ports import LinkSigner

_PURPOSE: Final = b"emoticon share link\0"
_ID_BYTES: Final = 16
_MAC_BYTES: Final = 16
_FORM = re.compile(r"[A-Za-z0-9_-]{43}")


class HmacLinkSigner(LinkSigner):
    """Seals with the first of `keys` and opens what any of them sealed."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._keys = tuple(keys)

    @override
    def seal(self, link_id: str) -> str:
        identity = bytes.fromhex(link_id)
        return base64url.encode(identity + _mac(self._keys[0], identity))

    @override
    def open(self, token: str) -> str:
        if not _FORM.fullmatch(token):
            raise UnknownLink
        try:
            data = base64url.decode(token)
        except ValueError:
            raise UnknownLink from None
        identity, mac = data[:_ID_BYTES], data[_ID_BYTES:]
        if not any(hmac.compare_digest(_mac(key, identity), mac) for key in self._keys):
            raise UnknownLink
        return identity.hex()


def _mac(key: bytes, identity: bytes) -> bytes:
    return hmac.digest(key, _PURPOSE + identity, "sha256")[:_MAC_BYTES]
