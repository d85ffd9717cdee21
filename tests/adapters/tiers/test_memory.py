"""Facts about the memory tier beyond the contract of tiers."""

from tests.adapters.tiers.drawings import drawn, key_of

from emoticon.adapters.tiers.memory import ENTRY_BYTES, MemoryTier


async def test_an_entry_weighs_its_body_and_what_is_around_it() -> None:
    tier = MemoryTier(1_000_000)
    await tier.put(key_of(1), drawn(1, 1000), owner=1)
    await tier.put(key_of(2), drawn(2, 500), owner=1)
    assert tier.used_bytes == 1500 + 2 * ENTRY_BYTES
    await tier.aclose()


async def test_the_limit_holds_after_every_single_put() -> None:
    tier = MemoryTier(100_000)
    used = []
    for number in range(500):
        await tier.put(key_of(number), drawn(number), owner=1)
        used.append(tier.used_bytes)
    assert 90_000 < max(used) <= 100_000
    await tier.aclose()


async def test_the_same_object_is_handed_out_without_a_copy() -> None:
    tier = MemoryTier(100_000)
    await tier.put(key_of(1), kept := drawn(1), owner=1)
    assert await tier.get(key_of(1)) is kept
    await tier.aclose()


async def test_popular_pictures_survive_a_stream_of_pictures_asked_for_once() -> None:
    tier = MemoryTier(20 * (1000 + ENTRY_BYTES))
    for _ in range(10):
        for number in range(10):
            if await tier.get(key_of(number)) is None:
                await tier.put(key_of(number), drawn(number, 1000), owner=1)
    for number in range(1000, 3000):
        if await tier.get(key_of(number)) is None:
            await tier.put(key_of(number), drawn(number, 1000), owner=1)
    survivors = [number for number in range(10) if await tier.get(key_of(number))]
    assert len(survivors) >= 9
    await tier.aclose()


async def test_closing_forgets_everything() -> None:
    tier = MemoryTier(100_000)
    await tier.put(key_of(1), drawn(1), owner=1)
    await tier.aclose()
    assert await tier.get(key_of(1)) is None
    assert tier.used_bytes == 0
