"""The shared tier while something is wrong with Valkey."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from tests.adapters.bulletin.listening import took_at_most
from tests.adapters.tiers.drawings import drawn
from tests.adapters.tiers.sharing import OpenShared, all_of, label_of, unavailable
from tests.servers import Relay
from tests.valkey import ValkeyServer

from emoticon.adapters.tiers.shared import SharedTier
from emoticon.adapters.valkey.server import CONNECTIONS
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import TierFigures

EVERYTHING: list[Callable[[SharedTier], Coroutine[Any, Any, object]]] = [
    lambda tier: tier.get(label_of(1)),
    lambda tier: tier.put(label_of(1), drawn(1)),
    lambda tier: tier.forget([1]),
    lambda tier: tier.marked(),
    lambda tier: tier.mark(1),
    lambda tier: tier.count(1),
    all_of,
    lambda tier: tier.clear(),
    lambda tier: tier.extent(),
]


async def found_again(tier: SharedTier) -> None:
    """Return when it keeps pictures again."""
    async with asyncio.timeout(20):
        while True:
            try:
                await tier.put(label_of(1), drawn(1))
                assert await tier.get(label_of(1)) == drawn(1)
            except TierUnavailable:
                await asyncio.sleep(0.01)
            else:
                return


async def test_a_stopped_server_makes_everything_unavailable_and_is_used_again_when_it_is_back(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    await tier.put(label_of(1), drawn(1))
    empty_valkey.stop()
    for ask in EVERYTHING:
        with unavailable():
            await ask(tier)
    assert not tier.figures().available
    empty_valkey.start()
    await found_again(tier)
    assert tier.figures().available


async def test_a_hanging_server_costs_three_callers_their_time_and_the_others_none(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared(timeout_s=0.05, retry_s=60)
    empty_valkey.pause()
    for _ in range(3):
        with took_at_most(2), unavailable("TimeoutError"):
            await tier.get(label_of(1))
    assert not tier.figures().available
    for ask in EVERYTHING:
        with took_at_most(2), unavailable("left alone for a moment"):
            await ask(tier)
    assert tier.figures() == TierFigures(dropped=1, available=False)


async def test_a_flushed_server_has_forgotten_everything_and_goes_on(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    await tier.put(label_of(1), drawn(1))
    await tier.mark(7)
    empty_valkey.flush()
    assert await tier.get(label_of(1)) is None
    assert await tier.marked() == 0
    await found_again(tier)


async def test_a_full_server_takes_nothing_and_still_answers(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    await tier.put(label_of(1), drawn(1))
    empty_valkey.call("CONFIG", "SET", "maxmemory", 1)
    try:
        for number in range(2, 7):
            with unavailable("OutOfMemoryError"):
                await tier.put(label_of(number), drawn(number))
            assert await tier.get(label_of(1)) == drawn(1)
        assert await tier.forget([1]) == 1
    finally:
        empty_valkey.call("CONFIG", "SET", "maxmemory", 0)
    assert tier.figures() == TierFigures(writes=1, dropped=5)


async def test_a_full_server_that_evicts_takes_everything_within_its_limit(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    limit_bytes = (await tier.extent()).used_bytes + (1 << 20)
    empty_valkey.call("CONFIG", "SET", "maxmemory-policy", "allkeys-lfu")
    empty_valkey.call("CONFIG", "SET", "maxmemory", limit_bytes)
    try:
        for number in range(1000):
            await tier.put(label_of(number, 1 + number), drawn(number))
        assert await tier.get(label_of(999, 1000)) == drawn(999)
        assert 0 < len(await all_of(tier)) < 400
    finally:
        empty_valkey.call("CONFIG", "SET", "maxmemory", 0)
        empty_valkey.call("CONFIG", "SET", "maxmemory-policy", "noeviction")


async def test_a_server_that_may_only_be_read_is_read(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    await tier.put(label_of(1), drawn(1))
    empty_valkey.call("REPLICAOF", "127.0.0.1", 1)
    try:
        for _ in range(5):
            with unavailable("ReadOnlyError"):
                await tier.put(label_of(2), drawn(2))
            assert await tier.get(label_of(1)) == drawn(1)
        with unavailable("ReadOnlyError"):
            await tier.forget([1])
        assert len(await all_of(tier)) == 1
    finally:
        empty_valkey.call("REPLICAOF", "NO", "ONE")
    assert await tier.forget([1]) == 1


async def test_a_damaged_picture_that_cannot_be_deleted_is_still_a_miss(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    empty_valkey.call("HSET", "emoticon:pictures:1", label_of(1).key, "nothing of ours")
    empty_valkey.call("REPLICAOF", "127.0.0.1", 1)
    try:
        assert await tier.get(label_of(1)) is None
    finally:
        empty_valkey.call("REPLICAOF", "NO", "ONE")


async def test_a_loading_server_is_unavailable(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    await tier.put(label_of(1), drawn(1))
    with empty_valkey.loading():
        with unavailable("BusyLoadingError"):
            await tier.get(label_of(1))
        with unavailable("BusyLoadingError"):
            await tier.put(label_of(2), drawn(2))
    await found_again(tier)


async def test_a_server_that_is_slow_by_a_second_is_not_waited_for_and_answers_cross_nothing(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    for number in range(10):
        await open_shared().put(label_of(number), drawn(number))
    async with Relay(empty_valkey.port) as relay:
        tier = open_shared(relay.port, timeout_s=0.2, retry_s=0.01)
        assert await tier.get(label_of(0)) == drawn(0)
        relay.freeze()
        with took_at_most(0.9):
            for number in range(3):
                with unavailable("TimeoutError"):
                    await tier.get(label_of(number))
        await asyncio.sleep(0.4)  # what was asked then is answered a second after the first
        relay.thaw()
        await found_again(tier)
        for number in range(10):
            assert await tier.get(label_of(number)) == drawn(number)
        assert tier.figures().damaged == 0


async def test_cancelled_callers_leave_everybody_their_own_pictures(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    async with Relay(empty_valkey.port) as relay:
        tier = open_shared(relay.port)
        for number in range(1, 60):
            await tier.put(label_of(number), drawn(number))
        for turn in range(8):
            relay.freeze()
            tasks = [asyncio.create_task(tier.get(label_of(number))) for number in range(1, 40)]
            for _ in range(turn % 4):
                await asyncio.sleep(0.001)
            for task in tasks:
                task.cancel()
            relay.thaw()
            await asyncio.wait(tasks)
            found = await asyncio.gather(*(tier.get(label_of(number)) for number in range(1, 60)))
            assert found == [drawn(number) for number in range(1, 60)]
        assert tier.figures().damaged == 0


async def test_a_thousand_at_once_get_their_pictures_over_a_few_connections(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    for number in range(20):
        await tier.put(label_of(number), drawn(number))
    found = await asyncio.gather(*(tier.get(label_of(number % 20)) for number in range(1000)))
    assert found == [drawn(number % 20) for number in range(1000)]
    assert len(empty_valkey.connections()) <= CONNECTIONS


async def test_after_closing_everything_is_unavailable(
    open_shared: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_shared()
    await tier.put(label_of(1), drawn(1))
    await asyncio.gather(tier.aclose(), tier.aclose())
    await tier.aclose()
    for ask in EVERYTHING:
        with unavailable():
            await ask(tier)
    assert not empty_valkey.connections()
