"""How the database is opened, and what it does when it is busy."""

import asyncio
import stat
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import new_account, new_session
from tests.servers import PostgresServer, opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import DatabaseRefused, open_engine, reading, writing
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import accounts
from emoticon.domain.errors import StoreUnavailable

IMPATIENCE_S = 0.3


def modes_in(directory: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.iterdir()}


# -- the address --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hush",
        "postgresql+asyncpg://me:hush@db:hush/accounts",
        "postgresql://me:hush@db/accounts",
        "mysql+aiomysql://me:hush@db/accounts",
        "sqlite:////var/lib/hush.db",
        "sqlite+aiosqlite://",
        "sqlite+aiosqlite:///",
        "sqlite+aiosqlite:///:memory:",
    ],
)
def test_an_address_of_another_kind_is_refused_without_repeating_it(url: str) -> None:
    with pytest.raises(DatabaseRefused) as refused:
        open_engine(url)
    assert "hush" not in str(refused.value)
    assert refused.value.__cause__ is None


@pytest.mark.parametrize(
    "url",
    [
        "postgresql+asyncpg://me:hush@db/accounts?channel_binding=hush&sslmode=require",
        "sqlite+aiosqlite:////var/lib/emoticon/a.db?mode=hush",
    ],
)
def test_unknown_options_are_refused_by_name(url: str) -> None:
    with pytest.raises(DatabaseRefused, match=r"mode|channel_binding") as refused:
        open_engine(url)
    assert "hush" not in str(refused.value)


async def test_sslmode_is_understood(postgres_database: str) -> None:
    async with opened(f"{postgres_database}?sslmode=disable") as engine:
        await SqlAccountStore(engine).ping()


async def test_the_password_is_not_in_the_engines_text(postgres_database: str) -> None:
    async with opened(postgres_database) as engine:
        assert "***" in str(engine.url)
        assert PostgresServer.password not in repr(engine)


# -- settings -----------------------------------------------------------------------------------


async def test_sqlite_keeps_what_it_acknowledged_and_checks_references(tmp_path: Path) -> None:
    async with (
        opened(f"sqlite+aiosqlite:///{tmp_path}/a.db", timeout_s=7) as engine,
        reading(engine) as connection,
    ):
        pragmas = {
            name: await connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert pragmas == {
        "journal_mode": "wal",
        "synchronous": 2,  # FULL
        "foreign_keys": 1,
        "busy_timeout": 7000,
    }


async def test_a_new_sqlite_file_and_its_companions_are_private(tmp_path: Path) -> None:
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/a.db") as engine:
        async with writing(engine) as connection:
            await connection.execute(text("CREATE TABLE t (x INTEGER)"))
        assert modes_in(tmp_path) == {"a.db": 0o600, "a.db-wal": 0o600, "a.db-shm": 0o600}


async def test_the_mode_of_an_existing_sqlite_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.touch()
    path.chmod(0o640)
    async with opened(f"sqlite+aiosqlite:///{path}") as engine:
        await SqlAccountStore(engine).ping()
    assert modes_in(tmp_path) == {"a.db": 0o640}


async def test_postgresql_limits_statements_and_idle_transactions(postgres_database: str) -> None:
    async with (
        opened(postgres_database, timeout_s=7) as engine,
        reading(engine) as connection,
    ):
        settings = {
            name: await connection.scalar(text(f"SHOW {name}"))
            for name in (
                "application_name",
                "statement_timeout",
                "idle_in_transaction_session_timeout",
            )
        }
    assert settings == {
        "application_name": "emoticon",
        "statement_timeout": "7s",
        "idle_in_transaction_session_timeout": "7s",
    }


# -- errors that are the caller's ---------------------------------------------------------------


async def test_a_mistake_in_a_statement_is_not_called_unavailable(engine: AsyncEngine) -> None:
    with pytest.raises(DBAPIError):
        async with reading(engine) as connection:
            await connection.execute(text("SELECT nothing FROM nowhere"))


async def test_an_error_of_the_block_passes_and_undoes_the_transaction(
    engine: AsyncEngine,
) -> None:
    with pytest.raises(ZeroDivisionError):  # noqa: PT012 - the block is what is tested
        async with writing(engine) as connection:
            await connection.execute(text("CREATE TABLE t (x INTEGER)"))
            raise ZeroDivisionError
    async with writing(engine) as connection:
        await connection.execute(text("CREATE TABLE t (x INTEGER)"))


async def test_the_text_of_an_error_holds_no_values(engine: AsyncEngine) -> None:
    with pytest.raises(IntegrityError) as failed:
        async with writing(engine) as connection:
            await connection.execute(insert(accounts).values(username="hush"))
    assert "hush" not in str(failed.value)


# -- a busy database ----------------------------------------------------------------------------


async def test_a_lock_held_too_long_is_unavailable_until_it_is_released(database: str) -> None:
    async with opened(database) as patient, opened(database, timeout_s=IMPATIENCE_S) as impatient:
        alice = await SqlAccountStore(patient).add(new_account(), new_session(), free_before=0)
        store = SqlSessionStore(impatient)
        async with writing(patient) as connection:
            await connection.execute(select(accounts.c.id).with_for_update())
            with pytest.raises(StoreUnavailable):
                await store.start(alice.id, new_session(), end_others=True, raise_floor=True)
            assert await SqlAccountStore(impatient).by_id(alice.id) == alice, "reads do not wait"
        assert await store.start(alice.id, new_session(), end_others=True, raise_floor=True) == 2


async def test_when_all_connections_are_in_use_too_long_it_is_unavailable(database: str) -> None:
    async with opened(database, timeout_s=IMPATIENCE_S) as engine:
        async with AsyncExitStack() as busy:
            with pytest.raises(StoreUnavailable):  # noqa: PT012 - the size of the pool is not told
                for _ in range(20):
                    await busy.enter_async_context(reading(engine))
        await SqlAccountStore(engine).ping()


async def test_there_are_no_more_connections_than_asked(database: str) -> None:
    async with opened(database, timeout_s=IMPATIENCE_S, connections=1) as engine:
        most = 1 if engine.dialect.name == "sqlite" else 2
        async with AsyncExitStack() as busy:
            for _ in range(most):
                await busy.enter_async_context(reading(engine))
            with pytest.raises(StoreUnavailable):
                await SqlAccountStore(engine).ping()
        await SqlAccountStore(engine).ping()


async def test_writers_that_wait_for_their_turn_leave_connections_to_readers(
    sqlite_database: str,
) -> None:
    async with opened(sqlite_database) as engine:
        accounts_store = SqlAccountStore(engine)
        alice = await accounts_store.add(new_account(), new_session(), free_before=0)
        store = SqlSessionStore(engine)
        async with writing(engine):
            waiting = [
                asyncio.create_task(
                    store.start(alice.id, new_session(), end_others=True, raise_floor=True)
                )
                for _ in range(20)
            ]
            for _ in range(20):
                await asyncio.sleep(0)  # all of them are under way
            async with asyncio.timeout(2):
                assert await accounts_store.by_id(alice.id) == alice
            assert not any(task.done() for task in waiting)
        versions = await asyncio.gather(*waiting)
    assert sorted(version or 0 for version in versions) == list(range(2, 22))


async def test_two_engines_that_write_one_database_do_not_deadlock(database: str) -> None:
    async with opened(database) as one, opened(database) as other:
        alice = await SqlAccountStore(one).add(new_account(), new_session(), free_before=0)
        stores = [SqlSessionStore(engine) for engine in (one, other)] * 15
        versions = await asyncio.gather(
            *(
                store.start(alice.id, new_session(), end_others=True, raise_floor=True)
                for store in stores
            )
        )
    assert sorted(version or 0 for version in versions) == list(range(2, 32))


async def test_cancelled_calls_leave_nothing_behind(database: str) -> None:
    if database.startswith("postgresql"):
        # asyncpg forgets a future when it is cancelled while it offers TLS
        database += "?sslmode=disable"
    async with opened(database) as engine:
        alice = await SqlAccountStore(engine).add(new_account(), new_session(), free_before=0)
        store = SqlSessionStore(engine)
        for turns in range(1, 40):
            call = asyncio.create_task(
                store.start(alice.id, new_session(), end_others=True, raise_floor=True)
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        # Each of them runs to its end, the cancelled ones in the background.
        async with asyncio.timeout(10):
            while (found := await SqlAccountStore(engine).by_id(alice.id)) and found.version < 40:
                pass
            version = await store.start(alice.id, new_session(), end_others=True, raise_floor=True)
        found = await SqlAccountStore(engine).by_id(alice.id)
    assert found is not None
    assert found.version == found.floor == version == 41
