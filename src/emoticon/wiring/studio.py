"""What draws."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.originals import OriginalGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.generators import Generators
from emoticon.domain.media import Generator, Rasteriser
from emoticon.domain.models import BUILT_IN, ORIGINAL
from emoticon.domain.upstream_traffic import UpstreamTraffic
from emoticon.domain.workers import Workers
from emoticon.settings import Settings
from emoticon.wiring.machine import StartError, cores
from emoticon.wiring.originals import open_blobs
from emoticon.wiring.upstream import open_upstream

_STAND_IN = "moods"
"""Shown in the place of what an upstream generator cannot draw, where the default style is that generator's."""


@dataclass(frozen=True, slots=True)
class Studio:
    """What draws."""

    generator: Generator
    """The built-in one."""
    generators: Generators
    rasteriser: Rasteriser
    drawing: Workers
    upstream: UpstreamTraffic | None
    """What is counted of another service that draws, when there is one."""


@asynccontextmanager
async def open_studio(settings: Settings) -> AsyncIterator[Studio]:
    """Open what draws, with the default style loaded. Raises StartError when that style does not exist."""
    drawing = Workers(
        "draw",
        threads=settings.draw_threads or max(1, cores() // settings.workers),
        queue=settings.draw_queue,
        busy=DrawingBusy,
    )
    try:
        rasteriser = VipsRasteriser()
        generator = DiceBearGenerator(rasteriser, drawing, deadline_s=settings.draw_deadline_s)
        async with open_upstream(settings, rasteriser, drawing) as (others, traffic):
            # The name of such a generator is also that of its one style.
            stand_in_style = (
                _STAND_IN if settings.default_style in others else settings.default_style
            )
            if stand_in_style not in generator.style_names:
                raise StartError(
                    f"EMOTICON_DEFAULT_STYLE={settings.default_style!r} is not a style;"
                    " `emoticon styles` lists them"
                )
            await generator.warm(stand_in_style)
            blobs = open_blobs(settings)
            originals = OriginalGenerator(
                blobs,
                rasteriser,
                drawing,
                deadline_s=settings.draw_deadline_s,
                most_reads=settings.draw_queue,
            )
            named = {BUILT_IN: generator, ORIGINAL: originals, **others}
            try:
                yield Studio(
                    generator, Generators(named, stand_in_style), rasteriser, drawing, traffic
                )
            finally:
                await blobs.aclose()
    finally:
        drawing.close()
