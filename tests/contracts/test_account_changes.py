"""How every AccountStore changes passwords, disables, enables and deletes."""

import asyncio

import pytest
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import (
    database_now,
    events,
    everything,
    marks_of,
    put,
    row_of,
    session_of,
    sessions_of,
)

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.errors import UsernameTaken
from emoticon.domain.models import Account, Change, NewSession, Origin
from emoticon.domain.stores import AccountStore

ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")


@pytest.fixture
def store(engine: AsyncEngine) -> AccountStore:
    return SqlAccountStore(engine)


async def change(
    store: AccountStore,
    account: Account,
    *,
    old: str | None = "old",
    new: str = "new",
    session: NewSession | None = None,
) -> Change | None:
    return await store.change_password(account.id, old=old, new=new, session=session, origin=ORIGIN)


async def assert_all_ended(engine: AsyncEngine, account: Account, reason: str, begun: int) -> None:
    """The version is the second, the floor is it, and every session has ended since `begun`."""
    now = await database_now(engine)
    version, floor, floor_at = await marks_of(engine, account)
    assert (version, floor) == (2, 2)
    assert begun <= floor_at <= now
    for row in await sessions_of(engine, account):
        assert row.end_reason == reason
        assert begun <= row.ended_at <= now


async def assert_untouched(engine: AsyncEngine, account: Account) -> None:
    assert await marks_of(engine, account) == (1, 1, 0)
    assert [row.ended_at for row in await sessions_of(engine, account)] == [None]


# -- a new password -----------------------------------------------------------------------------


async def test_a_new_password_ends_all_sessions(
    store: AccountStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    begun = await database_now(engine)
    assert await change(store, alice) == Change(alice.id, floor=2)
    assert (await row_of(engine, alice)).password_hash == "new"
    await assert_all_ended(engine, alice, "password", begun)
    await assert_untouched(engine, bob)


async def test_the_session_that_is_given_is_the_only_open_one(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    session = new_session(id="c" * 32)
    assert await change(store, alice, session=session) == Change(alice.id, floor=2)
    rows = await sessions_of(engine, alice)
    assert [row.id for row in rows if row.ended_at is None] == [session.id]
    row = await session_of(engine, session.id)
    assert (row.refresh_counter, row.created_at, row.expires_at) == (0, NOW_MS, session.expires_at)


async def test_a_password_that_has_changed_meanwhile_changes_nothing(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    before = await everything(engine)
    assert await change(store, alice, old="another", session=new_session()) is None
    assert await change(store, alice, old="") is None
    assert await everything(engine) == before


async def test_whoever_does_not_name_the_old_hash_changes_it_whatever_it_is(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    assert await change(store, alice, old=None) == Change(alice.id, floor=2)
    assert (await row_of(engine, alice)).password_hash == "new"


async def test_of_eight_new_passwords_at_once_one_is_taken(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    sent = [change(store, alice, new=f"new {n}", session=new_session()) for n in range(8)]
    changes = await asyncio.gather(*sent)
    assert [it for it in changes if it is not None] == [Change(alice.id, floor=2)]
    rows = await sessions_of(engine, alice)
    assert sorted(row.ended_at is None for row in rows) == [False, True]


async def test_a_new_password_whose_session_cannot_be_written_is_not_taken(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    before = await everything(engine)
    with pytest.raises(IntegrityError):
        await change(store, alice, session=new_session(id="a" * 32))
    assert await everything(engine) == before


async def test_a_disabled_account_gets_a_new_password_but_no_session_with_it(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, disabled_at=NOW_MS)
    before = await everything(engine)
    assert await change(store, alice, session=new_session()) is None
    assert await everything(engine) == before
    assert await change(store, alice) == Change(alice.id, floor=2)


# -- shut and open ------------------------------------------------------------------------------


async def test_a_disabled_account_says_since_when_and_its_sessions_have_ended(
    store: AccountStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    begun = await database_now(engine)
    assert await store.disable(alice.id, ORIGIN) == Change(alice.id, floor=2)
    found = await store.by_id(alice.id)
    assert found is not None
    assert found.disabled_at is not None
    assert begun <= found.disabled_at <= await database_now(engine)
    assert await store.by_username_key("alice") == found
    await assert_all_ended(engine, alice, "disabled", begun)
    await assert_untouched(engine, bob)


async def test_an_account_may_be_disabled_twice_and_is_open_again_when_enabled_once(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    for floor in (2, 3):
        assert await store.disable(alice.id, ORIGIN) == Change(alice.id, floor=floor)
        found = await store.by_id(alice.id)
        assert found is not None
        assert found.disabled_at is not None
    for _ in range(2):
        assert await store.enable(alice.id, ORIGIN)
        found = await store.by_id(alice.id)
        assert found is not None
        assert (found.disabled_at, found.version, found.floor) == (None, 3, 3)
    assert await events(engine) == ["disabled", "disabled", "enabled", "enabled"]


async def test_whoever_was_disabled_signs_in_again_only_when_enabled(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    sessions_store = SqlSessionStore(engine)
    await store.disable(alice.id, ORIGIN)
    for is_open in (False, True):
        started = await sessions_store.start(
            alice.id, new_session(), end_others=True, raise_floor=True
        )
        assert started == (3 if is_open else None)
        await store.enable(alice.id, ORIGIN)
    assert [row.ended_at is None for row in await sessions_of(engine, alice)].count(True) == 1


# -- gone ---------------------------------------------------------------------------------------


async def test_a_deleted_account_is_not_found_and_its_sessions_have_ended(
    store: AccountStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    begun = await database_now(engine)
    assert await store.delete(alice.id, ORIGIN) == Change(alice.id, floor=2)
    assert await store.by_id(alice.id) is None
    assert await store.by_username_key("alice") is None
    assert begun <= (await row_of(engine, alice)).deleted_at <= await database_now(engine)
    await assert_all_ended(engine, alice, "deletion", begun)
    await assert_untouched(engine, bob)


async def test_only_the_name_of_a_deleted_account_stays(
    store: AccountStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    await put(engine, sessions, sessions.c.account_id == alice.id, ended_at=1, end_reason="expired")
    await store.delete(alice.id, ORIGIN)
    row = await row_of(engine, alice)
    assert (row.username, row.username_key) == ("alice", "alice")
    assert (row.password_hash, row.look) == ("", "{}")
    assert [(it.user_agent, it.address) for it in await sessions_of(engine, alice)] == [("", "")]
    assert [it.user_agent for it in await sessions_of(engine, bob)] == ["Mozilla/5.0"]
    assert await store.by_id(bob.id) == bob


async def test_the_name_of_a_deleted_account_is_held_back(
    store: AccountStore, alice: Account
) -> None:
    await store.delete(alice.id, ORIGIN)
    with pytest.raises(UsernameTaken):
        await store.add(new_account("alice"), new_session(), free_before=0)


async def test_of_eight_deletions_at_once_one_is_made(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    changes = await asyncio.gather(*(store.delete(alice.id, ORIGIN) for _ in range(8)))
    assert [it for it in changes if it is not None] == [Change(alice.id, floor=2)]
    assert await events(engine) == ["deletion"]


# -- nobody -------------------------------------------------------------------------------------


async def test_nothing_is_done_to_whom_there_is_not(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)
    before = await everything(engine)
    for account_id in (alice.id, alice.id + 1):
        for old in ("old", None):
            assert (
                await store.change_password(
                    account_id, old=old, new="new", session=new_session(), origin=ORIGIN
                )
                is None
            )
        assert await store.disable(account_id, ORIGIN) is None
        assert not await store.enable(account_id, ORIGIN)
        assert await store.delete(account_id, ORIGIN) is None
        assert not await store.replace_password_hash(account_id, old="old", new="new")
    assert await everything(engine) == before
