"""What every AuditStore does; what other stores write beside their changes is in test_store_transactions.py."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS
from tests.contracts.rows import database_now, put, rows_of

from emoticon.adapters.sql.audit import SqlAuditStore
from emoticon.adapters.sql.tables import audit
from emoticon.domain.models import AuditEntry, Event, Origin
from emoticon.domain.stores import AuditStore

ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")


@pytest.fixture
def store(engine: AsyncEngine) -> AuditStore:
    return SqlAuditStore(engine)


@pytest.mark.parametrize("event", Event)
async def test_every_event_comes_back_with_when_and_from_where(
    store: AuditStore, engine: AsyncEngine, event: Event
) -> None:
    begun = await database_now(engine)
    await store.add(event, 7, ORIGIN)
    [entry] = await store.of_account(7, 10)
    assert entry == AuditEntry(entry.at, event, 7, ORIGIN)
    assert begun <= entry.at <= await database_now(engine)


async def test_the_newest_row_comes_first_and_no_more_come_than_asked(store: AuditStore) -> None:
    for number in range(5):
        await store.add(Event.SIGN_IN_FAILED, 7, Origin(request_id=str(number)))
    newest = await store.of_account(7, 3)
    assert [entry.origin.request_id for entry in newest] == ["4", "3", "2"]


async def test_rows_of_others_are_not_among_them(store: AuditStore) -> None:
    for account_id in (7, 8, None):
        await store.add(Event.SIGN_IN_FAILED, account_id, ORIGIN)
    assert [entry.account_id for entry in await store.of_account(7, 10)] == [7]
    assert await store.of_account(9, 10) == []


async def test_what_was_tried_on_nobody_is_written_too(
    store: AuditStore, engine: AsyncEngine
) -> None:
    await store.add(Event.SIGN_IN_FAILED, None, ORIGIN)
    [row] = await rows_of(engine, audit)
    assert (row.event, row.account_id, row.address) == ("sign_in_failed", None, "192.0.2.7")


async def test_an_origin_that_no_database_takes_is_kept_as_far_as_it_can_be(
    store: AuditStore,
) -> None:
    await store.add(Event.SIGN_IN, 7, Origin("a\0b\ud800c\u00e9", "::1\0", "\udfff"))
    [entry] = await store.of_account(7, 10)
    assert entry.origin == Origin("a?b?c\u00e9", "::1?", "?")


async def test_only_rows_from_before_are_pruned(store: AuditStore, engine: AsyncEngine) -> None:
    for number, at in enumerate([NOW_MS - 1, NOW_MS, NOW_MS + 1]):
        await store.add(Event.SIGN_IN, number, ORIGIN)
        await put(engine, audit, audit.c.account_id == number, at=at)
    assert await store.prune(NOW_MS, 100) == 1
    assert [row.account_id for row in await rows_of(engine, audit)] == [1, 2]
    assert await store.prune(NOW_MS, 100) == 0


async def test_no_more_rows_are_pruned_than_asked(store: AuditStore, engine: AsyncEngine) -> None:
    for _ in range(5):
        await store.add(Event.SIGN_IN, 7, ORIGIN)
    await put(engine, audit, at=NOW_MS - 1)
    assert [await store.prune(NOW_MS, 2) for _ in range(4)] == [2, 2, 1, 0]
