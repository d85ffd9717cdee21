"""What every OuterTier does beyond a Tier. The kinds are those of test_tier.py that outlive their process."""

from collections.abc import AsyncIterator
from typing import Any, cast

import pytest
from tests.adapters.tiers.drawings import drawn, label_of
from tests.contracts.test_tier import KINDS, Kind

from emoticon.domain.keeping import Kept
from emoticon.domain.pictures import FRAME_BYTES
from emoticon.domain.ports import OuterTier


@pytest.fixture(params=[kind for kind in KINDS if kind.title != "memory"], ids=lambda k: k.title)
def kind(request: pytest.FixtureRequest) -> Kind:
    return cast("Kind", request.param)


@pytest.fixture
def place(request: pytest.FixtureRequest, kind: Kind) -> Any:
    return request.getfixturevalue(kind.place)


def open_in(kind: Kind, place: Any) -> OuterTier:
    return cast("OuterTier", kind.open(place))


@pytest.fixture
async def tier(kind: Kind, place: Any) -> AsyncIterator[OuterTier]:
    opened = open_in(kind, place)
    yield opened
    await opened.aclose()


async def fill(kind: Kind, tier: OuterTier, numbers: range, size_bytes: int = 500) -> None:
    """Put pictures that belong to the owners 1 to 7 in turn."""
    for number in numbers:
        await tier.put(label_of(number, owner=number % 7 + 1), drawn(number, size_bytes))
        if number % 100 == 99:  # before too many wait
            await kind.settle(tier)
    await kind.settle(tier)


async def walked(tier: OuterTier) -> list[Kept]:
    return [kept async for batch in tier.walk() for kept in batch]


async def present(tier: OuterTier, numbers: range) -> list[int]:
    return [n for n in numbers if await tier.get(label_of(n, owner=n % 7 + 1)) is not None]


async def test_a_new_tier_says_of_no_erasure_that_it_is_done(tier: OuterTier) -> None:
    assert await tier.marked() in (None, 0)


async def test_a_mark_never_goes_back(tier: OuterTier) -> None:
    seen = []
    for number in (0, 5, 3, 5, 2**53, 1):
        await tier.mark(number)
        seen.append(await tier.marked())
    assert seen == [0, 5, 5, 5, 2**53, 2**53]


async def test_marks_and_pictures_survive_reopening(kind: Kind, place: Any) -> None:
    first = open_in(kind, place)
    await fill(kind, first, range(5))
    await first.mark(7)
    await first.aclose()
    second = open_in(kind, place)
    assert await second.marked() == 7
    assert await present(second, range(5)) == list(range(5))
    await second.aclose()


async def test_pictures_are_counted_by_owner(kind: Kind, tier: OuterTier) -> None:
    assert await tier.count(1) == 0
    await fill(kind, tier, range(20))
    assert [await tier.count(owner) for owner in range(9)] == [0, 3, 3, 3, 3, 3, 3, 2, 0]
    await tier.forget([1, 7])
    assert [await tier.count(owner) for owner in (1, 2, 7)] == [0, 3, 0]


async def test_a_walk_through_nothing_yields_nothing(tier: OuterTier) -> None:
    assert await walked(tier) == []


async def test_a_walk_finds_every_picture_as_it_was_put(kind: Kind, tier: OuterTier) -> None:
    await fill(kind, tier, range(600))
    found = await walked(tier)
    assert all(kept.intact and kept.size_bytes == FRAME_BYTES + 500 for kept in found)
    labels = {label_of(number, owner=number % 7 + 1) for number in range(600)}
    assert {kept.label for kept in found} == labels
    assert len({kept.ref for kept in found}) == 600


async def test_puts_gets_and_forgetting_go_on_during_a_walk(kind: Kind, tier: OuterTier) -> None:
    await fill(kind, tier, range(600))
    found = set()
    async for batch in tier.walk():
        found |= {kept.label for kept in batch}
        await fill(kind, tier, range(600, 610))
        assert await tier.get(label_of(600, owner=600 % 7 + 1)) == drawn(600, 500)
        await tier.forget([8])
    assert found >= {label_of(number, owner=number % 7 + 1) for number in range(600)}


async def test_what_a_walk_found_can_be_discarded(kind: Kind, tier: OuterTier) -> None:
    await fill(kind, tier, range(30))
    found = [kept for kept in await walked(tier) if kept.label.owner == 3]
    assert await tier.discard(found) == 4
    assert await tier.discard(found) == 0
    assert await tier.discard([]) == 0
    assert await present(tier, range(30)) == [n for n in range(30) if n % 7 != 2]
    assert await tier.count(3) == 0


async def test_a_cleared_tier_is_empty_and_still_has_its_mark(kind: Kind, tier: OuterTier) -> None:
    await tier.clear()
    await fill(kind, tier, range(30))
    await tier.mark(7)
    await tier.put(label_of(99), drawn(99))
    await tier.clear()
    assert await walked(tier) == []
    assert await present(tier, range(30)) == []
    assert await tier.get(label_of(99)) is None
    assert await tier.marked() == 7
    await fill(kind, tier, range(3))
    assert await present(tier, range(30)) == [0, 1, 2]


async def test_compacting_keeps_every_picture(kind: Kind, tier: OuterTier) -> None:
    assert await tier.compact() == 0
    await fill(kind, tier, range(300))
    await tier.forget([1, 2, 3, 4])
    before = await tier.extent()
    assert await tier.compact() >= 0
    after = await tier.extent()
    assert (after.pictures, after.limit_bytes) == (before.pictures, before.limit_bytes)
    assert await present(tier, range(300)) == [n for n in range(300) if n % 7 > 3]
    assert await tier.compact() == 0


async def test_the_extent_grows_with_what_is_kept(kind: Kind, tier: OuterTier) -> None:
    empty = await tier.extent()
    assert empty.pictures in (None, 0)
    await fill(kind, tier, range(200), 1200)
    full = await tier.extent()
    assert full.pictures in (None, 200)
    assert full.used_bytes > empty.used_bytes + 200 * 500  # a server's own needs come and go
    assert full.limit_bytes == empty.limit_bytes
