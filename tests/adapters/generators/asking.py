"""An upstream generator as the service has it, before a server of the tests."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pyvips

from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.adapters.generators.upstream import UpstreamGenerator
from emoticon.adapters.generators.upstream_server import UpstreamServer
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.models import UPSTREAM, Format, Look
from emoticon.domain.upstream_traffic import UpstreamTraffic
from emoticon.domain.workers import Workers

LOOK = Look(UPSTREAM, "a seed of somebody", generator=UPSTREAM, generator_version=1)


@dataclass(frozen=True)
class Asking:
    """The generator, and what is counted of it."""

    generator: UpstreamGenerator
    traffic: UpstreamTraffic

    async def png(self, look: Look = LOOK, size_px: int = 128) -> bytes:
        """Draw."""
        return (await self.generator.draw(look, size_px, Format.PNG)).body


@asynccontextmanager
async def asking(
    template: str, *, queue: int = 1000, requests: int = 8, version: int = 1, **knobs: Any
) -> AsyncIterator[Asking]:
    """Open a generator that asks the service at `template`; it is patient unless it is told otherwise."""
    workers = Workers("draw", threads=2, queue=queue, busy=DrawingBusy)
    traffic = UpstreamTraffic()
    server = UpstreamServer(template, traffic, connections=requests)
    given = {"deadline_s": 30.0, **knobs}
    try:
        yield Asking(
            UpstreamGenerator(
                server,
                VipsRasteriser(),
                workers,
                traffic,
                requests=requests,
                version=version,
                **given,
            ),
            traffic,
        )
    finally:
        await server.aclose()
        workers.close()


def pixel(body: bytes) -> tuple[int, int, list[int]]:
    """Return width, height and the colour in the middle of a picture."""
    image = pyvips.Image.new_from_buffer(body, "")
    middle = image.getpoint(image.width // 2, image.height // 2)
    return image.width, image.height, [round(value) for value in middle]
