"""The shared tier over a cluster of three primaries."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from functools import partial
from typing import Any

import pytest
from redis.exceptions import ClusterDownError, MovedError
from tests.accounts import ManualClock
from tests.adapters.bulletin.listening import took_at_most, until
from tests.adapters.tiers.drawings import drawn, key_of
from tests.adapters.tiers.sharing import AGES_S, OpenShared, all_of, hash_of, label_of, unavailable
from tests.servers import free_port
from tests.valkey import ValkeyCluster, ValkeyServer

from emoticon.adapters.tiers.shared import SharedTier
from emoticon.adapters.tiers.turns import RedisTurns
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Label

OWNERS = range(1, 61)


@pytest.fixture
async def open_tier(empty_cluster: ValkeyCluster) -> AsyncIterator[OpenShared]:
    """Open tiers on the cluster; they are closed after the test."""
    opened: list[SharedTier] = []

    def open_one(
        url: str = empty_cluster.url, *, timeout_s: float = AGES_S, retry_s: float = 0.02
    ) -> SharedTier:
        opened.append(SharedTier(url, ManualClock(), timeout_s=timeout_s, retry_s=retry_s))
        return opened[-1]

    yield open_one
    for tier in opened:
        await tier.aclose()


async def fill(tier: SharedTier) -> None:
    for owner in OWNERS:
        for number in (2 * owner, 2 * owner + 1):
            await tier.put(label_of(number, owner), drawn(number, 100))


async def answered(ask: Callable[[], Coroutine[Any, Any, object]]) -> object:
    """Return what is answered once the tier is available for it."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await ask()
            except TierUnavailable:
                await asyncio.sleep(0.01)


async def whole(tier: SharedTier) -> None:
    """Have it find out who has which keys, and ask about all."""
    await all_of(tier)
    await tier.forget(OWNERS)


def moved(member: ValkeyServer, name: str) -> bool:
    """Say whether a member knows who has a key that it has no longer."""
    try:
        member.call("EXISTS", name)
    except (MovedError, ClusterDownError) as error:
        return isinstance(error, MovedError)
    return False


def unused(member: ValkeyServer) -> bool:
    return not member.connections()


def url_of(cluster: ValkeyCluster, member: ValkeyServer) -> str:
    """Return the address of the cluster with one of its members alone."""
    return f"{cluster.url.rpartition('@')[0]}@127.0.0.1:{member.port}"


def of(cluster: ValkeyCluster, member: ValkeyServer) -> list[int]:
    return [owner for owner in OWNERS if cluster.member(hash_of(owner)) is member]


async def test_every_owner_is_where_the_cluster_has_it_and_all_are_found(
    open_tier: OpenShared, empty_cluster: ValkeyCluster
) -> None:
    tier = open_tier()
    await fill(tier)
    for member in empty_cluster.members:
        assert member.call("DBSIZE") == len(of(empty_cluster, member)) > 0
    for owner in OWNERS:
        assert await tier.get(label_of(2 * owner, owner)) == drawn(2 * owner, 100)
    found = await all_of(tier)
    assert sorted(kept.label.owner for kept in found) == sorted([*OWNERS, *OWNERS])
    assert await tier.discard(found[:50]) == 50
    assert await tier.forget([kept.label.owner for kept in found[50:60]]) > 0
    assert (await tier.extent()).used_bytes > 0
    assert tier.figures().available


async def test_what_is_of_an_owner_goes_from_wherever_it_is(open_tier: OpenShared) -> None:
    tier = open_tier()
    await fill(tier)
    assert await tier.forget(list(OWNERS)[:-1]) == 2 * len(OWNERS) - 2
    assert {kept.label.owner for kept in await all_of(tier)} == {OWNERS[-1]}
    assert await tier.count(OWNERS[0]) == 0


async def test_clearing_takes_what_is_ours_from_every_member_and_leaves_the_rest(
    open_tier: OpenShared, empty_cluster: ValkeyCluster
) -> None:
    tier = open_tier()
    await fill(tier)
    await tier.mark(7)
    empty_cluster.member("other").call("SET", "other", "kept")
    await tier.clear()
    assert await all_of(tier) == []
    assert await tier.marked() == 7
    assert sum(member.call("DBSIZE") for member in empty_cluster.members) == 2


async def test_one_of_several_nodes_has_a_turn(open_tier: OpenShared) -> None:
    nodes = [RedisTurns(open_tier().valkey) for _ in range(3)]
    for number in range(10):
        taken = [await node.take(key_of(number)) for node in nodes]
        assert taken == [True, False, False]
        await nodes[0].give_back(key_of(number))
        assert await nodes[1].take(key_of(number))


async def test_one_address_that_answers_is_enough(
    open_tier: OpenShared, empty_cluster: ValkeyCluster
) -> None:
    account, _, places = empty_cluster.url.rpartition("@")
    tier = open_tier(f"{account}@127.0.0.1:{free_port()},{places.split(',')[1]}/0?db=0")
    await fill(tier)
    assert len(await all_of(tier)) == 2 * len(OWNERS)


async def test_addresses_of_which_none_answers_are_unavailable(open_tier: OpenShared) -> None:
    tier = open_tier(f"redis+cluster://127.0.0.1:{free_port()}")
    for _ in range(5):
        with unavailable("the servers of the cluster are not known"):
            await tier.get(label_of(1))
    with unavailable():
        await tier.clear()
    assert not tier.figures().available


async def test_a_server_that_is_no_cluster_is_unavailable(
    open_tier: OpenShared, empty_valkey: ValkeyServer
) -> None:
    tier = open_tier(empty_valkey.url.replace("redis:", "redis+cluster:"))
    with unavailable():
        await tier.get(label_of(1))


async def test_nobody_waits_longer_than_usual_for_a_cluster_that_hangs_at_the_beginning(
    open_tier: OpenShared, empty_cluster: ValkeyCluster
) -> None:
    tier = open_tier(timeout_s=0.05)
    for member in empty_cluster.members:
        member.pause()
    with took_at_most(0.8), unavailable("the servers of the cluster are not known"):
        await tier.get(label_of(1))
    for member in empty_cluster.members:
        member.resume()
    assert await answered(lambda: tier.get(label_of(1))) is None


@pytest.mark.parametrize("wrong", [ValkeyServer.stop, ValkeyServer.pause])
async def test_without_one_member_the_others_answer_and_it_is_used_again_when_it_is_back(
    open_tier: OpenShared, empty_cluster: ValkeyCluster, wrong: Callable[[ValkeyServer], None]
) -> None:
    tier = open_tier(timeout_s=0.3)
    await fill(tier)
    gone = empty_cluster.members[1]
    wrong(gone)
    lost = of(empty_cluster, gone)
    for _ in range(2):
        for owner in OWNERS:
            one = label_of(2 * owner, owner)
            if owner in lost:
                with unavailable():
                    await tier.get(one)
            else:
                assert await tier.get(one) == drawn(2 * owner, 100)
    for asked in (all_of(tier), tier.clear(), tier.extent(), tier.forget(lost)):
        with unavailable():
            await asked
    assert not tier.figures().available
    empty_cluster.start()
    one = Label(key_of(1), lost[0])
    await answered(lambda: tier.put(one, drawn(1)))
    assert await tier.get(one) == drawn(1)
    assert len(await all_of(tier)) > 0


async def test_after_keys_have_moved_one_question_is_in_vain_and_the_next_are_not(
    open_tier: OpenShared, empty_cluster: ValkeyCluster
) -> None:
    tier = open_tier()
    name, one = hash_of(5), label_of(1, 5)
    old = empty_cluster.member(name)
    new = next(member for member in empty_cluster.members if member is not old)
    slot: int = old.call("CLUSTER", "KEYSLOT", name)
    assert await tier.get(one) is None
    empty_cluster.move(slot, slot, new)
    try:
        await until(lambda: moved(old, name))
        with unavailable("MovedError"):
            await tier.put(one, drawn(1))
        await answered(lambda: tier.put(one, drawn(1)))
        assert new.call("HLEN", name) == 1
        assert await tier.forget([5]) == 1
    finally:
        empty_cluster.move(slot, slot, old)


async def test_a_member_that_has_no_keys_any_more_is_let_go_unless_it_is_in_the_address(
    open_tier: OpenShared, empty_cluster: ValkeyCluster
) -> None:
    first, emptied, other = empty_cluster.members
    tiers = [open_tier(url_of(empty_cluster, member)) for member in (first, emptied)]
    for tier in tiers:
        await fill(tier)
        await tier.clear()
    assert all(len(member.connections()) >= 2 for member in empty_cluster.members)
    before = emptied.connections()
    empty_cluster.move(*empty_cluster.slots(emptied), other)
    try:
        for tier in tiers:
            await answered(partial(whole, tier))
            await fill(tier)
            assert len(await all_of(tier)) == 2 * len(OWNERS)
        await until(lambda: len(emptied.connections() & before) == 1)
        assert other.call("DBSIZE") > 30
    finally:
        empty_cluster.flush()
        empty_cluster.move(*empty_cluster.slots(emptied), emptied)


async def test_keys_that_nobody_has_are_unavailable_and_all_others_are_there(
    open_tier: OpenShared, empty_cluster: ValkeyCluster
) -> None:
    name = hash_of(5)
    owner = empty_cluster.member(name)
    slot: int = owner.call("CLUSTER", "KEYSLOT", name)
    empty_cluster.move(slot, slot, None)
    tier = open_tier()
    try:
        for _ in range(2):
            with unavailable("a key has no server"):
                await tier.put(label_of(1, 5), drawn(1))
            await tier.put(label_of(1, 6), drawn(1))
        for asked in (all_of(tier), tier.clear()):
            with unavailable("some keys have no server"):
                await asked
        with unavailable("a key has no server"):
            await tier.forget([6, 5])
    finally:
        empty_cluster.move(slot, slot, owner)


async def test_closing_leaves_no_connection_and_makes_everything_unavailable(
    open_tier: OpenShared, empty_cluster: ValkeyCluster
) -> None:
    tier = open_tier()
    await fill(tier)
    empty_cluster.members[0].pause()
    asking = [
        asyncio.create_task(all_of(tier)),
        *(asyncio.create_task(tier.count(owner)) for owner in OWNERS),
    ]
    await asyncio.sleep(0.01)
    with took_at_most(5):
        await asyncio.gather(tier.aclose(), tier.aclose())
        await asyncio.gather(*asking, return_exceptions=True)
    for task in asking:
        assert task.exception() is None or isinstance(task.exception(), TierUnavailable)
    empty_cluster.members[0].resume()
    with unavailable():
        await tier.get(label_of(1))
    for member in empty_cluster.members:
        await until(partial(unused, member))
