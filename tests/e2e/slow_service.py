"""`emoticon serve` with a generator that takes its time: the one part that a test cannot make slow from outside."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace

from typing_extensions import override

from emoticon.cli.environment import run
from emoticon.cli.serve import bind, serve_here
from emoticon.domain.media import Generator
from emoticon.domain.models import BUILT_IN, Drawing, Format, Look, Style
from emoticon.domain.services import Services
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging
from emoticon.wiring import open_services


class SlowGenerator(Generator):
    """Waits `delay_s` before it lets the real one draw."""

    def __init__(self, real: Generator, delay_s: float) -> None:
        self._real = real
        self._delay_s = delay_s

    @property
    @override
    def version(self) -> int:
        return self._real.version

    @property
    @override
    def revision(self) -> str:
        return self._real.revision

    @property
    @override
    def style_names(self) -> Sequence[str]:
        return self._real.style_names

    @override
    def style(self, name: str) -> Style:
        return self._real.style(name)

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        sys.stdout.write("drawing\n")
        sys.stdout.flush()
        await asyncio.sleep(self._delay_s)
        return await self._real.draw(look, size_px, picture_format)


@asynccontextmanager
async def slow_services(settings: Settings, delay_s: float) -> AsyncIterator[Services]:
    async with open_services(settings) as services:
        generators = services.emoticons.generators
        slow = {BUILT_IN: SlowGenerator(generators.built_in, delay_s)}
        emoticons = replace(services.emoticons, generators=replace(generators, named=slow))
        yield replace(services, emoticons=emoticons)


if __name__ == "__main__":
    knobs = Settings()
    configure_logging(knobs.log_level, knobs.log_format)
    with bind(knobs) as listener:
        sys.exit(run(serve_here(knobs, listener, slow_services(knobs, float(sys.argv[1])))))
