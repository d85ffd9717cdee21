"""The built-in generator: DiceBear's styles, composed in Python and drawn by a rasteriser, both in worker threads."""

import asyncio
import json
import logging
import re
import time
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, NoReturn

from typing_extensions import override

from emoticon.adapters.generators import styles
from emoticon.adapters.generators.lettering import FONT_FAMILY, LETTERED, legible
from emoticon.adapters.generators.options import check, schema
from emoticon.domain.errors import DrawingFailed, DrawingTimedOut, UnknownStyle
from emoticon.domain.media import Generator, Rasteriser
from emoticon.domain.models import Drawing, Format, Look, Style
from emoticon.domain.pictures import MIN_PX
from emoticon.domain.workers import Workers

log = logging.getLogger(__name__)

GENERATOR: Final = "dicebear"
GENERATOR_VERSION: Final = 10
_EDITION: Final = 2
"""Raised when a change of this package gives other bytes."""

_TITLE: Final = "Emoticon"
"""What SVG says to those who cannot see it. The seed may be a name, so it says that only where a look asks for it."""

_INSTEAD_OF_LETTERS: Final = "shapes"
_LOSSY_WEBP: Final = frozenset(
    """
    big-smile blobs clay critters cutouts glass landscape marbles moods planets sprouts squircles
    stack waves
    """.split()
)
"""Shaded styles, whose WebP at quality 85 saves at least three tenths of the lossless one: bench/webp_by_style.py."""

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that XML 1.0 has no way to write (section 2.2)."""
# The library checks options against a schema that is wider than what each style can do with them.
_LIBRARY_ERRORS = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


class DiceBearGenerator(Generator):
    """Draws in `workers`, for at most `deadline_s` seconds with the wait; a thread that takes longer finishes alone."""

    def __init__(self, rasteriser: Rasteriser, workers: Workers, *, deadline_s: float) -> None:
        self._rasteriser = rasteriser
        self._workers = workers
        self._deadline_s = deadline_s
        self._styles = styles.Styles()
        packages = "+".join(version(name) for name in ("dicebear-core", "dicebear-styles"))
        self._revision = f"{packages}+{rasteriser.revision}.{_EDITION}"

    @property
    @override
    def version(self) -> int:
        return GENERATOR_VERSION

    @property
    @override
    def revision(self) -> str:
        return self._revision

    @property
    @override
    def style_names(self) -> Sequence[str]:
        return styles.names()

    @override
    def style(self, name: str) -> Style:
        return styles.describe(_known(name))

    @override
    def options(self, style: str) -> Mapping[str, Any]:
        return schema(_known(style))

    @override
    def check(self, style: str, options: Mapping[str, Any]) -> None:
        check(_known(style), options)

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        if (look.generator, look.generator_version) != (GENERATOR, GENERATOR_VERSION):
            raise DrawingFailed("The look belongs to another generator")
        _known(look.style)
        try:
            async with asyncio.timeout(self._deadline_s):
                return await self._workers.run(self._draw, look, size_px, picture_format)
        except TimeoutError:
            log.warning("the style %s took longer than %g s", look.style, self._deadline_s)
            raise DrawingTimedOut from None

    async def warm(self, style: str) -> None:
        """Load the libraries and a style, which the first drawing would wait for, without a deadline.

        Raises UnknownStyle, DrawingBusy, DrawingFailed.
        """
        look = Look(style=_known(style), seed="")
        await self._workers.run(self._draw, look, MIN_PX, Format.PNG)

    def _draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        began_s = time.perf_counter()
        style, body = self._compose(look, size_px)
        if picture_format is not Format.SVG:
            body = self._rasteriser.rasterise(
                body, size_px, picture_format, lossless=style not in _LOSSY_WEBP
            )
        return Drawing(body, (time.perf_counter() - began_s) * 1000)

    def _compose(self, look: Look, size_px: int) -> tuple[str, bytes]:
        """Return the SVG with the style that it is of, which is another when the look's own has nothing to write."""
        style = look.style
        try:
            options = _options(look, size_px)
            svg = self._styles.compose(style, options)
            if style in LETTERED and not legible(svg):
                style = _INSTEAD_OF_LETTERS
                svg = self._styles.compose(style, options)
            if _NOT_XML.search(svg):
                raise ValueError("a character that XML does not have")
            return style, svg.encode()
        except _LIBRARY_ERRORS as error:
            log.warning("%s was not composed: %s: %s", style, type(error).__name__, error)
            raise DrawingFailed from error


def _known(style: str) -> str:
    if style not in styles.names():
        raise UnknownStyle
    return style


def _options(look: Look, size_px: int) -> dict[str, Any]:
    options = json.loads(look.options, parse_constant=_no_number)
    return {
        "fontFamily": FONT_FAMILY,
        "title": _TITLE,
        **options,
        "seed": look.seed,
        "size": size_px,
        # The library's ids differ by style and seed already; its random ones would give other bytes each time.
        "idRandomization": False,
    }


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")
