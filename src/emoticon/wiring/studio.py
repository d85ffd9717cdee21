"""What draws."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.ports import Generator, Rasteriser
from emoticon.domain.workers import Workers
from emoticon.settings import Settings
from emoticon.wiring.machine import StartError, cores


@dataclass(frozen=True, slots=True)
class Studio:
    """What draws."""

    generator: Generator
    rasteriser: Rasteriser
    drawing: Workers


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
        if settings.default_style not in generator.style_names:
            raise StartError(
                f"EMOTICON_DEFAULT_STYLE={settings.default_style!r} is not a style;"
                " `emoticon styles` lists them"
            )
        await generator.warm(settings.default_style)
        yield Studio(generator, rasteriser, drawing)
    finally:
        drawing.close()
