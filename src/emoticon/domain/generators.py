"""All that draws here, and what is shown in the place of what cannot be drawn."""

from collections.abc import Mapping
from dataclasses import dataclass

from emoticon.domain.errors import DrawingFailed
from emoticon.domain.media import Generator
from emoticon.domain.models import BUILT_IN, ORIGINAL, Look


@dataclass(frozen=True, slots=True)
class Generators:
    """Generators by the names that looks have for them; the built-in one needs nothing but this process.

    `stand_in_style` is a style of the built-in one.
    """

    named: Mapping[str, Generator]
    stand_in_style: str

    @property
    def built_in(self) -> Generator:
        """The one that comes with the service."""
        return self.named[BUILT_IN]

    def of(self, look: Look) -> Generator:
        """Return who draws this look. Raises DrawingFailed when it is not here any more."""
        generator = self.named.get(ORIGINAL if look.original else look.generator)
        if generator is None:
            raise DrawingFailed(f"There is no generator {look.generator} here")
        return generator

    def stand_in(self, look: Look) -> Look:
        """Return what the built-in generator can show in the place of this look; the same if there is nothing else."""
        version = self.built_in.version
        if look.generator == BUILT_IN:
            return Look(look.style, look.seed, look.options, generator_version=version)
        return Look(self.stand_in_style, look.seed, generator_version=version)
