"""Facts about the way of a picture through the tiers."""

import asyncio
import gc
import logging
from typing import Any

import pytest
from tests.domain.racks import KEY, OWNER, PICTURE, Brush, Place
from typing_extensions import override

from emoticon.domain.errors import DrawingBusy


@pytest.fixture
def at() -> Place:
    return Place()


async def test_what_memory_has_is_answered_without_a_task_and_without_the_others(
    at: Place,
) -> None:
    at.memory.place()
    at.shared.down = True
    draw = Brush()
    tasks: list[str] = []

    def record(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        tasks.append(work.__qualname__)
        return asyncio.Task(work, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(record)
    try:
        assert await at.ask(draw) == PICTURE
        assert tasks == []
        await at.ask(draw, key=b"other")
        assert tasks[0] == "Tiers._fly"
    finally:
        loop.set_task_factory(None)
    assert draw.count == 1


async def test_what_the_nearest_outer_tier_has_is_not_looked_for_further(at: Place) -> None:
    at.shared.place()
    at.disk.down = True
    draw = Brush()
    assert await at.ask(draw) == PICTURE
    assert (draw.count, at.there()) == (0, ["memory", "shared"])
    assert at.tiers.figures().unavailable == {}


async def test_a_size_that_is_not_kept_is_not_looked_for_beyond_memory(at: Place) -> None:
    at.shared.place()
    draw = Brush()
    await at.ask(draw, kept=False)
    assert draw.count == 1
    assert at.tiers.figures().misses == {"memory": 1}


async def test_a_thousand_callers_of_one_cold_key_cost_one_drawing(at: Place) -> None:
    draw = Brush()
    answers = await asyncio.gather(*(at.ask(draw) for _ in range(1000)))
    assert answers == [PICTURE] * 1000
    assert draw.count == 1


async def test_different_keys_are_drawn_at_the_same_time(at: Place) -> None:
    draw = Brush(held=True, expected=10)
    calls = [asyncio.create_task(at.ask(draw, key=bytes([n]))) for n in range(10)]
    await draw.begun.wait()
    draw.gate.set()
    assert await asyncio.gather(*calls) == [PICTURE] * 10


async def test_a_cancelled_first_caller_takes_nothing_from_the_others(at: Place) -> None:
    draw = Brush(held=True)
    leader = asyncio.create_task(at.ask(draw))
    await draw.begun.wait()
    followers = [asyncio.create_task(at.ask(draw)) for _ in range(3)]
    await asyncio.sleep(0)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    draw.gate.set()
    assert await asyncio.gather(*followers) == [PICTURE] * 3
    assert draw.count == 1


async def test_a_drawing_whose_callers_have_all_gone_is_kept(at: Place) -> None:
    draw = Brush(held=True)
    caller = asyncio.create_task(at.ask(draw))
    await draw.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    draw.gate.set()
    await at.settle()
    assert at.there() == ["memory"]
    assert at.memory.owners == {KEY: OWNER}


async def test_a_failed_drawing_fails_every_caller_and_the_next_one_draws_anew(at: Place) -> None:
    failing = Brush(error=DrawingBusy())
    answers = await asyncio.gather(*(at.ask(failing) for _ in range(50)), return_exceptions=True)
    assert answers == [failing.error] * 50
    assert (failing.count, at.there()) == (1, [])
    assert await at.ask(Brush()) == PICTURE


async def test_a_failed_drawing_that_nobody_waits_for_is_not_reported_by_the_loop(
    at: Place,
) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))
    draw = Brush(held=True, error=DrawingBusy())
    caller = asyncio.create_task(at.ask(draw))
    await draw.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    draw.gate.set()
    await at.tiers.aclose()
    gc.collect()
    asyncio.get_running_loop().set_exception_handler(None)
    assert reports == []


async def test_a_cancelled_flight_frees_its_key(at: Place) -> None:
    draw = Brush(held=True)
    caller = asyncio.create_task(at.ask(draw))
    await draw.begun.wait()
    at.tiers._flights[KEY].cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await at.ask(Brush()) == PICTURE


async def test_who_looked_into_memory_before_a_flight_landed_draws_no_second_time(
    at: Place,
) -> None:
    draw = Brush()
    at.memory.held_get = gate = asyncio.Event()
    late = asyncio.create_task(at.ask(draw, kept=False))
    await asyncio.sleep(0)
    at.memory.held_get = None
    await at.ask(draw, kept=False)
    gate.set()
    assert await late == PICTURE
    assert draw.count == 1


async def test_nothing_is_left_of_a_flight(at: Place) -> None:
    await at.ask(Brush(took_ms=20))
    await asyncio.gather(at.ask(Brush(error=DrawingBusy()), key=b"x"), return_exceptions=True)
    await at.settle()
    assert (at.tiers._flights, at.tiers._deliveries.under_way) == ({}, set())
    assert (at.tiers._deliveries._bytes, at.tiers._deliveries._puts) == (0, {})


async def test_an_outer_tier_that_is_slow_to_write_does_not_delay_the_answer(at: Place) -> None:
    at.shared.held_put = asyncio.Event()
    for _ in range(2):
        assert await at.ask(Brush()) == PICTURE
    assert at.there() == ["memory"]
    at.shared.held_put.set()
    await at.settle()
    assert at.there() == ["memory", "shared", "disk"]


async def test_tiers_that_are_down_cost_a_drawing_and_no_error(at: Place) -> None:
    at.memory.down = at.shared.down = at.disk.down = True
    draw = Brush()
    assert await at.ask(draw) == PICTURE
    assert await at.ask(draw) == PICTURE
    assert draw.count == 2
    await at.settle()


async def test_a_tier_that_is_down_does_not_keep_the_others_from_writing(at: Place) -> None:
    at.shared.down = True
    for _ in range(2):
        await at.ask(Brush())
    await at.settle()
    assert at.there() == ["memory", "disk"]


async def test_closing_waits_for_flights_and_deliveries_and_then_begins_with_the_outermost(
    at: Place,
) -> None:
    closings: list[str] = []
    at.memory.closings = at.shared.closings = at.disk.closings = closings
    draw = Brush(held=True, took_ms=20)
    at.disk.held_put = asyncio.Event()
    caller = asyncio.create_task(at.ask(draw))
    await draw.begun.wait()
    closing = asyncio.create_task(at.tiers.aclose())
    await asyncio.sleep(0)
    assert closings == []
    draw.gate.set()
    assert await caller == PICTURE
    assert closings == []
    at.disk.held_put.set()
    await closing
    assert closings == ["disk", "shared", "memory"]
    assert at.there() == ["memory", "disk"]


async def test_a_tier_that_cannot_be_closed_does_not_keep_the_others_open(at: Place) -> None:
    at.disk.down = True
    await at.tiers.aclose()
    await at.tiers.aclose()
    assert at.memory.closings == ["memory", "memory"]


class SkippingLoop(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    ahead_s = 0.0

    @override
    def time(self) -> float:
        return super().time() + self.ahead_s


def test_each_tier_that_is_down_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    loops: list[SkippingLoop] = []

    def new_loop() -> SkippingLoop:
        loops.append(SkippingLoop())
        return loops[0]

    def logged() -> list[str]:
        messages = [record.getMessage() for record in caplog.records]
        caplog.clear()
        return messages

    async def scenario() -> None:
        at = Place()
        at.shared.down = at.disk.down = True
        both = [f"The {name} tier is unavailable: {name} is down" for name in ("shared", "disk")]
        for n in range(3):
            await at.ask(Brush(), key=bytes([n]))
        assert logged() == both
        loops[0].ahead_s = 59
        await at.ask(Brush(), key=b"a")
        assert logged() == []
        loops[0].ahead_s = 61
        for n in range(3):
            await at.ask(Brush(), key=bytes([n + 10]))
        assert logged() == both
        await at.tiers.aclose()

    with caplog.at_level(logging.WARNING), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())
