"""Share links: URLs of one account's emoticon that need no token and can be taken back."""

import re
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import (
    InvalidLink,
    InvalidToken,
    NoVector,
    TooManyLinks,
    Unavailable,
    UnknownLink,
)
from emoticon.domain.floors import Floors
from emoticon.domain.models import Account, Format, Link, NewLink, Origin, Picture
from emoticon.domain.pictures import DEFAULT_PX, MAX_PX, MIN_PX
from emoticon.domain.ports import Clock, LinkSigner
from emoticon.domain.revocation import Revocation
from emoticon.domain.stores import LinkStore
from emoticon.domain.tokens import shown
from emoticon.domain.unbroken import unbroken

MAX_LABEL: Final = 100
MAX_SIZES: Final = 16
MIN_LIFE_S: Final = 60
MAX_LIFE_S: Final = 365 * 86_400

_KEPT_MS: Final = 86_400_000
_BATCH: Final = 500
_NO_LINE = re.compile("[\0-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class SharedLink:
    """A link, the token by which others have it, and the version of the pictures that it shows now, "" for unknown."""

    link: Link
    token: str = field(repr=False)
    version: str


@dataclass(frozen=True, slots=True)
class Shown:
    """A picture by a share link."""

    picture: Picture
    link: Link
    version: str
    """What was asked for, when it is the version of this picture, else ""."""
    left_s: int | None
    """Whole seconds until the link expires, None when it does not."""
    began: int
    """What `Floors.news` was before the link was read."""


@dataclass(frozen=True, slots=True)
class Links:
    """An account may have `most` links."""

    store: LinkStore
    signer: LinkSigner
    emoticons: Emoticons
    floors: Floors
    revocation: Revocation
    clock: Clock
    most: int

    async def create(
        self,
        account: Account,
        *,
        label: str,
        life_s: int | None,
        sizes_px: Sequence[int],
        origin: Origin,
    ) -> SharedLink:
        """Make a link that lives for `life_s` seconds (None: until it is revoked) and shows these sizes (none: any).

        Raises:
            InvalidLink: the label is not one line of MAX_LABEL letters, or life or sizes are out of bounds.
            TooManyLinks: the account has all that it may have.
            InvalidToken: the account has gone meanwhile.

        """
        sizes = tuple(sorted(set(sizes_px)))
        _check(label, life_s, sizes)
        if not self.most:
            raise TooManyLinks("Nobody may have links here")
        now_ms = self.clock.now_ms()
        expires_at = None if life_s is None else now_ms + life_s * 1000
        new = NewLink(secrets.token_hex(16), label, sizes, now_ms, expires_at)
        link = await self.store.add(account.id, new, most=self.most, origin=shown(origin))
        if link is None:
            raise InvalidToken
        return self._shared(link, account)

    async def of(self, account: Account) -> Sequence[SharedLink]:
        """Return the links of an account that have not expired, the newest first."""
        found = await self.store.of_account(account.id, now_ms=self.clock.now_ms())
        return [self._shared(link, account) for link in found]

    @unbroken
    async def revoke(self, account: Account, link_id: str, origin: Origin) -> None:
        """Revoke a link: when this returns, nobody is shown anything by it. Raises UnknownLink for another's alike."""
        change = await self.store.remove(account.id, link_id, shown(origin))
        if change is None:
            raise UnknownLink
        await self.revocation.announce(change)

    async def show(
        self, token: str, size_px: int | None, picture_format: Format, version: str
    ) -> Shown:
        """Return the emoticon that a link shows. Without a size it is the usual one, else the largest of the link's.

        Raises:
            UnknownLink: for every reason alike why the token or the wish is no good.
            Unavailable: it cannot be told or drawn now.

        """
        began = self.floors.news
        found = await self.store.find(self.signer.open(token))
        if found is None:
            raise UnknownLink
        link, account = found
        now_ms = self.clock.now_ms()
        if link.expires_at is not None and link.expires_at <= now_ms:
            raise UnknownLink
        try:
            picture = await self.emoticons.of(
                account.look, _size(link, size_px), picture_format, owner=account.id
            )
        except NoVector:
            raise UnknownLink from None
        current = self._version(account)
        left_s = None if link.expires_at is None else (link.expires_at - now_ms) // 1000
        return Shown(picture, link, version if version == current else "", left_s, began)

    def _shared(self, link: Link, account: Account) -> SharedLink:
        return SharedLink(link, self.signer.seal(link.id), self._version(account))

    def _version(self, account: Account) -> str:
        try:
            return self.emoticons.version(account.look)
        except Unavailable:
            return ""


def _check(label: str, life_s: int | None, sizes_px: Sequence[int]) -> None:
    if len(label) > MAX_LABEL or _NO_LINE.search(label):
        raise InvalidLink(f"A label is one line of at most {MAX_LABEL} letters")
    if life_s is not None and not MIN_LIFE_S <= life_s <= MAX_LIFE_S:
        raise InvalidLink(f"A link lives for {MIN_LIFE_S} to {MAX_LIFE_S} seconds")
    if len(sizes_px) > MAX_SIZES or not all(MIN_PX <= size <= MAX_PX for size in sizes_px):
        raise InvalidLink(f"A link has at most {MAX_SIZES} sizes of {MIN_PX} to {MAX_PX} pixels")


def _size(link: Link, size_px: int | None) -> int:
    """Return the size that is shown. Raises UnknownLink for one that the link does not allow."""
    if size_px is None:
        return DEFAULT_PX if DEFAULT_PX in link.sizes_px or not link.sizes_px else link.sizes_px[-1]
    if not MIN_PX <= size_px <= MAX_PX or (link.sizes_px and size_px not in link.sizes_px):
        raise UnknownLink
    return size_px


async def forget_expired(store: LinkStore, clock: Clock) -> int:
    """Delete some of the links that expired more than a day ago; return how many."""
    return await store.prune(clock.now_ms() - _KEPT_MS, _BATCH)
