"""What every AccountStore does; how it changes and ends accounts is in a file of its own."""

import asyncio
import dataclasses

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import everything, put, row_of, rows_of, sessions_of

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.errors import UsernameTaken
from emoticon.domain.models import Account, Look, Origin
from emoticon.domain.stores import AccountStore


@pytest.fixture
def store(engine: AsyncEngine) -> AccountStore:
    return SqlAccountStore(engine)


async def test_a_new_account_has_version_one_floor_one_and_what_was_given(
    store: AccountStore,
) -> None:
    given_account = new_account("Alice", username_key="alice", visibility="public")
    added = await store.add(given_account, new_session(), free_before=0)
    assert added == Account(
        id=added.id,
        username="Alice",
        username_key="alice",
        password_hash=given_account.password_hash,
        look=given_account.look,
        visibility="public",
        version=1,
        floor=1,
        created_at=NOW_MS,
    )
    assert added.id > 0


async def test_an_added_account_is_found_by_id_and_by_folded_name(store: AccountStore) -> None:
    added = await store.add(
        new_account("Alice", username_key="alice"), new_session(), free_before=0
    )
    assert await store.by_id(added.id) == added
    assert await store.by_username_key("alice") == added


async def test_the_first_session_is_written_with_the_account(
    store: AccountStore, engine: AsyncEngine
) -> None:
    session = new_session()
    added = await store.add(new_account(), session, free_before=0)
    async with reading(engine) as connection:
        row = (await connection.execute(select(sessions))).one()
    assert row._asdict() == {
        "id": session.id,
        "account_id": added.id,
        "refresh_counter": 0,
        "rotated_at": None,
        "created_at": NOW_MS,
        "last_used_at": NOW_MS,
        "expires_at": session.expires_at,
        "ended_at": None,
        "end_reason": None,
        "user_agent": "Mozilla/5.0",
        "address": "192.0.2.1",
    }


async def test_the_floor_of_a_new_account_counts_as_never_raised(
    store: AccountStore, engine: AsyncEngine
) -> None:
    await store.add(new_account(), new_session(), free_before=0)
    async with reading(engine) as connection:
        assert await connection.scalar(select(accounts.c.floor_at)) == 0


async def test_an_unknown_id_of_any_size_is_none(store: AccountStore) -> None:
    for account_id in (1, 2**31, 2**32, 2**63 - 1, 2**63, 10**40):
        assert await store.by_id(account_id) is None


async def test_only_the_exact_key_finds_the_account(store: AccountStore) -> None:
    await store.add(new_account("alice"), new_session(), free_before=0)
    others = ["", "Alice", "alice ", " alice", "alic", "a%", "a_ice", "alíce", "ali\u0301ce"]
    for key in [*others, "x" * 3000]:
        assert await store.by_username_key(key) is None


async def test_keys_that_differ_only_in_normal_form_are_two(store: AccountStore) -> None:
    composed = await store.add(new_account("\u00e9"), new_session(), free_before=0)
    decomposed = await store.add(new_account("e\u0301"), new_session(), free_before=0)
    assert await store.by_username_key("\u00e9") == composed
    assert await store.by_username_key("e\u0301") == decomposed


async def test_text_that_no_database_takes_is_nobodys_name(store: AccountStore) -> None:
    for key in ("\0", "ali\0ce", "\ud800", "alice\udfff"):
        assert await store.by_username_key(key) is None


async def test_a_taken_key_is_refused_and_leaves_no_session(
    store: AccountStore, engine: AsyncEngine
) -> None:
    await store.add(new_account("Alice", username_key="alice"), new_session(), free_before=0)
    with pytest.raises(UsernameTaken):
        await store.add(new_account("ALICE", username_key="alice"), new_session(), free_before=0)
    async with reading(engine) as connection:
        assert len((await connection.execute(select(sessions.c.id))).all()) == 1


async def test_of_twenty_twins_sent_at_once_exactly_one_is_added(store: AccountStore) -> None:
    results = await asyncio.gather(
        *(store.add(new_account(), new_session(), free_before=0) for _ in range(20)),
        return_exceptions=True,
    )
    added = [result for result in results if isinstance(result, Account)]
    assert len(added) == 1
    assert [type(result) for result in results if result not in added] == [UsernameTaken] * 19
    assert await store.by_username_key("alice") == added[0]


async def test_an_account_whose_session_cannot_be_written_is_not_there(
    store: AccountStore,
) -> None:
    session = new_session()
    await store.add(new_account("alice"), session, free_before=0)
    with pytest.raises(IntegrityError):
        await store.add(new_account("bob"), session, free_before=0)
    assert await store.by_username_key("bob") is None


async def test_what_breaks_a_rule_of_the_table_is_no_taken_name(store: AccountStore) -> None:
    with pytest.raises(IntegrityError):
        await store.add(new_account(visibility="sideways"), new_session(), free_before=0)


async def test_an_id_is_never_given_twice(store: AccountStore, engine: AsyncEngine) -> None:
    first = await store.add(new_account("alice"), new_session(), free_before=0)
    async with writing(engine) as connection:
        await connection.execute(accounts.delete())
    second = await store.add(new_account("alice"), new_session(), free_before=0)
    assert second.id > first.id


async def test_a_user_agent_that_no_database_takes_is_kept_as_far_as_it_can_be(
    store: AccountStore, engine: AsyncEngine
) -> None:
    origin = Origin(user_agent="a\0b\ud800c\u00e9", address="::1\0")
    await store.add(new_account(), new_session(origin=origin), free_before=0)
    async with reading(engine) as connection:
        row = (await connection.execute(select(sessions.c.user_agent, sessions.c.address))).one()
    assert tuple(row) == ("a?b?c\u00e9", "::1?")


async def test_a_password_hash_is_replaced_only_while_it_is_the_old_one(
    store: AccountStore,
) -> None:
    added = await store.add(new_account(password_hash="old"), new_session(), free_before=0)
    assert await store.replace_password_hash(added.id, old="old", new="new")
    assert not await store.replace_password_hash(added.id, old="old", new="newer")
    found = await store.by_id(added.id)
    assert found is not None
    assert found.password_hash == "new"


async def test_of_two_replacements_sent_at_once_one_is_made(store: AccountStore) -> None:
    added = await store.add(new_account(password_hash="old"), new_session(), free_before=0)
    replaced = await asyncio.gather(
        *(store.replace_password_hash(added.id, old="old", new=f"new {n}") for n in range(8))
    )
    assert sorted(replaced) == [False] * 7 + [True]


async def test_the_password_hash_of_nobody_is_not_replaced(store: AccountStore) -> None:
    assert not await store.replace_password_hash(1, old="old", new="new")


async def test_a_deleted_account_is_not_found_but_keeps_its_name(
    store: AccountStore, engine: AsyncEngine
) -> None:
    added = await store.add(new_account(password_hash="old"), new_session(), free_before=0)
    await put(engine, accounts, deleted_at=NOW_MS)
    assert await store.by_id(added.id) is None
    assert await store.by_username_key("alice") is None
    assert not await store.replace_password_hash(added.id, old="old", new="new")
    with pytest.raises(UsernameTaken):
        await store.add(new_account(), new_session(), free_before=0)


# -- a name that is held back ------------------------------------------------------------------


async def test_the_name_of_a_deleted_account_is_free_when_it_was_deleted_before(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    await store.delete(alice.id, Origin())
    deleted_at = (await row_of(engine, alice)).deleted_at
    with pytest.raises(UsernameTaken):
        await store.add(new_account("alice"), new_session(), free_before=deleted_at)
    new = await store.add(new_account("alice"), new_session(), free_before=deleted_at + 1)
    assert new.id > alice.id
    assert await store.by_username_key("alice") == new
    assert await store.by_id(alice.id) is None


async def test_of_who_had_the_name_before_nothing_stays(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)
    await store.add(new_account("alice"), new_session(), free_before=NOW_MS + 1)
    assert await rows_of(engine, accounts, accounts.c.id == alice.id) == []
    assert await sessions_of(engine, alice) == []


async def test_only_the_wanted_name_is_freed(
    store: AccountStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)
    await store.add(new_account("alice"), new_session(), free_before=NOW_MS + 1)
    assert await rows_of(engine, accounts, accounts.c.id == alice.id) == []
    assert (await row_of(engine, bob)).username_key == "bob"


async def test_the_name_of_somebody_who_is_here_is_never_free(
    store: AccountStore, alice: Account
) -> None:
    with pytest.raises(UsernameTaken):
        await store.add(new_account("alice"), new_session(), free_before=2**62)
    assert await store.by_id(alice.id) == alice


async def test_a_name_is_not_freed_for_an_account_that_cannot_be_written(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)
    session = new_session()
    await store.add(new_account("bob"), session, free_before=0)
    before = await everything(engine)
    with pytest.raises(IntegrityError):
        await store.add(new_account("alice"), session, free_before=NOW_MS + 1)
    assert await everything(engine) == before
    assert (await row_of(engine, alice)).deleted_at == NOW_MS


@pytest.mark.usefixtures("alice")
async def test_of_twenty_who_want_a_freed_name_at_once_exactly_one_gets_it(
    store: AccountStore, engine: AsyncEngine
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)
    results = await asyncio.gather(
        *(
            store.add(new_account("alice"), new_session(), free_before=NOW_MS + 1)
            for _ in range(20)
        ),
        return_exceptions=True,
    )
    added = [result for result in results if isinstance(result, Account)]
    assert [await store.by_username_key("alice")] == added
    assert [type(result) for result in results if result not in added] == [UsernameTaken] * 19


# -- one after the other ------------------------------------------------------------------------


async def test_pages_go_through_all_accounts_that_are_here_in_the_order_of_their_ids(
    store: AccountStore, engine: AsyncEngine
) -> None:
    added = [
        await store.add(new_account(f"user{n}"), new_session(), free_before=0) for n in range(6)
    ]
    await put(engine, accounts, accounts.c.id == added[1].id, deleted_at=NOW_MS)
    here = [added[0], *added[2:]]
    assert await store.page(after_id=0, count=3) == here[:3]
    assert await store.page(after_id=here[2].id, count=3) == here[3:]
    assert await store.page(after_id=added[1].id, count=1) == [added[2]]
    assert await store.page(after_id=added[-1].id, count=3) == []


async def test_a_page_shows_who_is_disabled(
    store: AccountStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, disabled_at=NOW_MS)
    assert await store.page(after_id=0, count=10) == [
        dataclasses.replace(alice, disabled_at=NOW_MS)
    ]


# -- forgetting ---------------------------------------------------------------------------------


async def test_only_accounts_that_were_deleted_before_are_pruned(
    store: AccountStore, engine: AsyncEngine
) -> None:
    for number, deleted_at in enumerate([None, NOW_MS - 1, NOW_MS, NOW_MS + 1]):
        added = await store.add(new_account(f"user{number}"), new_session(), free_before=0)
        await put(engine, accounts, accounts.c.id == added.id, deleted_at=deleted_at)
    assert await store.prune(NOW_MS, 100) == 1
    kept = [row.username for row in await rows_of(engine, accounts)]
    assert kept == ["user0", "user2", "user3"]
    assert len(await rows_of(engine, sessions)) == 3, "its session goes with an account"
    assert await store.prune(NOW_MS, 100) == 0


async def test_no_more_accounts_are_pruned_than_asked(
    store: AccountStore, engine: AsyncEngine
) -> None:
    for number in range(5):
        await store.add(new_account(f"user{number}"), new_session(), free_before=0)
    await put(engine, accounts, deleted_at=NOW_MS - 1)
    assert [await store.prune(NOW_MS, 2) for _ in range(4)] == [2, 2, 1, 0]


async def test_ping_returns_while_the_database_answers(store: AccountStore) -> None:
    await store.ping()


looks = st.builds(
    Look,
    style=st.text(max_size=8),
    seed=st.text(st.characters(exclude_categories=()), max_size=8),
    options=st.text(max_size=8),
    generator=st.text(max_size=8),
    generator_version=st.integers(),
)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(look=looks)
async def test_any_look_comes_back_as_it_was(store: AccountStore, look: Look) -> None:
    session = new_session()
    added = await store.add(new_account(session.id, look=look), session, free_before=0)
    found = await store.by_id(added.id)
    assert found is not None
    assert found.look == added.look == look
