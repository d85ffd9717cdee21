"""Facts about a service that would rather harm than draw (U02): cut at a size and a time, and bounded in memory."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest
from tests import upstream as behaviours
from tests.adapters.generators.asking import Asking, asking, pixel
from tests.upstream import Behaviour, Upstream

from emoticon.domain.errors import DrawingFailed, DrawingTimedOut

ROOT = Path(__file__).parents[3]
DEADLINE_S = 0.5
ENDLESS: dict[str, Behaviour] = {
    "a-gigabyte": behaviours.a_gigabyte,
    "chunks": behaviours.endless_chunks,
    "small-chunks": behaviours.endless_small_chunks,
    "chunk-extension": behaviours.endless_chunk_extension,
    "trailers": behaviours.endless_trailers,
    "headers": behaviours.endless_headers,
    "status": behaviours.endless_status,
    "no-http": behaviours.no_http,
}
SLOW: dict[str, Behaviour] = {
    "one-byte-a-second": behaviours.one_byte_a_second,
    "silent": behaviours.silent,
    "first-answers": behaviours.endless_first_answers,
}
PEAK_GROWTH_KB = 32 * 1024


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


async def at_last(use: Asking) -> bytes:
    """Draw, however busy this machine is."""
    async with asyncio.timeout(20):
        while True:
            with suppress(DrawingTimedOut):
                return await use.png()


@pytest.mark.parametrize("name", ENDLESS)
async def test_u02_what_does_not_end_is_cut_long_before_the_deadline(
    upstream: Upstream, name: str
) -> None:
    upstream.behaviour = ENDLESS[name]
    async with asking(upstream.template) as use:
        with pytest.raises(DrawingFailed):
            await use.png()


@pytest.mark.parametrize("name", SLOW)
async def test_u02_what_is_too_slow_is_cut_at_the_deadline(upstream: Upstream, name: str) -> None:
    upstream.behaviour = SLOW[name]
    async with asking(upstream.template, deadline_s=DEADLINE_S) as use:
        with pytest.raises(DrawingTimedOut):
            await use.png()
        assert use.traffic.drawings["timed_out"] == 1


async def test_u02_ten_thousand_headers_are_too_many(upstream: Upstream) -> None:
    upstream.behaviour = behaviours.many_headers
    async with asking(upstream.template) as use:
        with pytest.raises(DrawingFailed):
            await use.png()


@pytest.mark.parametrize("behaviour", [behaviours.closes_midway, behaviours.bomb()])
async def test_u02_half_an_answer_and_a_packed_one_are_none(
    upstream: Upstream, behaviour: Behaviour
) -> None:
    upstream.behaviour = behaviour
    async with asking(upstream.template) as use:
        with pytest.raises(DrawingFailed):
            await use.png()
    assert len(upstream.asked) == 1


async def test_after_whatever_was_cut_the_next_picture_comes(upstream: Upstream) -> None:
    async with asking(upstream.template, requests=1, deadline_s=DEADLINE_S, failures=100) as use:
        for behaviour in (*ENDLESS.values(), *SLOW.values()):
            upstream.behaviour = behaviour
            with pytest.raises((DrawingFailed, DrawingTimedOut)):
                await use.png()
        upstream.behaviour = behaviours.dnmonster
        assert pixel(await at_last(use))[:2] == (128, 128)


def test_u02_memory_stays_within_bounds() -> None:
    with ExitStack() as stack:
        servers = [
            stack.enter_context(Upstream(behaviour))
            for behaviour in (behaviours.bomb(), *ENDLESS.values())
        ]
        templates = [server.template for server in servers]
        command = (sys.executable, "-m", "tests.adapters.generators.bombed", *templates)
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    assert int(done.stdout) < PEAK_GROWTH_KB
