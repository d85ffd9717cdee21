"""Facts about how many ask another service at once (U04), and when it is left alone."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from tests.adapters.generators.asking import LOOK, Asking, asking
from tests.upstream import Upstream, answering, dnmonster, silent

from emoticon.domain.errors import DrawingBusy, DrawingFailed, DrawingTimedOut
from emoticon.domain.models import Look

BROKEN = answering(b"", status="500 Oh")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream() as server:
        yield server


def look(number: int) -> Look:
    return replace(LOOK, seed=str(number))


async def until(met: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while True:
            if met():
                return
            await asyncio.sleep(0.01)


async def fail(use: Asking, times: int) -> None:
    for number in range(times):
        with pytest.raises(DrawingFailed):
            await use.png(look(number))


def is_asked(use: Asking) -> bool:
    return use.traffic.available


async def test_u04_of_500_at_once_as_many_ask_as_may_and_some_wait(upstream: Upstream) -> None:
    async with asking(upstream.template, requests=4) as use:
        with upstream.held():
            drawings = [asyncio.create_task(use.png(look(number))) for number in range(500)]
            await until(lambda: use.traffic.drawings["busy"] == 500 - 36)
            await until(lambda: upstream.at_once == 4)
        ends = await asyncio.gather(*drawings, return_exceptions=True)
    assert sum(isinstance(end, bytes) for end in ends) == 4 + 32
    assert sum(isinstance(end, DrawingBusy) for end in ends) == 500 - 36
    assert upstream.most_at_once == 4
    assert len(upstream.asked) == 36
    assert upstream.connections <= 4


async def test_who_waits_for_a_turn_waits_no_longer_than_a_request_may_take(
    upstream: Upstream,
) -> None:
    upstream.behaviour = silent
    async with asking(upstream.template, requests=1, deadline_s=0.3) as use:
        first = asyncio.create_task(use.png(look(0)))
        await until(lambda: upstream.at_once == 1)
        ends = await asyncio.gather(
            first, *(use.png(look(number)) for number in (1, 2)), return_exceptions=True
        )
    assert isinstance(ends[0], DrawingTimedOut)
    assert {type(end) for end in ends[1:]} <= {DrawingBusy, DrawingTimedOut}
    assert DrawingBusy in {type(end) for end in ends}
    assert is_asked(use)


async def test_after_failures_in_a_row_nothing_is_asked(upstream: Upstream) -> None:
    upstream.behaviour = BROKEN
    async with asking(upstream.template, failures=3, pause_s=600) as use:
        await fail(use, 2)
        assert is_asked(use)
        await fail(use, 1)
        assert not is_asked(use)
        upstream.behaviour = dnmonster
        for _ in range(10):
            with pytest.raises(DrawingBusy):
                await use.png()
    assert len(upstream.asked) == 3
    assert use.traffic.drawings["left_alone"] == 10


async def test_a_picture_between_two_failures_is_a_new_start(upstream: Upstream) -> None:
    async with asking(upstream.template, failures=3, pause_s=600) as use:
        for _ in range(3):
            upstream.behaviour = BROKEN
            await fail(use, 2)
            upstream.behaviour = dnmonster
            await use.png()
        assert is_asked(use)


async def test_what_takes_too_long_counts_as_a_failure(upstream: Upstream) -> None:
    upstream.behaviour = silent
    async with asking(upstream.template, failures=2, pause_s=600, deadline_s=0.1) as use:
        for number in range(2):
            with pytest.raises(DrawingTimedOut):
                await use.png(look(number))
        assert not is_asked(use)


async def test_after_the_pause_one_is_a_try_and_the_others_wait_for_no_answer(
    upstream: Upstream,
) -> None:
    upstream.behaviour = BROKEN
    async with asking(upstream.template, failures=1, pause_s=0) as use:
        await fail(use, 1)
        upstream.behaviour = dnmonster
        with upstream.held():
            trial = asyncio.create_task(use.png())
            await until(lambda: upstream.at_once == 1)
            for number in range(10):
                with pytest.raises(DrawingBusy):
                    await use.png(look(number))
        await trial
        assert is_asked(use)
        await use.png(look(1))
    assert len(upstream.asked) == 3


async def test_a_try_that_fails_begins_another_pause(upstream: Upstream) -> None:
    upstream.behaviour = BROKEN
    async with asking(upstream.template, failures=1, pause_s=0) as use:
        await fail(use, 2)
        assert not is_asked(use)
        upstream.behaviour = dnmonster
        await use.png()
        assert is_asked(use)


async def test_who_waited_while_the_others_failed_asks_no_more(upstream: Upstream) -> None:
    upstream.behaviour = BROKEN
    async with asking(upstream.template, requests=2, failures=1, pause_s=600) as use:
        with upstream.held():
            asked = [asyncio.create_task(use.png(look(number))) for number in range(2)]
            await until(lambda: upstream.at_once == 2)
            waiting = [asyncio.create_task(use.png(look(number))) for number in range(2, 8)]
            await asyncio.sleep(0)
        ends = await asyncio.gather(*asked, *waiting, return_exceptions=True)
    assert [type(end) for end in ends] == [DrawingFailed] * 2 + [DrawingBusy] * 6
    assert len(upstream.asked) == 2


async def test_who_goes_away_gives_the_turn_back(upstream: Upstream) -> None:
    async with asking(upstream.template, requests=1) as use:
        with upstream.held():
            gone = [asyncio.create_task(use.png(look(number))) for number in range(3)]
            await until(lambda: upstream.at_once == 1)
            for task in gone:
                task.cancel()
            await asyncio.gather(*gone, return_exceptions=True)
        await use.png()
        assert is_asked(use)
