"""The shared tier beyond its contract: what it finds in Valkey, and what it leaves alone."""

import asyncio
from collections.abc import Callable

import pytest
from tests.accounts import NOW_MS
from tests.adapters.tiers.drawings import drawn, key_of
from tests.adapters.tiers.sharing import OpenShared, all_of, hash_of, label_of, unavailable
from tests.valkey import ValkeyServer

from emoticon.adapters.tiers.shared import LARGEST_BYTES, MARK, PREFIX
from emoticon.domain.keeping import Extent, TierFigures
from emoticon.domain.pictures import FRAME_BYTES, frame

Spoil = Callable[[bytes], bytes]

FIELDS = {"magic": 0, "format": 4, "size": 6, "length": 10, "drawn at": 14, "style": 18}
FIELDS |= {"owner": 22, "key": 30, "digest": 46, "check": 60, "body": 64, "last": -1}


async def test_all_pictures_of_an_owner_are_in_one_hash_and_those_of_nobody_in_one_each(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    for number in range(3):
        await tier.put(label_of(number, 5), drawn(number))
        await tier.put(label_of(number, 0), drawn(number))
    assert {*empty_valkey.call("KEYS", "*")} == {
        hash_of(5).encode(),
        *(f"{PREFIX}0:{key_of(number).hex()}".encode() for number in range(3)),
    }
    assert empty_valkey.call("HLEN", hash_of(5)) == 3
    assert await tier.get(label_of(1, 0)) == await tier.get(label_of(1, 5)) == drawn(1)
    assert await tier.get(label_of(1, 6)) is None


async def test_a_hash_has_no_end(open_shared: OpenShared, empty_valkey: ValkeyServer) -> None:
    await open_shared().put(label_of(1), drawn(1))
    assert empty_valkey.call("PTTL", hash_of(1)) == -1


async def test_what_is_too_large_is_dropped_and_the_largest_is_kept(
    open_shared: OpenShared,
) -> None:
    tier = open_shared()
    for number, size_bytes in enumerate([LARGEST_BYTES - FRAME_BYTES, LARGEST_BYTES]):
        await tier.put(label_of(number), drawn(number, size_bytes))
    assert await tier.get(label_of(0)) is not None
    assert await tier.get(label_of(1)) is None
    assert tier.figures() == TierFigures(writes=1, dropped=1)


# What is not as it was written


@pytest.mark.parametrize("at", FIELDS.values(), ids=FIELDS)
@pytest.mark.parametrize("bit", [0, 7])
async def test_a_flipped_bit_is_a_miss_and_is_deleted(
    open_shared: OpenShared, empty_valkey: ValkeyServer, at: int, bit: int
) -> None:
    tier = open_shared()
    data = bytearray(frame(label_of(1), drawn(1), drawn_at_s=NOW_MS // 1000))
    data[at] ^= 1 << bit
    await tier.put(label_of(2), drawn(2))
    empty_valkey.call("HSET", hash_of(1), key_of(1), bytes(data))
    assert [kept.intact for kept in await all_of(tier)].count(False) == 1
    assert await tier.get(label_of(1)) is None
    assert await tier.get(label_of(2)) == drawn(2)
    assert empty_valkey.call("HKEYS", hash_of(1)) == [key_of(2)]
    assert tier.figures() == TierFigures(writes=1, damaged=1)


@pytest.mark.parametrize("size_bytes", [0, 1, 59, 60, 63, 64, 65, 3415])
async def test_a_cut_frame_is_a_miss_and_is_deleted(
    open_shared: OpenShared, empty_valkey: ValkeyServer, size_bytes: int
) -> None:
    tier = open_shared()
    data = frame(label_of(1), drawn(1), drawn_at_s=NOW_MS // 1000)[:size_bytes]
    empty_valkey.call("HSET", hash_of(1), key_of(1), data)
    [kept] = await all_of(tier)
    assert not kept.intact
    assert await tier.get(label_of(1)) is None
    assert await tier.count(1) == 0


@pytest.mark.parametrize("owners", [(1, 1), (1, 2), (0, 0), (0, 1)])
async def test_swapped_pictures_are_misses_and_are_deleted(
    open_shared: OpenShared, empty_valkey: ValkeyServer, owners: tuple[int, int]
) -> None:
    tier = open_shared()
    labels = [label_of(number, owner) for number, owner in enumerate(owners)]
    names = [hash_of(one.owner) if one.owner else f"{PREFIX}0:{one.key.hex()}" for one in labels]
    for number, one in enumerate(labels):
        await tier.put(one, drawn(number))
    values = [
        empty_valkey.call("HGET", *place) for place in zip(names, map(key_of, (0, 1)), strict=True)
    ]
    for name, number, value in zip(names, (0, 1), reversed(values), strict=True):
        empty_valkey.call("HSET", name, key_of(number), value)
    assert [kept.intact for kept in await all_of(tier)] == [False, False]
    assert [await tier.get(one) for one in labels] == [None, None]
    assert await all_of(tier) == []
    assert tier.figures().damaged == 2


async def test_a_damaged_picture_costs_its_connection_and_no_breaker(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    """Its frame may be the late answer to another question."""
    tier = open_shared()
    await tier.put(label_of(1), drawn(1))
    for _ in range(5):
        before = empty_valkey.connections()
        empty_valkey.call("HSET", hash_of(1), key_of(2), "nothing of ours")
        assert await tier.get(label_of(2)) is None
        assert not before & empty_valkey.connections()
    assert tier.figures().available


async def test_another_type_under_the_name_of_a_hash_is_unavailable_until_it_is_forgotten(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    empty_valkey.call("SET", hash_of(1), "text")
    for asked in (tier.get(label_of(1)), tier.put(label_of(1), drawn(1)), tier.count(1)):
        with unavailable("ResponseError"):
            await asked
    assert await all_of(tier) == []
    with unavailable("ResponseError"):
        await tier.forget([1])
    assert await tier.forget([1]) == 0
    await tier.put(label_of(1), drawn(1))
    assert await tier.get(label_of(1)) == drawn(1)
    assert tier.figures() == TierFigures(writes=1, dropped=1)


# All of it


async def test_a_walk_finds_every_picture_of_packed_and_of_large_hashes_once(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    labels = [label_of(number, number % 40) for number in range(120)]
    labels += [label_of(number, 1000) for number in range(100)]
    for number, one in enumerate(labels):
        await tier.put(one, drawn(number, 60 if number < 20 else 200))
    assert empty_valkey.call("OBJECT", "ENCODING", hash_of(1000)) == b"hashtable"
    found = await all_of(tier)
    assert sorted(
        found_one.label.key + bytes([found_one.label.owner % 256]) for found_one in found
    ) == sorted(one.key + bytes([one.owner % 256]) for one in labels)
    assert all(kept.intact and kept.drawn_at_s == NOW_MS // 1000 for kept in found)
    assert await tier.discard(found[:7]) == 7
    assert await tier.discard(found[:8]) == 1
    assert len(await all_of(tier)) == len(labels) - 8


async def test_what_is_not_ours_is_neither_walked_nor_cleared(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    foreign = ["other", f"{PREFIX}0", f"{PREFIX}01", f"{PREFIX}1:x", f"{PREFIX}0:{'A' * 32}", MARK]
    for name in foreign:
        empty_valkey.call("HSET", name, "field", "value")
    empty_valkey.call("SET", hash_of(999), "of another type")
    for number in range(250):
        await tier.put(label_of(number, number), drawn(number, 10))
    assert len(await all_of(tier)) == 250
    await tier.clear()
    assert {*empty_valkey.call("KEYS", "*")} == {name.encode() for name in foreign}


async def test_forgetting_counts_what_went_and_takes_nothing_of_others(
    open_shared: OpenShared,
) -> None:
    tier = open_shared()
    for number in range(130):
        await tier.put(label_of(number, number // 2), drawn(number, 10))
    assert await tier.forget([]) == 0
    assert await tier.forget([*range(1, 64), 999]) == 126
    assert await tier.forget([1, 2]) == 0
    assert [await tier.count(owner) for owner in (1, 63, 64)] == [0, 0, 2]
    assert len(await all_of(tier)) == 4


async def test_the_mark_never_goes_back_whoever_writes_it(open_shared: OpenShared) -> None:
    one, other = open_shared(), open_shared()
    assert await one.marked() == 0
    await asyncio.gather(*(tier.mark(number) for number in range(50) for tier in (one, other)))
    await one.mark(2**50)
    await other.mark(7)
    assert await one.marked() == await other.marked() == 2**50


@pytest.mark.parametrize("words", [("SET", MARK, "x"), ("SET", MARK, "-5"), ("HSET", MARK, 1, 2)])
async def test_a_mark_that_is_none_says_nothing_and_can_be_written(
    open_shared: OpenShared, empty_valkey: ValkeyServer, words: tuple[str, ...]
) -> None:
    tier = open_shared()
    empty_valkey.call(*words)
    assert await tier.marked() == 0
    await tier.mark(3)
    assert await tier.marked() == 3


async def test_its_extent_is_that_of_the_server(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    assert (await tier.extent()).limit_bytes == 0
    empty_valkey.call("CONFIG", "SET", "maxmemory", "100mb")
    try:
        extent = await tier.extent()
    finally:
        empty_valkey.call("CONFIG", "SET", "maxmemory", 0)
    assert extent == Extent(None, extent.used_bytes, 100 << 20)
    assert 0 < extent.used_bytes < 100 << 20
    assert await tier.compact() == 0
    assert tier.name == "shared"
