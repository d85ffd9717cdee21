"""Generators that draw nothing, with styles and options of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from typing_extensions import override

from emoticon.domain.errors import DrawingFailed, InvalidLook, UnknownStyle
from emoticon.domain.generators import Generators
from emoticon.domain.media import Generator
from emoticon.domain.models import BUILT_IN, ORIGINAL, UPSTREAM, Drawing, Format, Look, Style
from emoticon.domain.styles import Catalogue


@dataclass
class Artist(Generator):
    """Looks of its styles may choose the `known` options, whatever their values."""

    style_names: Sequence[str] = ("critters", "glass", "moods")
    version: int = 10
    revision: str = "1"
    known: set[str] = field(default_factory=lambda: {"backgroundColor", "rotate"})

    @override
    def style(self, name: str) -> Style:
        return Style(name, name.title(), "Ann", "", "", "CC0", "")

    @override
    def options(self, style: str) -> Mapping[str, Any]:
        if style not in self.style_names:
            raise UnknownStyle
        return {"type": "object", "properties": dict.fromkeys(self.known, True)}

    @override
    def check(self, style: str, options: Mapping[str, Any]) -> None:
        if not options.keys() <= self.options(style)["properties"].keys():
            raise InvalidLook

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        raise DrawingFailed


@dataclass
class Newcomer(Generator):
    """Has one style without options, as whoever says nothing about them."""

    style_names: Sequence[str] = (UPSTREAM,)
    version: int = 3
    revision: str = "1"

    @override
    def style(self, name: str) -> Style:
        return Style(name, name.title(), "", "", "", "", "")

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        raise DrawingFailed


def artists(version: int = 10) -> Generators:
    """Return three generators as a service has them; the one of originals has no style."""
    named = {BUILT_IN: Artist(version=version), ORIGINAL: Newcomer(()), UPSTREAM: Newcomer()}
    return Generators(named, "moods")


def catalogue(
    allowed: Sequence[str] = (), palette: Sequence[str] = (), generators: Generators | None = None
) -> Catalogue:
    """Return the catalogue of these, or of `artists()`."""
    return Catalogue(generators or artists(), "moods", allowed, palette)
