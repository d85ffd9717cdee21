"""Facts about the memory tier beyond the contract of tiers."""

import gc
import weakref

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.adapters.tiers.drawings import drawn, label_of

from emoticon.adapters.tiers.memory import ENTRY_BYTES, MemoryTier


async def test_an_entry_weighs_its_body_and_what_is_around_it() -> None:
    tier = MemoryTier(1_000_000)
    await tier.put(label_of(1), drawn(1, 1000))
    await tier.put(label_of(2, owner=1), drawn(2, 500))
    assert tier.figures().used_bytes == 1500 + 2 * ENTRY_BYTES
    await tier.aclose()


async def test_the_limit_holds_after_every_single_put() -> None:
    tier = MemoryTier(100_000)
    used = []
    for number in range(500):
        await tier.put(label_of(number, owner=1), drawn(number))
        used.append(tier.figures().used_bytes or 0)
    assert 90_000 < max(used) <= 100_000
    await tier.aclose()


async def test_the_same_object_is_handed_out_without_a_copy() -> None:
    tier = MemoryTier(100_000)
    await tier.put(label_of(1), kept := drawn(1))
    assert await tier.get(label_of(1)) is kept
    await tier.aclose()


async def test_popular_pictures_survive_a_stream_of_pictures_asked_for_once() -> None:
    tier = MemoryTier(20 * (1000 + ENTRY_BYTES))
    for _ in range(10):
        for number in range(10):
            if await tier.get(label_of(number)) is None:
                await tier.put(label_of(number, owner=1), drawn(number, 1000))
    for number in range(1000, 3000):
        if await tier.get(label_of(number)) is None:
            await tier.put(label_of(number, owner=1), drawn(number, 1000))
    survivors = [number for number in range(10) if await tier.get(label_of(number))]
    assert len(survivors) >= 9
    await tier.aclose()


async def test_closing_forgets_everything() -> None:
    tier = MemoryTier(100_000)
    await tier.put(label_of(1), drawn(1))
    await tier.aclose()
    assert await tier.get(label_of(1)) is None
    assert tier.figures().used_bytes == 0


async def test_what_goes_for_want_of_room_is_counted() -> None:
    tier = MemoryTier(10 * (1000 + ENTRY_BYTES))
    for number in range(100):
        await tier.put(label_of(number), drawn(number, 1000))
    kept = [number for number in range(100) if await tier.get(label_of(number))]
    figures = tier.figures()
    assert (figures.writes, figures.evicted) == (100, 100 - len(kept))
    assert len(kept) == 10
    await tier.aclose()


def owned(tier: MemoryTier) -> set[tuple[bytes, int]]:
    """Return what the tier knows of owners, read both ways."""
    forwards = set(tier._owners._owner_of.items())
    backwards = {
        (key, owner) for owner in tier._owners._keys_of for key in tier._owners.keys_of(owner)
    }
    assert forwards == backwards
    return forwards


puts = st.tuples(st.just("put"), st.integers(0, 30), st.integers(0, 4))
gets = st.tuples(st.just("get"), st.integers(0, 30), st.just(0))
forgets = st.tuples(st.just("forget"), st.just(0), st.integers(1, 4))


async def test_it_knows_the_owners_of_exactly_what_it_keeps() -> None:
    reached: set[str] = set()

    async def holds(steps: list[tuple[str, int, int]]) -> None:
        tier = MemoryTier(12 * (1000 + ENTRY_BYTES))
        last_owner = {}
        for step, number, owner in steps:
            if step == "put":
                await tier.put(label_of(number, owner=owner), drawn(number, 1000))
                last_owner[number] = owner
            elif step == "get":
                await tier.get(label_of(number))
            else:
                await tier.forget([owner])
            kept = [number for number in last_owner if await tier.get(label_of(number))]
            reached.update(step for _ in range(len(last_owner) - len(kept)))
            assert owned(tier) == {
                (label_of(number).key, last_owner[number]) for number in kept if last_owner[number]
            }
        await tier.aclose()
        assert owned(tier) == set()

    @given(st.lists(st.one_of(puts, puts, puts, gets, forgets), min_size=40, max_size=80))
    def holds_for_all(steps: list[tuple[str, int, int]]) -> None:
        coroutine = holds(steps)  # nothing in it waits, so it needs no loop
        with pytest.raises(StopIteration):
            coroutine.send(None)

    holds_for_all()
    assert reached == {"put", "get", "forget"}


async def test_a_tier_that_nobody_closed_goes_with_all_its_pictures() -> None:
    tier = MemoryTier(100_000)
    await tier.put(label_of(1), drawn(1))
    gone = weakref.ref(tier)
    del tier
    gc.collect()
    assert gone() is None
