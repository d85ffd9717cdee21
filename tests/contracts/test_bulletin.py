"""What every Bulletin does, between two nodes: nodes in one process are the same object."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.valkey import ValkeyServer

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.bulletin.redis import RedisBulletin
from emoticon.adapters.clock import SystemClock
from emoticon.domain.errors import BulletinUnavailable
from emoticon.domain.models import Change
from emoticon.domain.ports import Bulletin

Nodes = tuple[Bulletin, Bulletin]


@pytest.fixture(params=["local", "redis"])
async def nodes(request: pytest.FixtureRequest) -> AsyncIterator[Nodes]:
    if request.param == "local":
        local = LocalBulletin()
        yield local, local
        await local.aclose()
        return
    server: ValkeyServer = request.getfixturevalue("empty_valkey")
    one, other = (RedisBulletin(server.url, clock=SystemClock()) for _ in range(2))
    yield one, other
    await one.aclose()
    await other.aclose()


async def hear(changes: AsyncIterator[Change], count: int = 1) -> list[Change]:
    async with asyncio.timeout(5):
        return [await anext(changes) for _ in range(count)]


@pytest.mark.parametrize(
    "change",
    [
        Change(1),
        Change(7, floor=3),
        Change(7, session_id="0123456789abcdef" * 2),
        Change(7, revision=2),
        Change(7, floor=3, session_id="f" * 32, revision=2),
        Change(2**63 - 1, floor=2**63 - 1, session_id="f" * 32, revision=2**63 - 1),
    ],
)
async def test_a_change_is_heard_as_it_was_published(nodes: Nodes, change: Change) -> None:
    one, other = nodes
    changes = await other.subscribe()
    await one.publish(change)
    assert await hear(changes) == [change]


async def test_every_listener_hears_every_change_in_order(nodes: Nodes) -> None:
    one, other = nodes
    listeners = [await node.subscribe() for node in (one, other, other)]
    published = [Change(number, floor=number) for number in range(1, 301)]
    for change in published:
        await one.publish(change)
    for changes in listeners:
        assert await hear(changes, 300) == published


async def test_what_is_published_at_once_is_all_heard(nodes: Nodes) -> None:
    one, other = nodes
    changes = await other.subscribe()
    published = {Change(number) for number in range(1, 41)}
    await asyncio.gather(
        *(node.publish(change) for node, change in zip([one, other] * 20, published, strict=True))
    )
    assert set(await hear(changes, 40)) == published


async def test_one_who_waits_is_told(nodes: Nodes) -> None:
    one, other = nodes
    waiting = asyncio.create_task(hear(await other.subscribe(), 2))
    await one.publish(Change(1))
    await asyncio.sleep(0)
    await one.publish(Change(2))
    assert await waiting == [Change(1), Change(2)]


async def test_a_listener_hears_nothing_from_before_it_listened(nodes: Nodes) -> None:
    one, other = nodes
    await one.publish(Change(1))
    changes = await other.subscribe()
    await one.publish(Change(2))
    assert await hear(changes) == [Change(2)]


async def test_changes_between_two_questions_are_kept(nodes: Nodes) -> None:
    one, other = nodes
    changes = await other.subscribe()
    for number in range(1, 4):
        await one.publish(Change(2 * number))
        await one.publish(Change(2 * number + 1))
        assert await hear(changes, 2) == [Change(2 * number), Change(2 * number + 1)]


async def test_nobody_has_to_listen(nodes: Nodes) -> None:
    await nodes[0].publish(Change(1))


async def test_the_end_is_the_end_of_every_listener_also_of_one_who_waits(nodes: Nodes) -> None:
    one, other = nodes
    waiting = asyncio.create_task(hear(await other.subscribe()))
    with_more = await other.subscribe()
    await one.publish(Change(1))
    await waiting
    waiting = asyncio.create_task(hear(await other.subscribe()))
    await asyncio.sleep(0)
    await other.aclose()
    for ended in (waiting, hear(with_more), hear(with_more)):
        with pytest.raises(BulletinUnavailable):
            await ended


async def test_closing_twice_is_closing_once_and_nothing_works_afterwards(nodes: Nodes) -> None:
    one, _ = nodes
    await one.publish(Change(1))
    await one.aclose()
    await one.aclose()
    with pytest.raises(BulletinUnavailable):
        await one.publish(Change(1))
    with pytest.raises(BulletinUnavailable):
        await one.subscribe()
