"""Who sends a request: the peer, or whom trusted proxies name in X-Forwarded-For."""

import re
from collections.abc import Iterator, Sequence
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
)

from starlette.types import Scope

MAX_ENTRIES = 20
"""Entries of X-Forwarded-For that are read, from the right."""

_ENTRY = re.compile(
    r"\[(?P<bracketed>[0-9A-Fa-f:.]{2,45})(?:%[^\[\]%]{1,32})?\](?::[0-9]{1,5})?"
    r"|(?P<v4>[0-9.]{7,15})(?::[0-9]{1,5})?"
    r"|(?P<v6>[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]{1,44})(?:%[^\[\]%]{1,32})?"
)


class ClientAddress:
    """Tells the address of a client; believes X-Forwarded-For only as far as networks in `trusted` wrote it.

    Each proxy appends the address of its peer, so the header is read from the right: the first address that is no
    trusted proxy's is the client's, and what stands left of it the client may have made up. Text that is no address
    ends the reading; then, as at the end of the header, the last address read counts. Entries beyond MAX_ENTRIES are
    not read. All other X-Forwarded-* and Forwarded are never looked at.
    """

    def __init__(self, trusted: Sequence[IPv4Network | IPv6Network]) -> None:
        self._trusted = tuple(trusted)

    def __call__(self, scope: Scope) -> str:
        """Return an address in its usual form, without port and zone; empty for peers without one, as on a socket."""
        peer = scope.get("client")
        client = _read(peer[0]) if peer else None
        if client is None:
            return ""
        entries = _forwarded(scope)
        while self._trusts(client):
            named = _read(next(entries, ""))
            if named is None:
                break
            client = named
        return str(client)

    def from_proxy(self, scope: Scope) -> bool:
        """Say whether the peer is a trusted proxy."""
        peer = scope.get("client")
        client = _read(peer[0]) if peer else None
        return client is not None and self._trusts(client)

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)


def _forwarded(scope: Scope) -> Iterator[str]:
    """Give the last entries of X-Forwarded-For, the last one first."""
    lines = [value for name, value in scope["headers"] if name == b"x-forwarded-for"]
    entries = b",".join(lines).rsplit(b",", MAX_ENTRIES)[-MAX_ENTRIES:]
    return (entry.decode("latin-1").strip(" \t") for entry in reversed(entries))


def _read(text: str) -> IPv4Address | IPv6Address | None:
    match = _ENTRY.fullmatch(text)
    if match is None:
        return None
    try:
        address = ip_address(match["bracketed"] or match["v4"] or match["v6"])
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
