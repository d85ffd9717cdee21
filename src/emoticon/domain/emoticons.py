"""From an account and a wish for a size and a format to a picture."""

from dataclasses import dataclass, field, replace

from emoticon.domain import pictures
from emoticon.domain.admission import DEAR_MS
from emoticon.domain.drawing_times import DrawingTimes
from emoticon.domain.errors import InvalidUsername, NotYours, Unavailable
from emoticon.domain.generators import Generators
from emoticon.domain.media import Generator
from emoticon.domain.models import Account, Format, Look, Picture
from emoticon.domain.names import fold
from emoticon.domain.tiers import Tiers


@dataclass(frozen=True, slots=True)
class Emoticons:
    """Pictures of looks: from the tiers, else drawn."""

    tiers: Tiers
    generators: Generators
    times: DrawingTimes = field(default_factory=DrawingTimes)

    async def own(
        self, account: Account, username: str, size_px: int, picture_format: Format
    ) -> Picture:
        """Return the emoticon of `account`, which must be the one called `username`.

        Raises:
            NotYours: the name is another's or nobody's.
            InvalidSize: see `pictures.check_size`.
            NoVector: it is an uploaded picture, and SVG was asked for.
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
        """Return the picture of a look, kept for `owner` (account id, 0 for nobody).

        What another than the built-in generator cannot draw now is shown as that one can: a `stand_in`.
        """
        pictures.check_size(size_px)
        try:
            return await self._of(look, size_px, picture_format, owner)
        except Unavailable:
            instead = self.generators.stand_in(look)
            if instead == look:
                raise
            picture = await self._of(instead, size_px, picture_format, owner)
            return replace(picture, stand_in=True)

    async def warm(self, look: Look, size_px: int, picture_format: Format, *, owner: int) -> bool:
        """Put the picture of a look into every tier beyond memory, and say whether it had to be drawn for that.

        False also for a size that is kept nowhere but in memory. Raises as `of` does.
        """
        if pictures.check_size(size_px) not in pictures.KEPT_PX:
            return False
        generator = self.generators.of(look)
        label = pictures.label(look, size_px, picture_format, generator.revision, owner=owner)
        return await self.tiers.keep(
            label, lambda: self._draw(generator, look, size_px, picture_format)
        )

    def version(self, look: Look) -> str:
        """Return what stands for all pictures of a look in URLs: another one as soon as any of them may be another."""
        return pictures.version(look, self.generators.of(look).revision)

    async def _of(self, look: Look, size_px: int, picture_format: Format, owner: int) -> Picture:
        generator = self.generators.of(look)
        label = pictures.label(look, size_px, picture_format, generator.revision, owner=owner)
        return await self.tiers.picture(
            label,
            kept=size_px in pictures.KEPT_PX,
            slow=lambda: self.times.expected_ms(look.kind, picture_format, size_px) >= DEAR_MS,
            draw=lambda: self._draw(generator, look, size_px, picture_format),
        )

    async def _draw(
        self, generator: Generator, look: Look, size_px: int, picture_format: Format
    ) -> tuple[Picture, float]:
        drawing = await generator.draw(look, size_px, picture_format)
        if size_px in pictures.KEPT_PX:
            self.times.add(look.kind, picture_format, size_px, drawing.took_ms)
        return pictures.picture(drawing.body, picture_format, size_px), drawing.took_ms
