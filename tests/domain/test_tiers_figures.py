"""What is counted on the way of a picture, and failures on that way."""

import asyncio

import pytest
from tests.domain.racks import PICTURE, Brush, Place

from emoticon.domain.errors import DrawingFailed, DrawingTimedOut, UnknownStyle
from emoticon.domain.keeping import Label
from emoticon.domain.models import Format
from emoticon.domain.pictures import picture


@pytest.fixture
def at() -> Place:
    return Place()


async def test_searches_are_counted_by_tier_and_result(at: Place) -> None:
    at.disk.down = True
    for _ in range(3):
        await at.ask(Brush())
    await at.settle()
    await at.memory.clear()
    await at.ask(Brush())
    at.memory.down = True
    await at.ask(Brush())
    assert at.tiers.figures().lookups == {
        ("memory", "hit"): 2,
        ("memory", "miss"): 2,
        ("memory", "unavailable"): 1,
        ("shared", "hit"): 2,
        ("shared", "miss"): 1,
        ("disk", "unavailable"): 1,
    }


async def test_a_caller_who_joins_a_flight_counts_as_such(at: Place) -> None:
    await asyncio.gather(*(at.ask(Brush()) for _ in range(5)))
    assert at.tiers.figures().joined == 4


async def test_drawings_and_their_seconds_are_counted_by_format(at: Place) -> None:
    svg = picture(b"<svg/>", Format.SVG, 64)
    await at.ask(Brush(took_ms=250))
    await at.ask(Brush(took_ms=500), key=b"b")
    await at.ask(Brush(took_ms=125, drawn=svg), key=b"c")
    figures = at.tiers.figures()
    assert figures.drawings == {Format.PNG: 2, Format.SVG: 1, Format.WEBP: 0, Format.AVIF: 0}
    assert (figures.drawing_s[Format.PNG], figures.drawing_s[Format.SVG]) == (0.75, 0.125)


async def test_what_a_hit_saves_is_the_mean_drawing_of_its_format(at: Place) -> None:
    assert at.tiers.figures().saved_s == 0
    await at.ask(Brush(took_ms=250))
    await at.ask(Brush(took_ms=500), key=b"b")
    for _ in range(4):
        await at.ask(Brush())
    await at.memory.clear()
    await at.ask(Brush())
    assert at.tiers.figures().saved_s == 5 * 0.375


async def test_the_hit_ratio_is_that_of_all_tiers_together(at: Place) -> None:
    assert at.tiers.figures().hit_ratio == 0
    for _ in range(3):
        await at.ask(Brush())
    await at.settle()
    await at.memory.clear()
    await at.ask(Brush())
    assert at.tiers.figures().hit_ratio == 0.75


async def test_promotions_are_counted_by_tier(at: Place) -> None:
    for key, took_ms in ((b"a", 1), (b"a", 1), (b"b", 20)):
        await at.ask(Brush(took_ms=took_ms), key=key)
    await at.tiers.keep(Label(b"warm".ljust(16)), Brush())
    await at.settle()
    assert at.tiers.figures().promotions == {"shared": 1, "disk": 2}


async def test_the_tiers_can_be_seen(at: Place) -> None:
    assert at.tiers.memory is at.memory
    assert at.tiers.outer == (at.shared, at.disk)


@pytest.mark.parametrize("error", [DrawingFailed("why"), DrawingTimedOut()])
async def test_what_failed_is_not_drawn_again_at_once(
    at: Place, error: DrawingFailed | DrawingTimedOut
) -> None:
    failing = Brush(error=error)
    waits = []
    for _ in range(7):
        for _ in range(2):
            with pytest.raises(type(error), match=error.detail) as caught:
                await at.ask(failing)
            waits.append(caught.value.retry_after_s)
        at.clock.ms += caught.value.retry_after_s * 1000
    assert waits == [s for s in (2, 4, 8, 16, 32, 60, 60) for _ in range(2)]
    assert (failing.count, at.tiers.figures().refused, at.there()) == (7, 7, [])


async def test_a_success_ends_the_row_of_failures(at: Place) -> None:
    with pytest.raises(DrawingFailed):
        await at.ask(Brush(error=DrawingFailed()))
    at.clock.ms += 2000
    assert await at.ask(Brush()) == PICTURE
    await at.memory.clear()
    with pytest.raises(DrawingFailed) as caught:
        await at.ask(Brush(error=DrawingFailed()))
    assert caught.value.retry_after_s == 2


async def test_a_picture_that_memory_has_is_not_refused(at: Place) -> None:
    with pytest.raises(DrawingFailed):
        await at.tiers.keep(Label(b"k" * 16), Brush(error=DrawingFailed()))
    at.memory.place()
    assert await at.ask(Brush()) == PICTURE


async def test_an_error_that_is_not_the_look_s_alone_is_not_remembered(at: Place) -> None:
    draw = Brush(error=UnknownStyle())
    for _ in range(2):
        with pytest.raises(UnknownStyle):
            await at.ask(draw)
    assert draw.count == 2


async def test_a_thousand_callers_of_a_look_that_fails_cost_one_drawing(at: Place) -> None:
    failing = Brush(error=DrawingFailed())
    for _ in range(2):
        answers = await asyncio.gather(
            *(at.ask(failing) for _ in range(1000)), return_exceptions=True
        )
        assert {type(answer) for answer in answers} == {DrawingFailed}
    assert failing.count == 1
