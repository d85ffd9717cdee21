"""Facts about where a picture is kept, and when that is written."""

import asyncio

import pytest
from tests.domain.racks import KEY, OWNER, PICTURE, Brush, Place

from emoticon.domain.deliveries import MOST, MOST_BYTES
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.keeping import Label
from emoticon.domain.models import Format
from emoticon.domain.pictures import picture

LABEL = Label(KEY, OWNER)


@pytest.fixture
def at() -> Place:
    return Place()


async def test_what_is_asked_for_once_stays_in_memory(at: Place) -> None:
    await at.ask(Brush())
    await at.settle()
    assert at.there() == ["memory"]


async def test_what_is_asked_for_twice_is_kept_everywhere_for_its_owner(at: Place) -> None:
    for _ in range(3):
        assert await at.ask(Brush()) == PICTURE
    await at.settle()
    for rack in at.racks:
        assert (rack.pictures, rack.owners, rack.puts) == ({KEY: PICTURE}, {KEY: OWNER}, 1)


async def test_so_is_what_memory_has_forgotten_meanwhile(at: Place) -> None:
    await at.ask(Brush())
    await at.memory.clear()
    draw = Brush()
    await at.ask(draw)
    await at.settle()
    assert (draw.count, at.there()) == (1, ["memory", "shared", "disk"])


async def test_what_took_long_to_draw_is_on_disk_at_once(at: Place) -> None:
    await at.ask(Brush(took_ms=20))
    await at.settle()
    assert at.there() == ["memory", "disk"]
    await at.ask(Brush())
    await at.settle()
    assert at.there() == ["memory", "shared", "disk"]
    assert at.disk.puts == 1


async def test_a_size_that_is_not_kept_never_leaves_memory(at: Place) -> None:
    for _ in range(3):
        await at.ask(Brush(took_ms=99), kept=False)
        await at.ask(Brush(took_ms=99), kept=False)
        await at.memory.clear()
    await at.settle()
    assert at.shared.puts == at.disk.puts == 0


async def test_a_find_on_disk_goes_to_memory_and_the_second_time_to_the_shared_tier(
    at: Place,
) -> None:
    at.disk.place()
    draw = Brush()
    assert await at.ask(draw) == PICTURE
    await at.settle()
    assert at.there() == ["memory", "disk"]
    await at.memory.clear()
    assert await at.ask(draw) == PICTURE
    await at.settle()
    assert at.there() == ["memory", "shared", "disk"]
    assert (at.disk.puts, draw.count) == (0, 0)


async def test_deliveries_beyond_the_bound_are_dropped_and_counted(at: Place) -> None:
    at.disk.held_put = asyncio.Event()
    keys = [number.to_bytes(16, "big") for number in range(MOST + 2)]
    for key in keys:
        assert await at.ask(Brush(took_ms=20), key=key) == PICTURE
    at.disk.held_put.set()
    await at.settle()
    assert (at.disk.puts, at.memory.puts, at.tiers.figures().dropped) == (MOST, MOST + 2, 2)
    await at.ask(Brush(took_ms=20), key=b"later")
    await at.settle()
    assert at.disk.puts == MOST + 1


async def test_the_bytes_of_deliveries_under_way_are_bounded(at: Place) -> None:
    at.disk.held_put = asyncio.Event()
    large = picture(bytes(MOST_BYTES // 2), Format.PNG, 128)
    for key in (b"a", b"b", b"c"):
        await at.ask(Brush(took_ms=20, drawn=large), key=key)
    at.disk.held_put.set()
    await at.settle()
    assert (at.disk.puts, at.tiers.figures().dropped) == (2, 1)


async def test_what_no_outer_tier_has_is_drawn_and_kept_in_all_of_them(at: Place) -> None:
    draw = Brush()
    assert await at.tiers.keep(LABEL, draw)
    assert (draw.count, at.there()) == (1, ["shared", "disk"])
    assert at.disk.owners == at.shared.owners == {KEY: OWNER}


@pytest.mark.parametrize("present", ["shared", "disk"])
async def test_what_one_outer_tier_has_is_copied_to_the_other(at: Place, present: str) -> None:
    has, lacks = (at.shared, at.disk) if present == "shared" else (at.disk, at.shared)
    has.place()
    draw = Brush()
    assert not await at.tiers.keep(LABEL, draw)
    assert (draw.count, has.puts, lacks.pictures) == (0, 0, {KEY: PICTURE})
    assert not await at.tiers.keep(LABEL, draw)
    assert lacks.puts == 1


async def test_keeping_raises_what_drawing_raises_and_goes_on_without_a_tier(at: Place) -> None:
    with pytest.raises(DrawingBusy):
        await at.tiers.keep(LABEL, Brush(error=DrawingBusy()))
    at.shared.down = True
    assert await at.tiers.keep(LABEL, Brush())
    assert at.there() == ["disk"]


async def test_keeping_waits_for_what_it_writes(at: Place) -> None:
    at.disk.held_put = asyncio.Event()
    keeping = asyncio.create_task(at.tiers.keep(LABEL, Brush()))
    await at.disk.held.wait()
    assert not keeping.done()
    at.disk.held_put.set()
    assert await keeping
    assert at.there() == ["shared", "disk"]
