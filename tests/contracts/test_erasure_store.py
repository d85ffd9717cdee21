"""What every ErasureStore does, and the deletions that write into it."""

import asyncio
from contextlib import suppress

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import database_now, put, row_of, rows_of
from tests.servers import opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.erasures import SETTLED_MS, SqlErasureStore, write_erasure
from emoticon.adapters.sql.tables import erasures
from emoticon.domain.keeping import Erasure, ErasureLog
from emoticon.domain.models import Account, Origin
from emoticon.domain.stores import ErasureStore

LEEWAY_MS = 4_000
"""Longer than any test takes from one statement to the next."""
PATIENCE_MS = 5_000
"""How long a server lets a statement run, and a transaction wait for the next one."""


@pytest.fixture
def store(engine: AsyncEngine) -> ErasureStore:
    return SqlErasureStore(engine)


async def written(engine: AsyncEngine, number: int, at: int) -> None:
    """Say that an erasure was written at another time."""
    await put(engine, erasures, erasures.c.number == number, at=at)


async def undone(engine: AsyncEngine, owner: int) -> Erasure:
    """Write an erasure in a transaction that fails, and return it."""
    with suppress(RuntimeError):
        async with writing(engine) as connection:
            erasure = await write_erasure(connection, owner)
            raise RuntimeError
    return erasure


# -- which there are -----------------------------------------------------------------------------


async def test_without_an_erasure_the_log_is_all_0(store: ErasureStore) -> None:
    assert await store.log() == ErasureLog(oldest=0, newest=0, settled=0)
    assert await store.after(0, 10) == []


async def test_the_deletion_of_an_account_leaves_an_erasure(
    store: ErasureStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    begun = await database_now(engine)
    await SqlAccountStore(engine).delete(bob.id, Origin())
    await SqlAccountStore(engine).delete(alice.id, Origin())
    assert await store.after(0, 10) == [Erasure(1, bob.id), Erasure(2, alice.id)]
    for row in await rows_of(engine, erasures):
        assert begun <= row.at <= await database_now(engine)


async def test_who_has_gone_before_is_not_erased_once_more(
    store: ErasureStore, engine: AsyncEngine, alice: Account
) -> None:
    await asyncio.gather(*(SqlAccountStore(engine).delete(alice.id, Origin()) for _ in range(3)))
    assert await store.after(0, 10) == [Erasure(1, alice.id)]


async def test_an_account_that_is_only_disabled_keeps_its_pictures(
    store: ErasureStore, engine: AsyncEngine, alice: Account
) -> None:
    await SqlAccountStore(engine).disable(alice.id, Origin())
    assert (await store.log()).newest == 0


async def test_an_erasure_can_be_written_without_a_deletion(
    store: ErasureStore, engine: AsyncEngine, alice: Account
) -> None:
    before = await row_of(engine, alice)
    assert await store.add(alice.id) == Erasure(1, alice.id)
    assert await store.add(2**63 - 1) == Erasure(2, 2**63 - 1)
    assert await store.after(0, 10) == [Erasure(1, alice.id), Erasure(2, 2**63 - 1)]
    assert await row_of(engine, alice) == before


async def test_they_come_in_their_order_and_no_more_than_asked(store: ErasureStore) -> None:
    for owner in (9, 8, 7, 6):
        await store.add(owner)
    assert await store.after(1, 2) == [Erasure(2, 8), Erasure(3, 7)]
    assert await store.after(3, 2) == [Erasure(4, 6)]
    assert await store.after(4, 2) == []


# -- how far the log goes ------------------------------------------------------------------------


async def test_the_log_names_the_oldest_and_the_newest(store: ErasureStore) -> None:
    for owner in (9, 8, 7):
        await store.add(owner)
    log = await store.log()
    assert (log.oldest, log.newest) == (1, 3)


async def test_settled_are_those_of_more_than_a_minute_ago_by_the_clock_of_the_database(
    store: ErasureStore, engine: AsyncEngine
) -> None:
    for owner in (9, 8, 7):
        await store.add(owner)
    assert (await store.log()).settled == 0
    now = await database_now(engine)
    await written(engine, 1, now - 10 * SETTLED_MS)
    await written(engine, 2, now - SETTLED_MS)
    await written(engine, 3, now - SETTLED_MS + LEEWAY_MS)
    assert (await store.log()).settled == 2


async def test_of_those_written_in_the_same_millisecond_the_last_is_settled(
    store: ErasureStore, engine: AsyncEngine
) -> None:
    for owner in (9, 8, 7):
        await store.add(owner)
    await put(engine, erasures, at=NOW_MS - 1_000_000_000_000)
    assert (await store.log()).settled == 3


def test_what_took_as_long_as_it_may_to_be_committed_is_a_minute_old_when_it_is_settled() -> None:
    assert SETTLED_MS >= 60_000 + 2 * PATIENCE_MS


# -- what is forgotten ---------------------------------------------------------------------------


async def test_only_those_from_before_are_pruned(store: ErasureStore, engine: AsyncEngine) -> None:
    for owner, at in enumerate([NOW_MS - 2, NOW_MS - 1, NOW_MS, NOW_MS + 1], 1):
        erasure = await store.add(owner)
        await written(engine, erasure.number, at)
    assert await store.prune(NOW_MS, 100) == 2
    assert await store.after(0, 10) == [Erasure(3, 3), Erasure(4, 4)]
    assert (await store.log()).oldest == 3
    assert await store.prune(NOW_MS, 100) == 0


async def test_the_newest_is_never_pruned_so_that_no_number_is_given_twice(
    store: ErasureStore, engine: AsyncEngine
) -> None:
    for owner in (9, 8, 7):
        await store.add(owner)
    await put(engine, erasures, at=NOW_MS - 1)
    assert await store.prune(NOW_MS, 100) == 2
    assert await store.after(0, 10) == [Erasure(3, 7)]
    assert await store.prune(NOW_MS, 100) == 0
    assert await store.add(6) == Erasure(4, 6)


async def test_no_more_are_pruned_than_asked_and_the_oldest_first(
    store: ErasureStore, engine: AsyncEngine
) -> None:
    for owner in range(1, 7):
        await store.add(owner)
    await put(engine, erasures, at=NOW_MS - 1)
    assert await store.prune(NOW_MS, 2) == 2
    assert (await store.log()).oldest == 3
    assert [await store.prune(NOW_MS, 2) for _ in range(3)] == [2, 1, 0]


# -- several at once -----------------------------------------------------------------------------


async def test_nobody_sees_an_erasure_before_one_with_a_smaller_number(
    database: str, engine: AsyncEngine
) -> None:
    async with opened(database) as other, asyncio.timeout(30):
        store = SqlErasureStore(other)
        async with writing(engine) as connection:
            assert await write_erasure(connection, 9) == Erasure(1, 9)
            second = asyncio.create_task(store.add(8))
            # Long enough for a few commits; what does not wait for the first would be there.
            for _ in range(20):
                assert await store.after(0, 10) == []
            assert not second.done()
        assert await second == Erasure(2, 8)
        assert await store.after(0, 10) == [Erasure(1, 9), Erasure(2, 8)]


async def test_a_deletion_that_fails_leaves_no_erasure_and_no_gap(
    store: ErasureStore, engine: AsyncEngine
) -> None:
    await store.add(9)
    assert await undone(engine, 8) == Erasure(2, 8)
    assert await store.add(7) == Erasure(2, 7)
    assert await store.after(0, 10) == [Erasure(1, 9), Erasure(2, 7)]


async def test_whoever_reads_during_many_deletions_always_finds_all_up_to_the_newest(
    database: str, engine: AsyncEngine
) -> None:
    people = [
        await SqlAccountStore(engine).add(new_account(f"user{n}"), new_session(), free_before=0)
        for n in range(60)
    ]
    async with opened(database) as other, asyncio.timeout(60):
        stores = [SqlAccountStore(engine), SqlAccountStore(other)]

        async def delete(turn: int) -> None:
            for person in people[turn::8]:
                await stores[turn % 2].delete(person.id, Origin())

        async def fail() -> None:
            for _ in range(10):
                await undone(other, 1)

        seen: list[int] = []
        writers = asyncio.gather(*(delete(turn) for turn in range(8)), fail())
        while not writers.done() or len(seen) < len(people):
            page = await SqlErasureStore(engine).after(len(seen), 1000)
            seen += [erasure.number for erasure in page]
            assert seen == list(range(1, len(seen) + 1))
        await writers
    found = await SqlErasureStore(engine).after(0, 100)
    assert sorted(erasure.owner for erasure in found) == [person.id for person in people]
