"""From an account and a wish for a size and a format to a picture."""

from dataclasses import dataclass

from emoticon.domain import pictures
from emoticon.domain.errors import InvalidUsername, NotYours
from emoticon.domain.models import Account, Format, Look, Picture
from emoticon.domain.names import fold
from emoticon.domain.ports import Generator
from emoticon.domain.tiers import Tiers


@dataclass(frozen=True, slots=True)
class Emoticons:
    """Pictures of looks: from the tiers, else drawn."""

    tiers: Tiers
    generator: Generator

    async def own(
        self, account: Account, username: str, size_px: int, picture_format: Format
    ) -> Picture:
        """Return the emoticon of `account`, which must be the one called `username`.

        Raises:
            NotYours: the name is another's or nobody's.
            InvalidSize: see `pictures.check_size`.
            Unavailable: it cannot be drawn now.
        """
        try:
            own = fold(username) == account.username_key
        except InvalidUsername:
            own = False
        if not own:
            raise NotYours
        return await self.of(account.look, size_px, picture_format, owner=account.id)

    async def of(self, look: Look, size_px: int, picture_format: Format, *, owner: int) -> Picture:
        """Return the picture of a look, kept for `owner` (account id, 0 for nobody)."""
        size_px = pictures.check_size(size_px)
        key = pictures.key(look, size_px, picture_format, self.generator.revision)

        async def draw() -> Picture:
            body = await self.generator.draw(look, size_px, picture_format)
            return pictures.picture(body, picture_format, size_px)

        return await self.tiers.picture(
            key, owner=owner, kept=size_px in pictures.KEPT_PX, draw=draw
        )
