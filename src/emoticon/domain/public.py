"""Pictures for anybody, without an account: kept for nobody, and limited for each address."""

from dataclasses import dataclass
from hashlib import blake2b

from emoticon.domain.attempts import bucket
from emoticon.domain.dropins.options import Pairs, gather, typed
from emoticon.domain.dropins.wishes import Wish, exact_size
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import TooManyAttempts
from emoticon.domain.models import Format, Limit, Look, Picture
from emoticon.domain.ports import Limiter
from emoticon.domain.styles import Catalogue

NOBODY = 0


@dataclass(frozen=True, slots=True)
class PublicGenerator:
    """Draws what anybody asks for, in the styles that may be chosen.

    A `limiter` of None lets everything through. `neutral` is shown where nobody is to be seen.
    """

    emoticons: Emoticons
    catalogue: Catalogue
    neutral: Look
    limiter: Limiter | None
    limit: Limit

    async def admit(self, address: str) -> None:
        """Count a request, before anything is spent on it. Raises TooManyAttempts."""
        if self.limiter is None:
            return
        key = blake2b(bucket(address).encode(), digest_size=16).hexdigest()
        if retry_after_s := await self.limiter.hit(self.limit, key):
            raise TooManyAttempts(retry_after_s=retry_after_s)

    def wish(
        self, style: str, seed: str, size: str, picture_format: Format, options: Pairs
    ) -> Wish:
        """Return the wish for a look with this size and these options, as they stand in a URL.

        Raises as `Catalogue.look` and `exact_size` do.
        """
        size_px = exact_size(size)
        schema = self.catalogue.options(style)
        look = self.catalogue.look(style, seed, typed(gather(options), schema))
        return Wish(look, size_px, picture_format)

    async def picture(self, wish: Wish) -> Picture:
        """Return the picture. Raises as `Emoticons.of` does."""
        return await self.emoticons.of(wish.look, wish.size_px, wish.format, owner=NOBODY)

    def license_url(self, look: Look) -> str:
        """Return where the licence of its style can be read, "" when nobody says. Raises UnknownStyle."""
        generator = self.emoticons.generators.of(look)
        return generator.style(look.style).license_url
