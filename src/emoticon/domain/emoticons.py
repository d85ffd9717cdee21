"""From an account and a wish for a size and a format to a picture."""

from dataclasses import dataclass, field

from emoticon.domain import pictures
from emoticon.domain.admission import DEAR_MS
from emoticon.domain.drawing_times import DrawingTimes
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
    times: DrawingTimes = field(default_factory=DrawingTimes)

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
        pictures.check_size(size_px)
        label = pictures.label(look, size_px, picture_format, self.generator.revision, owner=owner)
        return await self.tiers.picture(
            label,
            kept=size_px in pictures.KEPT_PX,
            slow=lambda: self.times.expected_ms(look.style, picture_format, size_px) >= DEAR_MS,
            draw=lambda: self._draw(look, size_px, picture_format),
        )

    async def warm(self, look: Look, size_px: int, picture_format: Format, *, owner: int) -> bool:
        """Put the picture of a look into every tier beyond memory, and say whether it had to be drawn for that.

        False also for a size that is kept nowhere but in memory. Raises as `of` does.
        """
        if pictures.check_size(size_px) not in pictures.KEPT_PX:
            return False
        label = pictures.label(look, size_px, picture_format, self.generator.revision, owner=owner)
        return await self.tiers.keep(label, lambda: self._draw(look, size_px, picture_format))

    async def _draw(
        self, look: Look, size_px: int, picture_format: Format
    ) -> tuple[Picture, float]:
        drawing = await self.generator.draw(look, size_px, picture_format)
        if size_px in pictures.KEPT_PX:
            self.times.add(look.style, picture_format, size_px, drawing.took_ms)
        return pictures.picture(drawing.body, picture_format, size_px), drawing.took_ms
