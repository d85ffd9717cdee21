"""What every FloorStore does."""

from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.contracts.rows import database_now, put
from tests.contracts.writes import WRITES, Write, change_of
from tests.servers import opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.changes import OVERLAP_MS, SqlFloorStore
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.models import Account, Change, Origin
from emoticon.domain.stores import FloorStore

AGE_MS = 600_000
TEN_YEARS_MS = 315_576_000_000
LEEWAY_MS = 4_000
"""Longer than any test takes from one statement to the next."""


Ago = Callable[[AsyncEngine, Account, int], Awaitable[None]]


@pytest.fixture
def store(engine: AsyncEngine) -> FloorStore:
    return SqlFloorStore(engine)


async def raised_ago(engine: AsyncEngine, account: Account, age_ms: int) -> None:
    now = await database_now(engine)
    await put(engine, accounts, accounts.c.id == account.id, floor_at=now - age_ms)


async def ended_ago(engine: AsyncEngine, account: Account, age_ms: int) -> None:
    now = await database_now(engine)
    ended = {"ended_at": now - age_ms, "end_reason": "sign_out"}
    await put(engine, sessions, sessions.c.account_id == account.id, **ended)


@pytest.mark.usefixtures("alice", "bob")
async def test_a_new_account_is_no_change(store: FloorStore) -> None:
    assert await store.recent(TEN_YEARS_MS) == []


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.name)
async def test_what_a_write_has_changed_is_found_on_every_node_when_it_has_returned(
    database: str, engine: AsyncEngine, alice: Account, write: Write
) -> None:
    change = change_of(alice, await write.run(engine, alice))
    async with opened(database) as other:
        found = await SqlFloorStore(other).recent(0)
    if change is None:
        assert found == []
    else:
        assert change in found


async def test_floors_and_ends_of_several_accounts_come_together(
    store: FloorStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    await raised_ago(engine, alice, 1_000)
    await ended_ago(engine, alice, 2_000)
    await ended_ago(engine, bob, 3_000)
    found = await store.recent(AGE_MS)
    assert sorted(found, key=lambda change: (change.account_id, change.floor)) == [
        Change(alice.id, session_id="a" * 32),
        Change(alice.id, floor=1),
        Change(bob.id, session_id="b" * 32),
    ]


async def test_the_floor_of_a_deleted_account_is_found(
    store: FloorStore, engine: AsyncEngine, alice: Account
) -> None:
    await SqlAccountStore(engine).delete(alice.id, Origin())
    assert Change(alice.id, floor=2) in await store.recent(0)


@pytest.mark.parametrize("ago", [raised_ago, ended_ago], ids=["floor", "end"])
@pytest.mark.parametrize("age_ms", [0, 1_000, AGE_MS])
async def test_what_is_older_than_asked_comes_only_as_far_as_the_looks_overlap(
    store: FloorStore, engine: AsyncEngine, alice: Account, ago: Ago, age_ms: int
) -> None:
    await ago(engine, alice, age_ms + OVERLAP_MS)
    assert await store.recent(age_ms) == []
    await ago(engine, alice, age_ms + OVERLAP_MS - LEEWAY_MS)
    assert len(await store.recent(age_ms)) == 1
