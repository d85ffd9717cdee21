"""Who may see an emoticon without a token: with a share link always, without one only when its account is public."""

from dataclasses import dataclass
from typing import Final

from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import InvalidToken, InvalidUsername, NoVector
from emoticon.domain.models import Account, Format, Look, Origin, Picture
from emoticon.domain.names import fold
from emoticon.domain.revocation import Revocation
from emoticon.domain.stores import LookStore
from emoticon.domain.tokens import shown
from emoticon.domain.unbroken import unbroken

_NOBODYS_KEY: Final = ""


@dataclass(frozen=True, slots=True)
class Visibility:
    """`neutral` is the look that is shown for everybody who is not public."""

    looks: LookStore
    emoticons: Emoticons
    revocation: Revocation
    neutral: Look

    @unbroken
    async def choose(self, account: Account, visibility: str, origin: Origin) -> Account:
        """Make an account `private` or `public` and return it. Raises InvalidToken when it has gone meanwhile."""
        changed = await self.looks.show(account.id, visibility, shown(origin))
        if changed is None:
            raise InvalidToken
        account, change = changed
        await self.revocation.announce(change)
        return account

    async def public(self, username: str, size_px: int, picture_format: Format) -> Picture:
        """Return the emoticon of a public account, and for any other text the neutral one by the same work.

        So nobody learns whether a name is private, shut, deleted, or nobody's.

        Raises:
            InvalidSize: see `pictures.check_size`.
            Unavailable: it cannot be told or drawn now.

        """
        try:
            key = fold(username)
        except InvalidUsername:
            key = _NOBODYS_KEY
        account = await self.looks.public(key)
        if account is not None:
            try:
                return await self.emoticons.of(
                    account.look, size_px, picture_format, owner=account.id
                )
            except NoVector:
                pass  # it is an uploaded picture, and whoever asks gets something to look at
        return await self.emoticons.of(self.neutral, size_px, picture_format, owner=0)
