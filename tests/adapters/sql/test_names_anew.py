"""Migration 0002 compares names as this version does, and can be undone."""

from collections.abc import AsyncGenerator

import pytest
from alembic import command
from sqlalchemy import insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import new_account, new_session
from tests.adapters.sql.earlier import accounts_before, row_before
from tests.adapters.sql.test_migrate import shape
from tests.servers import opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.migrate import alembic_config, current_revision, upgrade
from emoticon.adapters.sql.tables import accounts, metadata, sessions
from emoticon.domain.names import fold


@pytest.fixture
async def old(empty_database: str) -> AsyncGenerator[AsyncEngine]:
    """A database of the release before."""
    async with opened(empty_database) as engine:
        async with writing(engine) as connection:
            await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "0001"))
        yield engine


async def add(engine: AsyncEngine, **keys: str) -> None:
    """Write accounts with these names and keys in this order; their ids count from 1."""
    rows = [row_before(name, username_key=key) for name, key in keys.items()]
    async with writing(engine) as connection:
        await connection.execute(insert(accounts_before), rows)


async def keys_after_the_upgrade(engine: AsyncEngine) -> dict[str, str]:
    await upgrade(engine, lambda _step: None)
    async with reading(engine) as connection:
        rows = await connection.execute(
            select(accounts.c.username, accounts.c.username_key).order_by(accounts.c.id)
        )
        return {row.username: row.username_key for row in rows}


async def test_a_name_gets_the_key_under_which_it_is_looked_up_now(old: AsyncEngine) -> None:
    await add(old, yıldız="yıldız", brǎila="brǎila", Straße="strasse", alice="alice")
    assert await keys_after_the_upgrade(old) == {
        "yıldız": "yildiz",
        "brǎila": "brăila",
        "Straße": "strasse",
        "alice": "alice",
    }
    for number, name in enumerate(["YILDIZ", "Brăila", "STRASSE", "alice"], 1):
        found = await SqlAccountStore(old).by_username_key(fold(name))
        assert found is not None
        assert found.id == number


async def test_nothing_else_of_an_account_changes(old: AsyncEngine) -> None:
    await add(old, yıldız="yıldız", alice="alice")
    async with reading(old) as connection:
        columns = [
            column for column in accounts.c if column.name not in {"disabled_at", "revision"}
        ]
        before = (await connection.execute(select(*columns).order_by(accounts.c.id))).all()
    await keys_after_the_upgrade(old)
    async with reading(old) as connection:
        after = (await connection.execute(select(accounts).order_by(accounts.c.id))).all()
    assert [row._asdict() for row in after] == [
        row._asdict() | {"username_key": key, "disabled_at": None, "revision": 0}
        for row, key in zip(before, ["yildiz", "alice"], strict=True)
    ]


@pytest.mark.parametrize("names", [("yıldız", "yildiz"), ("yildiz", "yıldız")])
async def test_a_key_that_another_account_has_stays_with_it(
    old: AsyncEngine, names: tuple[str, str]
) -> None:
    keys = {name: name for name in names}
    await add(old, **keys)
    assert await keys_after_the_upgrade(old) == keys


async def test_of_two_who_get_the_same_key_the_first_has_it(old: AsyncEngine) -> None:
    await add(old, aہ="aہ", aھ="aھ")
    assert await keys_after_the_upgrade(old) == {"aہ": "aه", "aھ": "aھ"}


async def test_a_name_of_a_newer_unicode_keeps_its_key(old: AsyncEngine) -> None:
    unassigned = "a\u0378"
    await add(old, **{unassigned: unassigned}, yıldız="yıldız")
    assert await keys_after_the_upgrade(old) == {unassigned: unassigned, "yıldız": "yildiz"}


async def test_undone_and_done_again_it_has_lost_no_account_and_no_session(
    old: AsyncEngine,
) -> None:
    new_tables = {"audit", "erasures", "links", "originals"}
    before = set(metadata.tables) - new_tables
    async with reading(old) as connection:
        old_shape = await connection.run_sync(lambda sync: shape(sync, before))
    await upgrade(old, lambda _step: None)
    alice = await SqlAccountStore(old).add(new_account("alice"), new_session(), free_before=0)
    async with writing(old) as connection:
        await connection.run_sync(lambda sync: command.downgrade(alembic_config(sync), "0001"))
    assert await current_revision(old) == "0001"
    async with reading(old) as connection:
        assert await connection.run_sync(lambda sync: shape(sync, before)) == old_shape
    await upgrade(old, lambda _step: None)
    assert await SqlAccountStore(old).by_id(alice.id) == alice
    async with reading(old) as connection:
        assert (await connection.scalars(select(sessions.c.account_id))).all() == [alice.id]
