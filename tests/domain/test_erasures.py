"""How far each tier goes with the erasures: once, twice, and on from there after a restart."""

import asyncio
from functools import partial

import pytest
from sqlalchemy import delete, insert
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.erasing import (
    NEVER_S,
    PICTURE,
    Drawer,
    erase,
    following,
    label_of,
    lacks,
    settle,
    tiers_of,
)
from tests.domain.nodes import ORIGIN, PASSWORD, new_node, until

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.edge.memory import MemoryEdge
from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.sql.tables import erasures
from emoticon.domain.errors import WrongPassword
from emoticon.domain.models import Format, Grant

NEVER_MS = 2**60


@pytest.fixture
def store(engine: AsyncEngine) -> SqlErasureStore:
    return SqlErasureStore(engine)


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


async def filled(*drawers: Drawer, owners: tuple[int, ...] = (7, 8)) -> None:
    for drawer in drawers:
        for owner in owners:
            await drawer.put(label_of(owner), PICTURE)


# -- once ----------------------------------------------------------------------------------------


async def test_pictures_of_who_is_erased_go_from_every_tier_and_those_of_others_stay(
    store: SqlErasureStore, engine: AsyncEngine
) -> None:
    shared, disk = Drawer("shared"), Drawer("disk")
    tiers = tiers_of(shared, disk)
    async with following(store, tiers):
        await filled(shared, disk)
        for owner in (7, 8):
            await tiers.memory.put(label_of(owner), PICTURE)
        await erase(engine, 7)
        await until(lambda: len(shared.pictures) + len(disk.pictures) == 2)
        await until(lambda: lacks(tiers.memory, 7))
        assert await tiers.memory.get(label_of(8)) == PICTURE
        assert set(shared.pictures.values()) == set(disk.pictures.values()) == {8}


async def test_what_is_published_of_who_is_erased_is_withdrawn_and_that_of_others_stays(
    store: SqlErasureStore, engine: AsyncEngine
) -> None:
    edge = MemoryEdge(1 << 20, ManualClock())
    for owner in (7, 8):
        edge.publish(Grant(f"token {owner}", owner, "ann", 128, Format.PNG, 2**40), PICTURE)

    def published(owner: int) -> bool:
        return edge.find(f"token {owner}", "ann", 128, Format.PNG) is not None

    async with following(store, tiers_of(), withdraw=edge.withdraw):
        assert published(7)
        await erase(engine, 7)
        await until(lambda: not published(7))
        assert published(8)


async def test_news_are_acted_on_without_waiting_for_the_next_poll(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    news = asyncio.Event()
    async with following(store, tiers_of(drawer), news=news, poll_s=NEVER_S):
        for count, owner in enumerate((7, 8), 1):
            await erase(engine, owner)
            news.set()
            await until(partial(drawer.has_forgotten, count))
        assert drawer.forgotten == [(7,), (8,)]


async def test_an_account_that_is_deleted_is_news(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> None:
    news = asyncio.Event()
    node = new_node(engine, clock, bulletin, deleted=news.set)
    await node.revocation.start()
    pair = await node.accounts.sign_up("alice", PASSWORD, ORIGIN)
    identity = await node.of(pair.access.value)
    with pytest.raises(WrongPassword):
        await node.accounts.leave(identity, "another password", ORIGIN)
    assert not news.is_set()
    await node.accounts.leave(identity, PASSWORD, ORIGIN)
    assert news.is_set()
    await node.revocation.aclose()


async def test_many_erasures_are_done_in_pages_each_of_them_once(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    async with writing(engine) as connection:
        rows = [{"number": n, "owner": n, "at": NEVER_MS} for n in range(1, 1702)]
        await connection.execute(insert(erasures), rows)
    async with following(store, tiers_of(drawer)):
        await until(partial(drawer.has_forgotten, 4))
    assert [len(page) for page in drawer.forgotten] == [500, 500, 500, 201]
    assert [owner for page in drawer.forgotten for owner in page] == list(range(1, 1702))


async def test_memory_begins_with_what_comes_after_the_start(
    store: SqlErasureStore, engine: AsyncEngine
) -> None:
    await erase(engine, 7)
    tiers = tiers_of()
    await tiers.memory.put(label_of(7), PICTURE)
    async with following(store, tiers):
        await tiers.memory.put(label_of(8), PICTURE)
        await erase(engine, 8)
        await until(lambda: lacks(tiers.memory, 8))
        assert await tiers.memory.get(label_of(7)) == PICTURE


# -- twice ---------------------------------------------------------------------------------------


async def test_what_is_settled_is_done_once_more_and_then_marked(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    async with following(store, tiers_of(drawer)):
        await erase(engine, 7, 8)
        await until(partial(drawer.has_forgotten, 1))
        await settle(engine)
        await until(lambda: drawer.number == 2)
    assert [owner for page in drawer.forgotten for owner in page] == [7, 8, 7, 8]


async def test_nothing_is_marked_before_it_is_settled(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 7, 8)
    await settle(engine)
    await erase(engine, 9)
    async with following(store, tiers_of(drawer)):
        await until(lambda: drawer.number == 2)
        asked = drawer.tried
        await erase(engine, 10)
        await until(lambda: (10,) in drawer.forgotten)
        assert drawer.tried == asked + 1
        assert drawer.number == 2


async def test_many_settled_erasures_are_marked_page_by_page(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    async with writing(engine) as connection:
        rows = [{"number": n, "owner": n, "at": 1} for n in range(1, 702)]
        await connection.execute(insert(erasures), rows)
    async with following(store, tiers_of(drawer)):
        await until(lambda: drawer.number == 701)
    assert [len(page) for page in drawer.forgotten] == [500, 201] * 2


# -- after a restart -----------------------------------------------------------------------------


async def test_what_was_marked_is_not_done_again_after_a_restart(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 7, 8)
    await settle(engine)
    async with following(store, tiers_of(drawer)):
        await until(lambda: drawer.number == 2)
    drawer.forgotten.clear()
    await erase(engine, 9)
    async with following(store, tiers_of(drawer)):
        await until(partial(drawer.has_forgotten, 1))
    assert drawer.forgotten == [(9,)]


async def test_what_was_done_only_once_is_done_again_after_a_restart(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 7)
    for _ in range(2):
        drawer.forgotten.clear()
        async with following(store, tiers_of(drawer)):
            await until(partial(drawer.has_forgotten, 1))
        assert drawer.forgotten == [(7,)]


@pytest.mark.parametrize("number", [None, 0])
async def test_a_tier_without_a_mark_does_all_that_is_known_and_is_not_cleared(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer, number: int | None
) -> None:
    await erase(engine, 7, 8, 9)
    await settle(engine)
    assert await store.prune(NEVER_MS, 1) == 1
    await filled(drawer, owners=(6, 8))
    drawer.number = number
    async with following(store, tiers_of(drawer)):
        await until(lambda: drawer.number == 3)
    assert drawer.forgotten == [(8, 9)] * 2
    assert set(drawer.pictures.values()) == {6}


# -- what is not kept any more -------------------------------------------------------------------


async def test_a_tier_that_has_missed_more_than_is_kept_is_cleared_and_goes_on(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 5, 6, 7)
    await settle(engine)
    assert await store.prune(NEVER_MS, 2) == 2
    await erase(engine, 8)
    drawer.number = 1
    other = Drawer("disk", number=2)
    await filled(drawer, other)
    async with following(store, tiers_of(drawer, other)):
        await until(partial(drawer.has_forgotten, 1))
        await until(partial(other.has_forgotten, 1))
        assert (drawer.cleared, drawer.number) == (1, 3)
        assert not drawer.pictures
        assert drawer.forgotten == [(8,)]
        assert other.cleared == 0
        assert other.forgotten[0] == (7, 8)
        await settle(engine)
        await until(lambda: drawer.number == other.number == 4)
    assert drawer.cleared == 1


async def test_a_tier_that_was_shut_while_it_was_pruned_is_cleared_too(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    async with following(store, tiers_of(drawer)):
        await erase(engine, 5)
        await settle(engine)
        await until(lambda: drawer.number == 1)
        await filled(drawer)
        drawer.shut = True
        await erase(engine, 6, 7)
        await settle(engine)
        assert await store.prune(NEVER_MS, 100) == 2
        drawer.shut = False
        await until(lambda: drawer.number == 3)
        assert drawer.cleared == 1
        assert not drawer.pictures


async def test_a_tier_is_cleared_once_also_when_nothing_that_is_kept_is_settled(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 5, 6, 7)
    await settle(engine)
    await erase(engine, 8)
    assert await store.prune(NEVER_MS, 100) == 3
    drawer.number = 1
    async with following(store, tiers_of(drawer)):
        await until(partial(drawer.has_forgotten, 1))
        await settle(engine)
        await until(lambda: drawer.number == 4)
    assert drawer.cleared == 1
    assert drawer.forgotten == [(8,), (8,)]


async def test_the_first_erasure_of_all_clears_nothing(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    async with following(store, tiers_of(drawer)):
        await filled(drawer)
        await erase(engine, 7)
        await until(lambda: len(drawer.pictures) == 1)
    assert drawer.cleared == 0


# -- a database that was set back ----------------------------------------------------------------


async def test_a_mark_beyond_the_log_is_not_believed(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 7, 8)
    drawer.number = 3
    async with following(store, tiers_of(drawer)):
        await until(partial(drawer.has_forgotten, 1))
    assert drawer.forgotten == [(7, 8)]


async def test_numbers_that_are_given_again_are_done_again(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 7, 8)
    async with following(store, tiers_of(drawer)) as followed:
        await until(partial(drawer.has_forgotten, 1))
        async with writing(engine) as connection:
            await connection.execute(delete(erasures).where(erasures.c.number == 2))
        await until(lambda: drawer.forgotten == [(7, 8), (7,)])
        await erase(engine, 9)
        await until(lambda: (9,) in drawer.forgotten)
        await until(lambda: followed.pending() == {"memory": 0, "shared": 0})


# -- several nodes -------------------------------------------------------------------------------


async def test_each_node_acts_on_its_own_memory_and_on_the_tier_that_they_share(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    nodes = [tiers_of(drawer), tiers_of(drawer)]
    async with following(store, nodes[0]) as one, following(store, nodes[1]) as other:
        for tiers in nodes:
            await tiers.memory.put(label_of(7), PICTURE)
        await filled(drawer)
        await erase(engine, 7)
        await settle(engine)
        await until(lambda: drawer.number == 1 and one.pending() == other.pending())
        await until(partial(drawer.has_forgotten, 4))
        for tiers in nodes:
            await until(partial(lacks, tiers.memory, 7))
    assert set(drawer.pictures.values()) == {8}
