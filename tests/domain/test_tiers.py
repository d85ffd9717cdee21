"""Facts about the way of a picture through the tiers."""

import asyncio
import gc
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from typing_extensions import override

from emoticon.domain.errors import DrawingBusy, TierUnavailable
from emoticon.domain.models import Format, Picture
from emoticon.domain.pictures import picture
from emoticon.domain.ports import Tier
from emoticon.domain.tiers import Tiers

KEY = b"k" * 16
PICTURE = picture(b"drawn", Format.PNG, 128)


@dataclass
class Shelf(Tier):
    """A tier that does as it is told: is down, or holds its callers up."""

    title: str
    pictures: dict[bytes, Picture] = field(default_factory=dict)
    owners: list[int] = field(default_factory=list)
    down: bool = False
    held_get: asyncio.Event | None = None
    held_put: asyncio.Event | None = None
    closings: list[str] = field(default_factory=list)

    @property
    @override
    def name(self) -> str:
        return self.title

    @override
    async def get(self, key: bytes) -> Picture | None:
        found = self.pictures.get(key)
        if self.held_get:
            await self.held_get.wait()
        if self.down:
            raise TierUnavailable(f"{self.title} is down")
        return found

    @override
    async def put(self, key: bytes, picture: Picture, *, owner: int) -> None:
        if self.held_put:
            await self.held_put.wait()
        if self.down:
            raise TierUnavailable(f"{self.title} is down")
        self.pictures[key] = picture
        self.owners.append(owner)

    @override
    async def aclose(self) -> None:
        self.closings.append(self.title)
        if self.down:
            raise TierUnavailable(f"{self.title} is down")


@dataclass
class Drawing:
    """Counts drawings; can be held up and can fail. `begun` is set by the drawing number `expected`."""

    held: bool = False
    error: Exception | None = None
    expected: int = 1
    count: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> Picture:
        self.count += 1
        if self.count == self.expected:
            self.begun.set()
        if self.held:
            await self.gate.wait()
        if self.error:
            raise self.error
        return PICTURE


class Place:
    """Tiers over three shelves."""

    def __init__(self) -> None:
        self.memory, self.shared, self.disk = Shelf("memory"), Shelf("shared"), Shelf("disk")
        self.tiers = Tiers(self.memory, [self.shared, self.disk])


@pytest.fixture
def at() -> Place:
    return Place()


async def ask(
    at: Place, draw: Callable[[], Awaitable[Picture]], *, key: bytes = KEY, kept: bool = True
) -> Picture:
    return await at.tiers.picture(key, owner=7, kept=kept, draw=draw)


async def test_what_no_tier_has_is_drawn_and_kept_in_every_tier_for_its_owner(at: Place) -> None:
    assert await ask(at, Drawing()) == PICTURE
    await at.tiers.aclose()
    for tier in (at.memory, at.shared, at.disk):
        assert (tier.pictures, tier.owners) == ({KEY: PICTURE}, [7])


async def test_a_drawing_that_is_not_to_be_kept_goes_to_memory_only(at: Place) -> None:
    await ask(at, Drawing(), kept=False)
    await at.tiers.aclose()
    assert at.memory.pictures == {KEY: PICTURE}
    assert at.shared.pictures == at.disk.pictures == {}


async def test_what_memory_has_is_answered_without_a_task_and_without_the_others(
    at: Place,
) -> None:
    at.memory.pictures[KEY] = PICTURE
    at.shared.down = True
    draw = Drawing()
    tasks: list[str] = []

    def record(loop: asyncio.AbstractEventLoop, work: Any, **options: Any) -> asyncio.Task[Any]:
        tasks.append(work.__qualname__)
        return asyncio.Task(work, loop=loop, **options)

    loop = asyncio.get_running_loop()
    loop.set_task_factory(record)
    try:
        assert await ask(at, draw) == PICTURE
        assert tasks == []
        await ask(at, draw, key=b"other")
        assert tasks[0] == "Tiers._fly"
    finally:
        loop.set_task_factory(None)
    assert draw.count == 1


async def test_a_find_goes_to_the_tiers_before_it_and_is_not_drawn(at: Place) -> None:
    at.disk.pictures[KEY] = PICTURE
    draw = Drawing()
    assert await ask(at, draw) == PICTURE
    await at.tiers.aclose()
    assert at.memory.pictures == at.shared.pictures == {KEY: PICTURE}
    assert (at.disk.owners, draw.count) == ([], 0)


async def test_a_find_in_the_nearest_outer_tier_goes_to_memory_only(at: Place) -> None:
    at.shared.pictures[KEY] = PICTURE
    await ask(at, Drawing())
    await at.tiers.aclose()
    assert (at.memory.pictures, at.disk.pictures) == ({KEY: PICTURE}, {})


async def test_a_thousand_callers_of_one_cold_key_cost_one_drawing(at: Place) -> None:
    draw = Drawing()
    answers = await asyncio.gather(*(ask(at, draw) for _ in range(1000)))
    assert answers == [PICTURE] * 1000
    assert draw.count == 1


async def test_different_keys_are_drawn_at_the_same_time(at: Place) -> None:
    draw = Drawing(held=True, expected=10)
    calls = [asyncio.create_task(ask(at, draw, key=bytes([n]))) for n in range(10)]
    await draw.begun.wait()
    draw.gate.set()
    assert await asyncio.gather(*calls) == [PICTURE] * 10


async def test_a_cancelled_first_caller_takes_nothing_from_the_others(at: Place) -> None:
    draw = Drawing(held=True)
    leader = asyncio.create_task(ask(at, draw))
    await draw.begun.wait()
    followers = [asyncio.create_task(ask(at, draw)) for _ in range(3)]
    await asyncio.sleep(0)
    leader.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leader
    draw.gate.set()
    assert await asyncio.gather(*followers) == [PICTURE] * 3
    assert draw.count == 1


async def test_a_drawing_whose_callers_have_all_gone_is_kept(at: Place) -> None:
    draw = Drawing(held=True)
    caller = asyncio.create_task(ask(at, draw))
    await draw.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    draw.gate.set()
    await at.tiers.aclose()
    assert at.memory.pictures == at.disk.pictures == {KEY: PICTURE}


async def test_a_failed_drawing_fails_every_caller_and_the_next_one_draws_anew(at: Place) -> None:
    failing = Drawing(error=DrawingBusy())
    answers = await asyncio.gather(*(ask(at, failing) for _ in range(50)), return_exceptions=True)
    assert answers == [failing.error] * 50
    assert (failing.count, at.memory.pictures, at.shared.pictures) == (1, {}, {})
    assert await ask(at, Drawing()) == PICTURE


async def test_a_failed_drawing_that_nobody_waits_for_is_not_reported_by_the_loop(
    at: Place,
) -> None:
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))
    draw = Drawing(held=True, error=DrawingBusy())
    caller = asyncio.create_task(ask(at, draw))
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
    draw = Drawing(held=True)
    caller = asyncio.create_task(ask(at, draw))
    await draw.begun.wait()
    at.tiers._flights[KEY].cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert await ask(at, Drawing()) == PICTURE


async def test_who_looked_into_memory_before_a_flight_landed_draws_no_second_time(
    at: Place,
) -> None:
    draw = Drawing()
    at.memory.held_get = gate = asyncio.Event()
    late = asyncio.create_task(ask(at, draw, kept=False))
    await asyncio.sleep(0)
    at.memory.held_get = None
    await ask(at, draw, kept=False)
    gate.set()
    assert await late == PICTURE
    assert draw.count == 1


async def test_nothing_is_left_of_a_flight(at: Place) -> None:
    await ask(at, Drawing())
    await asyncio.gather(ask(at, Drawing(error=DrawingBusy()), key=b"x"), return_exceptions=True)
    await at.tiers.aclose()
    assert (at.tiers._flights, at.tiers._deliveries) == ({}, set())


async def test_an_outer_tier_that_is_slow_to_write_does_not_delay_the_answer(at: Place) -> None:
    at.shared.held_put = asyncio.Event()
    assert await ask(at, Drawing()) == PICTURE
    assert at.shared.pictures == {}
    at.shared.held_put.set()
    await at.tiers.aclose()
    assert at.shared.pictures == at.disk.pictures == {KEY: PICTURE}


async def test_tiers_that_are_down_cost_a_drawing_and_no_error(at: Place) -> None:
    at.memory.down = at.shared.down = at.disk.down = True
    draw = Drawing()
    assert await ask(at, draw) == PICTURE
    assert await ask(at, draw) == PICTURE
    assert draw.count == 2
    await at.tiers.aclose()


async def test_a_tier_that_is_down_does_not_keep_the_others_from_writing(at: Place) -> None:
    at.shared.down = True
    await ask(at, Drawing())
    await at.tiers.aclose()
    assert at.disk.pictures == {KEY: PICTURE}


async def test_closing_waits_for_flights_and_deliveries_and_then_begins_with_the_outermost(
    at: Place,
) -> None:
    closings: list[str] = []
    at.memory.closings = at.shared.closings = at.disk.closings = closings
    draw = Drawing(held=True)
    at.shared.held_put = asyncio.Event()
    caller = asyncio.create_task(ask(at, draw))
    await draw.begun.wait()
    closing = asyncio.create_task(at.tiers.aclose())
    await asyncio.sleep(0)
    assert closings == []
    draw.gate.set()
    assert await caller == PICTURE
    assert closings == []
    at.shared.held_put.set()
    await closing
    assert closings == ["disk", "shared", "memory"]
    assert at.shared.pictures == {KEY: PICTURE}


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
            await ask(at, Drawing(), key=bytes([n]))
        assert logged() == both
        loops[0].ahead_s = 59
        await ask(at, Drawing(), key=b"a")
        assert logged() == []
        loops[0].ahead_s = 61
        for n in range(3):
            await ask(at, Drawing(), key=bytes([n + 10]))
        assert logged() == both
        await at.tiers.aclose()

    with caplog.at_level(logging.WARNING), asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(scenario())
