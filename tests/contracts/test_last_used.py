"""Whose emoticons are worth drawing ahead: the accounts that an AccountStore finds by their last use."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import put

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import sessions
from emoticon.domain.models import Account, Event, Origin
from emoticon.domain.stores import AccountStore


@pytest.fixture
def store(engine: AsyncEngine) -> AccountStore:
    return SqlAccountStore(engine)


async def used(engine: AsyncEngine, name: str, *last_used_ms: int) -> Account:
    """Make an account that has a session for each of the times."""
    store, begins = SqlAccountStore(engine), SqlSessionStore(engine)
    first = new_session()
    account = await store.add(new_account(name), first, free_before=0)
    for time_ms in last_used_ms:
        session = new_session()
        await begins.start(account.id, session, end_others=False, raise_floor=False)
        await put(engine, sessions, sessions.c.id == session.id, last_used_at=time_ms)
    await begins.end(first.id, account_id=account.id, event=Event.SIGN_OUT, origin=Origin())
    return account


async def names(store: AccountStore, count: int = 10) -> list[str]:
    return [account.username for account in await store.last_used(count)]


async def test_whoever_used_any_open_session_last_comes_first(
    store: AccountStore, engine: AsyncEngine
) -> None:
    await used(engine, "ann", NOW_MS + 1, NOW_MS + 9)
    await used(engine, "bob", NOW_MS + 5)
    await used(engine, "eve", NOW_MS + 7, NOW_MS + 6)
    assert await names(store) == ["ann", "eve", "bob"]


async def test_no_more_than_the_count_are_returned(
    store: AccountStore, engine: AsyncEngine
) -> None:
    for number, name in enumerate(("ann", "bob", "eve")):
        await used(engine, name, NOW_MS + number)
    assert await names(store, 2) == ["eve", "bob"]


async def test_of_equals_the_older_account_comes_first(
    store: AccountStore, engine: AsyncEngine
) -> None:
    for name in ("eve", "ann"):
        await used(engine, name, NOW_MS)
    assert await names(store) == ["eve", "ann"]


async def test_an_account_without_an_open_session_is_left_out(
    store: AccountStore, engine: AsyncEngine
) -> None:
    await used(engine, "ann")
    assert await names(store) == []


async def test_disabled_and_deleted_accounts_are_left_out_whatever_their_sessions_say(
    store: AccountStore, engine: AsyncEngine
) -> None:
    shut = await used(engine, "ann", NOW_MS)
    gone = await used(engine, "bob", NOW_MS)
    await store.disable(shut.id, Origin())
    await store.delete(gone.id, Origin())
    await put(engine, sessions, ended_at=None, end_reason=None)
    assert await names(store) == []


async def test_what_is_returned_is_the_account_as_it_is_found_by_id(
    store: AccountStore, engine: AsyncEngine
) -> None:
    ann = await used(engine, "ann", NOW_MS)
    assert list(await store.last_used(1)) == [await store.by_id(ann.id)]
