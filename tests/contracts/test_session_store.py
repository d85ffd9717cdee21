"""What every SessionStore does; how it rotates and ends sessions is in files of their own."""

import asyncio
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import (
    database_now,
    events,
    everything,
    marks_of,
    put,
    rows_of,
    sessions_of,
)

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.sessions import SqlSessionStore, session_row
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.models import Account, Origin, Session
from emoticon.domain.stores import SessionStore

HOUR_MS = 3_600_000


@pytest.fixture
def store(engine: AsyncEngine) -> SessionStore:
    return SqlSessionStore(engine)


async def add_sessions(engine: AsyncEngine, account: Account, *changes: dict[str, Any]) -> None:
    usual = {"ended_at": None, "end_reason": None}
    rows = [session_row(account.id, new_session()) | usual | change for change in changes]
    async with writing(engine) as connection:
        await connection.execute(insert(sessions), rows)


# -- starting -----------------------------------------------------------------------------------


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
    begun = await database_now(engine)
    assert await store.start(alice.id, new_session(), end_others=False, raise_floor=True) == 2
    version, floor, floor_at = await marks_of(engine, alice)
    assert (version, floor) == (2, 2)
    assert begun <= floor_at <= await database_now(engine)


async def test_other_open_sessions_of_the_account_are_superseded(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    new = new_session(id="b" * 32)
    begun = await database_now(engine)
    await store.start(alice.id, new, end_others=True, raise_floor=False)
    old_row, new_row = await sessions_of(engine, alice)
    assert old_row.end_reason == "superseded"
    assert begun <= old_row.ended_at <= await database_now(engine)
    assert (new_row.id, new_row.ended_at, new_row.end_reason) == (new.id, None, None)


async def test_a_session_that_has_ended_before_keeps_its_reason(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, sessions, ended_at=NOW_MS, end_reason="signed_out")
    await store.start(alice.id, new_session(id="b" * 32), end_others=True, raise_floor=False)
    old_row, _ = await sessions_of(engine, alice)
    assert (old_row.ended_at, old_row.end_reason) == (NOW_MS, "signed_out")


async def test_other_sessions_stay_open_unless_they_are_to_end(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await store.start(alice.id, new_session(), end_others=False, raise_floor=True)
    assert [row.ended_at for row in await sessions_of(engine, alice)] == [None, None]


async def test_other_accounts_are_left_alone(
    store: SessionStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
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
    assert await rows_of(engine, sessions) == []


async def test_a_disabled_account_starts_no_session(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, disabled_at=NOW_MS)
    before = await everything(engine)
    assert await store.start(alice.id, new_session(), end_others=True, raise_floor=True) is None
    assert await everything(engine) == before


async def test_a_deleted_account_starts_no_session(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)
    assert await store.start(alice.id, new_session(), end_others=True, raise_floor=True) is None
    assert await marks_of(engine, alice) == (1, 1, 0)
    assert [row.ended_at for row in await sessions_of(engine, alice)] == [None]


async def test_a_start_that_fails_half_way_changes_nothing(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    with pytest.raises(IntegrityError):  # the id is in use
        await store.start(alice.id, new_session(id="a" * 32), end_others=True, raise_floor=True)
    assert await marks_of(engine, alice) == (1, 1, 0)
    assert [row.ended_at for row in await sessions_of(engine, alice)] == [None]
    assert await events(engine) == []


@settings(
    max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(starts=st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=6))
async def test_after_any_starts_the_floor_is_the_last_version_that_raised_it(
    store: SessionStore, engine: AsyncEngine, starts: list[tuple[bool, bool]]
) -> None:
    first = new_session()
    account = await SqlAccountStore(engine).add(new_account(first.id), first, free_before=0)
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


# -- looking ------------------------------------------------------------------------------------


async def test_an_open_session_is_shown_as_it_was_started(
    store: SessionStore, alice: Account
) -> None:
    assert await store.open_of(alice.id, now_ms=NOW_MS, idle_ms=HOUR_MS) == [
        Session("a" * 32, NOW_MS, NOW_MS, NOW_MS + 86_400_000, "Mozilla/5.0", "192.0.2.1")
    ]


async def test_the_session_used_last_comes_first(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    used = {"d" * 32: 3, "b" * 32: 1, "c" * 32: 1, "e" * 32: 2}
    changes = [{"id": name, "last_used_at": NOW_MS + later} for name, later in used.items()]
    await add_sessions(engine, alice, *changes)
    shown = await store.open_of(alice.id, now_ms=NOW_MS, idle_ms=HOUR_MS)
    assert [session.id[0] for session in shown] == ["d", "e", "b", "c", "a"]
    assert [session.last_used_at - NOW_MS for session in shown] == [3, 2, 1, 1, 0]


async def test_a_rotation_is_a_use(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await add_sessions(engine, alice, {"id": "b" * 32, "last_used_at": NOW_MS + 1})
    await store.rotate(
        "a" * 32,
        0,
        now_ms=NOW_MS + 2,
        grace_ms=0,
        idle_ms=HOUR_MS,
        raise_floor=False,
        origin=Origin(),
    )
    shown = await store.open_of(alice.id, now_ms=NOW_MS + 2, idle_ms=HOUR_MS)
    assert [session.id[0] for session in shown] == ["a", "b"]


async def test_of_more_than_a_hundred_sessions_the_last_hundred_are_shown(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await add_sessions(engine, alice, *({"last_used_at": NOW_MS + n} for n in range(1, 121)))
    shown = await store.open_of(alice.id, now_ms=NOW_MS, idle_ms=HOUR_MS)
    assert [session.last_used_at - NOW_MS for session in shown] == list(range(120, 20, -1))


async def test_a_session_that_cannot_be_used_any_more_is_not_shown(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    now_ms = NOW_MS + 2 * HOUR_MS
    await put(engine, sessions, last_used_at=now_ms - HOUR_MS)  # idle for exactly too long
    await add_sessions(
        engine,
        alice,
        {"id": "b" * 32, "last_used_at": now_ms - HOUR_MS + 1},
        {"id": "c" * 32, "last_used_at": now_ms, "expires_at": now_ms},
        {"id": "d" * 32, "last_used_at": now_ms, "expires_at": now_ms + 1},
        {"id": "e" * 32, "last_used_at": now_ms, "ended_at": now_ms, "end_reason": "sign_out"},
    )
    shown = await store.open_of(alice.id, now_ms=now_ms, idle_ms=HOUR_MS)
    assert [session.id[0] for session in shown] == ["d", "b"]


async def test_nobody_sees_the_sessions_of_others(
    store: SessionStore, alice: Account, bob: Account
) -> None:
    for account, letter in ((alice, "a"), (bob, "b")):
        [shown] = await store.open_of(account.id, now_ms=NOW_MS, idle_ms=HOUR_MS)
        assert shown.id == letter * 32
    assert await store.open_of(bob.id + 1, now_ms=NOW_MS, idle_ms=HOUR_MS) == []


# -- forgetting ---------------------------------------------------------------------------------


async def test_only_sessions_that_were_over_before_are_pruned(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    later = NOW_MS + 86_400_000
    await add_sessions(
        engine,
        alice,
        {"id": "b" * 32, "ended_at": NOW_MS - 1, "end_reason": "sign_out", "expires_at": later},
        {"id": "c" * 32, "ended_at": NOW_MS, "end_reason": "sign_out", "expires_at": later},
        {"id": "d" * 32, "expires_at": NOW_MS - 1},
        {"id": "e" * 32, "expires_at": NOW_MS},
        {"id": "f" * 32, "ended_at": NOW_MS, "end_reason": "expired", "expires_at": NOW_MS - 1},
    )
    assert await store.prune(NOW_MS, 100) == 3
    assert [row.id[0] for row in await sessions_of(engine, alice)] == ["a", "c", "e"]
    assert await store.prune(NOW_MS, 100) == 0


async def test_no_more_sessions_are_pruned_than_asked(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await add_sessions(engine, alice, *({"expires_at": NOW_MS - 1} for _ in range(5)))
    assert [await store.prune(NOW_MS, 2) for _ in range(4)] == [2, 2, 1, 0]
    assert [row.id[0] for row in await sessions_of(engine, alice)] == ["a"]
