"""How often passwords may be tried and accounts be made, and who counts as the same."""

from hashlib import blake2b
from ipaddress import IPv6Address, IPv6Network, ip_address

from emoticon.domain.errors import InvalidUsername, TooManyAttempts
from emoticon.domain.models import Limit
from emoticon.domain.names import fold
from emoticon.domain.ports import Limiter

UNKNOWN = "unknown"
_MAX_ADDRESS_LENGTH = 64
_SITE_BITS = 64


class Attempts:
    """Counts attempts before anything is spent on them, and refuses those beyond a limit with TooManyAttempts.

    A name is never limited by itself: whoever wants to keep somebody out would only have to try wrong passwords. It is
    limited together with the address from which it is tried, and the address by itself, whatever the name.

    Args:
        limiter: counts; None lets everything through.
        password: for each name from each address.
        address: passwords for each address.
        signups: accounts for each address.

    """

    def __init__(
        self, limiter: Limiter | None, *, password: Limit, address: Limit, signups: Limit
    ) -> None:
        self._limiter = limiter
        self._password = password
        self._address = address
        self._signups = signups

    async def password(self, name: str, address: str) -> None:
        """Count an attempt at the password of a name, any text; call it before a hash is made.

        The pair comes first. One client that goes on trying an old password is refused there and uses nothing up for
        the others behind its address. The other way round nobody else is harmed: an attempt that the address refuses
        counts against its own pair only.
        """
        await self._count(self._password, _pair(name, address))
        await self._count(self._address, _key(bucket(address)))

    async def right(self, name: str, address: str) -> None:
        """Forget the attempts of this name from this address: the password was right.

        Those of the address stay, else an account of one's own would pay for guessing those of others.
        """
        if self._limiter is not None:
            await self._limiter.clear(self._password, _pair(name, address))

    async def sign_up(self, address: str) -> None:
        """Count an attempt to make an account."""
        await self._count(self._signups, _key(bucket(address)))

    async def _count(self, limit: Limit, key: str) -> None:
        if self._limiter is None:
            return
        if retry_after_s := await self._limiter.hit(limit, key):
            raise TooManyAttempts(retry_after_s=retry_after_s)


def bucket(address: str) -> str:
    """Return what counts as one address: an IPv4 address, the /64 of an IPv6 address, or UNKNOWN for all other text.

    A household or a server has a /64 at least, and may take any of its addresses.
    """
    try:
        # The length first: the library would split and quote it all.
        parsed = ip_address(address if len(address) <= _MAX_ADDRESS_LENGTH else "")
    except ValueError:
        return UNKNOWN
    if not isinstance(parsed, IPv6Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(IPv6Network((int(parsed), _SITE_BITS), strict=False))


def _pair(name: str, address: str) -> str:
    try:
        return _key("name", fold(name), bucket(address))
    except InvalidUsername:
        return _key("no name", name, bucket(address))


def _key(*parts: str) -> str:
    """Return a digest that no other parts have; quotation keeps them apart and takes lone surrogates."""
    return blake2b(ascii(parts).encode(), digest_size=16).hexdigest()
