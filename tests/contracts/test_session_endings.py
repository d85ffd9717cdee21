"""How every SessionStore ends sessions."""

import asyncio

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_session
from tests.contracts.rows import (
    database_now,
    events,
    everything,
    marks_of,
    put,
    session_of,
    sessions_of,
)

from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.models import Account, Change, Event, Origin
from emoticon.domain.stores import SessionStore

ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")
FIRST = "a" * 32


@pytest.fixture
def store(engine: AsyncEngine) -> SessionStore:
    return SqlSessionStore(engine)


async def end(store: SessionStore, session_id: str, account_id: int | None) -> Change | None:
    return await store.end(session_id, account_id=account_id, event=Event.SIGN_OUT, origin=ORIGIN)


# -- one ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [True, False])
async def test_a_session_ends_for_its_account_or_for_whoever_has_its_token(
    store: SessionStore, engine: AsyncEngine, alice: Account, named: bool
) -> None:
    begun = await database_now(engine)
    before = (await session_of(engine, FIRST))._asdict()
    ended = await end(store, FIRST, alice.id if named else None)
    assert ended == Change(alice.id, session_id=FIRST)
    row = (await session_of(engine, FIRST))._asdict()
    assert begun <= row["ended_at"] <= await database_now(engine)
    assert row == before | {"ended_at": row["ended_at"], "end_reason": "sign_out"}


async def test_the_end_of_one_session_is_not_the_end_of_others(
    store: SessionStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    await store.start(alice.id, new_session(id="c" * 32), end_others=False, raise_floor=False)
    await end(store, FIRST, alice.id)
    assert await marks_of(engine, alice) == (2, 1, 0)
    assert (await session_of(engine, "c" * 32)).ended_at is None
    assert [row.ended_at for row in await sessions_of(engine, bob)] == [None]


@pytest.mark.usefixtures("alice")
async def test_nobody_ends_the_session_of_another(
    store: SessionStore, engine: AsyncEngine, bob: Account
) -> None:
    before = await everything(engine)
    for account_id in (bob.id, bob.id + 1, 0, -1, 2**63):
        assert await end(store, FIRST, account_id) is None
    assert await everything(engine) == before


async def test_a_session_that_is_not_there_does_not_end(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    before = await everything(engine)
    for session_id in ("", "f" * 32, FIRST.upper(), "%"):
        assert await end(store, session_id, alice.id) is None
        assert await end(store, session_id, None) is None
    assert await everything(engine) == before


async def test_a_session_ends_once(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    assert await end(store, FIRST, alice.id) is not None
    before = await everything(engine)
    assert await end(store, FIRST, alice.id) is None
    assert await everything(engine) == before


async def test_of_eight_ends_at_once_one_is_made(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    ends = await asyncio.gather(*(end(store, FIRST, None) for _ in range(8)))
    assert [it for it in ends if it is not None] == [Change(alice.id, session_id=FIRST)]
    assert await events(engine) == ["sign_out"]


async def test_the_session_of_a_deleted_account_does_not_end_again(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, accounts.c.id == alice.id, deleted_at=NOW_MS)
    assert await end(store, FIRST, None) is None


# -- all ----------------------------------------------------------------------------------------


async def test_all_open_sessions_end_and_the_floor_is_the_new_version(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await store.start(alice.id, new_session(), end_others=False, raise_floor=False)
    begun = await database_now(engine)
    assert await store.end_all(alice.id, ORIGIN) == Change(alice.id, floor=3)
    now = await database_now(engine)
    version, floor, floor_at = await marks_of(engine, alice)
    assert (version, floor) == (3, 3)
    assert begun <= floor_at <= now
    for row in await sessions_of(engine, alice):
        assert row.end_reason == "sign_out_everywhere"
        assert begun <= row.ended_at <= now


async def test_a_session_that_had_ended_keeps_when_and_why(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, sessions, ended_at=NOW_MS, end_reason="superseded")
    before = await sessions_of(engine, alice)
    assert await store.end_all(alice.id, ORIGIN) == Change(alice.id, floor=2)
    assert await sessions_of(engine, alice) == before


async def test_the_end_of_all_sessions_leaves_other_accounts_alone(
    store: SessionStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    before = await sessions_of(engine, bob)
    await store.end_all(alice.id, ORIGIN)
    assert await sessions_of(engine, bob) == before
    assert await marks_of(engine, bob) == (1, 1, 0)


async def test_there_is_nothing_to_end_of_nobody_and_of_the_deleted(
    store: SessionStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)
    before = await everything(engine)
    for account_id in (alice.id, alice.id + 1):
        assert await store.end_all(account_id, ORIGIN) is None
    assert await everything(engine) == before
