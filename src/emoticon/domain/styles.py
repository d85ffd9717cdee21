"""Which styles there are, which of them may be chosen, and what a look may be."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from emoticon.domain.errors import InvalidLook, UnknownStyle
from emoticon.domain.generators import Generators
from emoticon.domain.media import Generator
from emoticon.domain.models import Look, Style

MAX_SEED_LENGTH: Final = 128
MAX_OPTIONS_BYTES: Final = 2048
BACKGROUND: Final = "backgroundColor"

_MAX_WHOLE: Final = 2**53
_SEED = re.compile(f"[^\0-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]{{1,{MAX_SEED_LENGTH}}}")
"""Text that XML can carry (XML 1.0 section 2.2), without control characters."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """The styles of all generators.

    Args:
        generators: where they come from; each style belongs to the first that has it.
        default_style: the one that new accounts get.
        allowed: the names of those that may be chosen, all when it is empty. Looks that are there already stay.
        palette: hexadecimal colours of backgrounds, for looks that choose nothing else; may be empty.
    """

    generators: Generators
    default_style: str
    allowed: Sequence[str] = ()
    palette: Sequence[str] = ()

    @property
    def names(self) -> Sequence[str]:
        """The styles that may be chosen, sorted."""
        return sorted(style for style in self._every() if not self.allowed or style in self.allowed)

    @property
    def all(self) -> Sequence[Style]:
        """All styles that may be seen here, sorted: looks that are there already may have any."""
        return [generator.style(name) for name, (_, generator) in sorted(self._every().items())]

    def style(self, name: str) -> Style:
        """Describe a style that may be chosen. Raises UnknownStyle."""
        return self._allowed(name)[1].style(name)

    def options(self, name: str) -> Mapping[str, Any]:
        """Return the JSON Schema of the options of a style that may be chosen. Raises UnknownStyle."""
        return self._allowed(name)[1].options(name)

    def look(self, style: str, seed: str, options: Mapping[str, Any] | None) -> Look:
        """Return a look of a style that may be chosen, as its generator draws it today.

        Without options it has what new looks have: a background of the palette, where there is one.

        Raises:
            UnknownStyle: the style does not exist or may not be chosen.
            InvalidLook: the seed or an option cannot be used.

        """
        name, generator = self._allowed(style)
        if not _SEED.fullmatch(seed):
            raise InvalidLook(
                f"A seed has 1 to {MAX_SEED_LENGTH} characters, none of them a control character"
            )
        chosen = self._defaults(generator, style) if options is None else options
        text = canonical(chosen)
        generator.check(style, json.loads(text))
        return Look(style, seed, text, generator=name, generator_version=generator.version)

    def current(self, look: Look) -> Look:
        """Return the look as its generator draws it today; one that may not be chosen any more, too.

        Raises:
            UnknownStyle: its generator or its style is not here any more.
            InvalidLook: the style has not all of its options any more.

        """
        generator = self.generators.named.get(look.generator)
        if generator is None or look.style not in generator.style_names:
            raise UnknownStyle
        generator.check(look.style, json.loads(look.options))
        return replace(look, generator_version=generator.version)

    def _allowed(self, style: str) -> tuple[str, Generator]:
        found = self._every().get(style)
        if found is None or (self.allowed and style not in self.allowed):
            raise UnknownStyle
        return found

    def _every(self) -> Mapping[str, tuple[str, Generator]]:
        every: dict[str, tuple[str, Generator]] = {}
        for name, generator in self.generators.named.items():
            for style in generator.style_names:
                every.setdefault(style, (name, generator))
        return every

    def _defaults(self, generator: Generator, style: str) -> Mapping[str, Any]:
        has_background = BACKGROUND in generator.options(style).get("properties", {})
        return background(self.palette) if has_background else {}


def background(palette: Sequence[str]) -> dict[str, Any]:
    """Return the options of a look with a background of this palette, which may be empty."""
    return {BACKGROUND: list(palette)} if palette else {}


def canonical(options: Mapping[str, Any]) -> str:
    """Return the one way to write options. Raises InvalidLook for what is too long, too deep, or no JSON."""
    try:
        text = _json(options)
        if len(text) <= MAX_OPTIONS_BYTES:
            return _json(json.loads(text, parse_float=_number))
    except (ValueError, RecursionError):
        raise InvalidLook("The options cannot be written down") from None
    raise InvalidLook(f"The options have more than {MAX_OPTIONS_BYTES} bytes")


def _json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def _number(text: str) -> int | float:
    """Read a number: what is whole is an integer, as JSON Schema sees it."""
    number = float(text)
    return int(number) if number.is_integer() and abs(number) <= _MAX_WHOLE else number
