"""An erasure of somebody's pictures against everything that may be under way: nothing comes back late."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.domain.racks import KEY, OWNER, PICTURE, Brush, Place

from emoticon.domain.keeping import Label

OTHER = OWNER + 1


@pytest.fixture
def at() -> Place:
    return Place()


async def erase(at: Place, owner: int = OWNER) -> None:
    await at.tiers.bar([owner])
    for rack in at.racks:
        await rack.forget([owner])


async def held_drawing(at: Place) -> tuple[asyncio.Event, Awaitable[object]]:
    draw = Brush(held=True, took_ms=20)
    caller = asyncio.create_task(at.ask(draw))
    await draw.begun.wait()
    return draw.gate, caller


async def held_put_to_memory(at: Place) -> tuple[asyncio.Event, Awaitable[object]]:
    at.memory.held_put = gate = asyncio.Event()
    caller = asyncio.create_task(at.ask(Brush(took_ms=20)))
    await at.memory.held.wait()
    return gate, caller


async def held_delivery_to_the_shared_tier(at: Place) -> tuple[asyncio.Event, Awaitable[object]]:
    at.shared.held_put = gate = asyncio.Event()
    caller = asyncio.gather(at.ask(Brush()), at.ask(Brush()))
    await caller
    again = asyncio.create_task(at.ask(Brush()))
    await at.shared.held.wait()
    return gate, again


async def held_delivery_to_the_disk(at: Place) -> tuple[asyncio.Event, Awaitable[object]]:
    at.disk.held_put = gate = asyncio.Event()
    caller = asyncio.create_task(at.ask(Brush(took_ms=20)))
    await at.disk.held.wait()
    return gate, caller


async def held_find_in_the_shared_tier(at: Place) -> tuple[asyncio.Event, Awaitable[object]]:
    at.shared.place()
    at.shared.held_get = gate = asyncio.Event()
    caller = asyncio.create_task(at.ask(Brush()))
    await at.shared.held.wait()
    return gate, caller


async def held_second_find_on_disk(at: Place) -> tuple[asyncio.Event, Awaitable[object]]:
    at.disk.place()
    await at.ask(Brush())
    await at.memory.clear()
    at.disk.held_get = gate = asyncio.Event()
    caller = asyncio.create_task(at.ask(Brush()))
    await at.disk.held.wait()
    return gate, caller


async def held_second_hit_in_memory(at: Place) -> tuple[asyncio.Event, Awaitable[object]]:
    await at.ask(Brush())
    at.memory.held_get = gate = asyncio.Event()
    caller = asyncio.create_task(at.ask(Brush()))
    await at.memory.held.wait()
    return gate, caller


async def held_keeping(at: Place) -> tuple[asyncio.Event, Awaitable[object]]:
    draw = Brush(held=True)
    caller = asyncio.create_task(at.tiers.keep(Label(KEY, OWNER), draw))
    await draw.begun.wait()
    return draw.gate, caller


Stage = Callable[[Place], Awaitable[tuple[asyncio.Event, Awaitable[object]]]]
STAGES: list[Stage] = [
    held_drawing,
    held_put_to_memory,
    held_delivery_to_the_shared_tier,
    held_delivery_to_the_disk,
    held_find_in_the_shared_tier,
    held_second_find_on_disk,
    held_second_hit_in_memory,
    held_keeping,
]


@pytest.mark.parametrize("stage", STAGES)
async def test_nothing_is_left_whatever_was_under_way(at: Place, stage: Stage) -> None:
    gate, caller = await stage(at)
    erasing = asyncio.create_task(erase(at))
    await asyncio.sleep(0)
    gate.set()
    await erasing
    assert await caller in (PICTURE, True)
    await at.settle()
    assert (at.there(), len(at.tiers._bars)) == ([], 0)
    for _ in range(2):
        assert await at.ask(Brush()) == PICTURE
    await at.settle()
    assert at.there() == ["memory", "shared", "disk"]


@pytest.mark.parametrize("stage", STAGES)
async def test_nothing_is_lost_of_others(at: Place, stage: Stage) -> None:
    gate, caller = await stage(at)
    erasing = asyncio.create_task(erase(at, OTHER))
    await asyncio.sleep(0)
    gate.set()
    await erasing
    await caller
    await at.settle()
    assert at.there()
    assert len(at.tiers._bars) == 0


@pytest.mark.parametrize("stage", [held_put_to_memory, held_delivery_to_the_disk])
async def test_a_bar_waits_for_a_put_that_has_begun(at: Place, stage: Stage) -> None:
    gate, caller = await stage(at)
    barring = asyncio.create_task(at.tiers.bar([OWNER]))
    await at.tiers.bar([OTHER])
    assert not barring.done()
    gate.set()
    await barring
    assert await caller == PICTURE
    await at.settle()


async def test_a_bar_does_not_wait_for_a_drawing(at: Place) -> None:
    gate, caller = await held_drawing(at)
    await at.tiers.bar([OWNER])
    assert at.memory.puts == 0
    gate.set()
    assert await caller == PICTURE
    await at.settle()
    assert (at.memory.puts, at.disk.puts, at.tiers.figures().barred) == (0, 0, 2)


async def test_who_joins_a_barred_flight_gets_the_picture(at: Place) -> None:
    gate, caller = await held_drawing(at)
    await at.tiers.bar([OWNER])
    other = asyncio.create_task(at.ask(Brush(), owner=OTHER))
    await asyncio.sleep(0)
    gate.set()
    assert (await caller, await other) == (PICTURE, PICTURE)
    assert at.there() == []


async def test_a_flight_that_begins_after_the_bar_puts_while_an_older_one_does_not(
    at: Place,
) -> None:
    gate, caller = await held_drawing(at)
    await at.tiers.bar([OWNER])
    await at.ask(Brush(took_ms=20), key=b"later")
    gate.set()
    await caller
    await at.settle()
    assert (at.there(b"later"), at.there()) == (["memory", "disk"], [])


async def test_a_bar_is_forgotten_with_the_last_flight_that_is_older(at: Place) -> None:
    gate, caller = await held_drawing(at)
    for owner in range(1, 100):
        await at.tiers.bar([owner])
        await at.ask(Brush(), key=b"%d" % owner)
    assert len(at.tiers._bars) == 99
    gate.set()
    await caller
    await at.settle()
    assert len(at.tiers._bars) == 0
    await at.tiers.bar(range(1, 100))
    assert len(at.tiers._bars) == 0


@pytest.mark.parametrize("found", [False, True])
async def test_an_erasure_at_any_moment_leaves_nothing(found: bool) -> None:
    """One step of the event loop later each time, from the beginning of a flight until all is written."""
    moments = set()
    for steps in range(1, 25):
        at = Place()
        await at.ask(Brush())
        await at.memory.clear()
        if found:
            at.disk.place()
        for rack in at.racks:
            rack.pauses = 2
        caller = asyncio.create_task(at.ask(Brush()))
        for _ in range(steps):
            await asyncio.sleep(0)
        moments.add(tuple(at.there()))
        await erase(at)
        assert await caller == PICTURE
        await at.settle()
        assert at.there() == []
    if found:
        assert moments == {("disk",), ("memory", "disk"), ("memory", "shared", "disk")}
    else:
        assert moments == {(), ("memory",), ("memory", "shared"), ("memory", "shared", "disk")}
