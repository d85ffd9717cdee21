"""What every SessionStore does."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Row, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, ManualClock, new_account, new_session

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.models import Account, Origin
from emoticon.domain.ports import SessionStore

LATER_MS = NOW_MS + 5_000


@pytest.fixture
def store(engine: AsyncEngine) -> SessionStore:
    return SqlSessionStore(engine, ManualClock(LATER_MS))


@pytest.fixture
async def alice(engine: AsyncEngine) -> Account:
    return await SqlAccountStore(engine).add(new_account("alice"), new_session(id="a" * 32))


async def sessions_of(engine: AsyncEngine, account: Account) -> Sequence[Row[Any]]:
    async with reading(engine) as connection:
        found = await connection.execute(
            select(sessions).where(sessions.c.account_id == account.id).order_by(sessions.c.id)
        )
        return found.all()


async def marks_of(engine: AsyncEngine, account: Account) -> tuple[int, int, int]:
    async with reading(engine) as connection:
        found = await connection.execute(
            select(accounts.c.version, accounts.c.floor, accounts.c.floor_at).where(
                accounts.c.id == account.id
            )
        )
        version, floor, floor_at = found.one()
    return version, floor, floor_at


async def test_each_start_raises_the_version_by_one(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    for version in (2, 3):
        started = await store.start(alice.id, new_session(), end_others=False, raise_floor=False)
        assert started == version
    assert await marks_of(engine, alice) == (3, 1, 0)


async def test_a_raised_floor_is_the_new_version_and_says_when(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    assert await store.start(alice.id, new_session(), end_others=False, raise_floor=True) == 2
    assert await marks_of(engine, alice) == (2, 2, LATER_MS)


async def test_other_open_sessions_of_the_account_are_superseded(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    new = new_session(id="b" * 32)
    await store.start(alice.id, new, end_others=True, raise_floor=False)
    old_row, new_row = await sessions_of(engine, alice)
    assert (old_row.ended_at, old_row.end_reason) == (LATER_MS, "superseded")
    assert (new_row.id, new_row.ended_at, new_row.end_reason) == (new.id, None, None)


async def test_a_session_that_has_ended_before_keeps_its_reason(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    async with writing(engine) as connection:
        await connection.execute(update(sessions).values(ended_at=NOW_MS, end_reason="signed_out"))
    await store.start(alice.id, new_session(id="b" * 32), end_others=True, raise_floor=False)
    old_row, _ = await sessions_of(engine, alice)
    assert (old_row.ended_at, old_row.end_reason) == (NOW_MS, "signed_out")


async def test_other_sessions_stay_open_unless_they_are_to_end(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await store.start(alice.id, new_session(), end_others=False, raise_floor=True)
    assert [row.ended_at for row in await sessions_of(engine, alice)] == [None, None]


async def test_other_accounts_are_left_alone(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    bob = await SqlAccountStore(engine).add(new_account("bob"), new_session())
    await store.start(alice.id, new_session(), end_others=True, raise_floor=True)
    assert await marks_of(engine, bob) == (1, 1, 0)
    assert [row.ended_at for row in await sessions_of(engine, bob)] == [None]


async def test_a_started_session_is_written_as_it_was_given(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    origin = Origin(user_agent="curl\0", address="2001:db8::1")
    session = new_session(id="b" * 32, origin=origin)
    await store.start(alice.id, session, end_others=False, raise_floor=False)
    _, row = await sessions_of(engine, alice)
    assert row._asdict() == {
        "id": session.id,
        "account_id": alice.id,
        "refresh_counter": 0,
        "rotated_at": None,
        "created_at": session.created_at,
        "last_used_at": session.created_at,
        "expires_at": session.expires_at,
        "ended_at": None,
        "end_reason": None,
        "user_agent": "curl?",
        "address": "2001:db8::1",
    }


async def test_twenty_starts_at_once_leave_one_valid_version_and_one_open_session(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    versions = await asyncio.gather(
        *(
            store.start(alice.id, new_session(), end_others=True, raise_floor=True)
            for _ in range(20)
        )
    )
    assert sorted(version or 0 for version in versions) == list(range(2, 22))
    _, floor, _ = await marks_of(engine, alice)
    assert [version for version in versions if version and version >= floor] == [21]
    rows = await sessions_of(engine, alice)
    assert len(rows) == 21
    assert len([row for row in rows if row.ended_at is None]) == 1


async def test_nobody_starts_a_session(store: SessionStore, engine: AsyncEngine) -> None:
    assert await store.start(1, new_session(), end_others=True, raise_floor=True) is None
    async with reading(engine) as connection:
        assert (await connection.execute(select(sessions))).all() == []


async def test_a_deleted_account_starts_no_session(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    async with writing(engine) as connection:
        await connection.execute(update(accounts).values(deleted_at=NOW_MS))
    assert await store.start(alice.id, new_session(), end_others=True, raise_floor=True) is None
    assert await marks_of(engine, alice) == (1, 1, 0)
    assert [row.ended_at for row in await sessions_of(engine, alice)] == [None]


async def test_a_start_that_fails_half_way_changes_nothing(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    with pytest.raises(
        IntegrityError
    ):  # the id is in use: the last statement of the transaction fails
        await store.start(alice.id, new_session(id="a" * 32), end_others=True, raise_floor=True)
    assert await marks_of(engine, alice) == (1, 1, 0)
    assert [row.ended_at for row in await sessions_of(engine, alice)] == [None]


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(starts=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6))
async def test_after_any_starts_the_floor_is_the_last_version_that_raised_it(
    store: SessionStore, engine: AsyncEngine, starts: list[tuple[bool, bool]]
) -> None:
    first = new_session()
    account = await SqlAccountStore(engine).add(new_account(first.id), first)
    floor = version = opened = 1
    for end_others, raise_floor in starts:
        version += 1
        floor = version if raise_floor else floor
        opened = 1 if end_others else opened + 1
        assert version == await store.start(
            account.id, new_session(), end_others=end_others, raise_floor=raise_floor
        )
    assert (await marks_of(engine, account))[:2] == (version, floor)
    rows = await sessions_of(engine, account)
    assert len([row for row in rows if row.ended_at is None]) == opened
