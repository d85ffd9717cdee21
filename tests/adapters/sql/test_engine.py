"""The database's settings, and its failures made by really breaking it."""

import asyncio
import os
import resource
import shutil
import stat
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock, new_account, new_session
from tests.servers import PostgresServer, Relay

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import DatabaseRefused, open_engine, reading, writing
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import accounts
from emoticon.domain.errors import StoreUnavailable

IMPATIENCE_S = 0.3


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncGenerator[AsyncEngine]:
    engine = open_engine(url, **options)
    try:
        yield engine
    finally:
        await engine.dispose()


@contextmanager
def without_privileges() -> Generator[None]:
    """Let file modes hold for root, too."""
    user = os.geteuid()
    os.seteuid(65534 if user == 0 else user)
    try:
        yield
    finally:
        os.seteuid(user)


@contextmanager
def full_disk() -> Generator[None]:
    """Make every write to a file of this process fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.fixture
def read_only_sqlite(migrated_sqlite: Path) -> Generator[str]:
    """A database that nobody may write, in a directory that everybody may enter."""
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "a.db"
        shutil.copy(migrated_sqlite, path)
        path.chmod(0o444)
        Path(directory).chmod(0o555)
        yield f"sqlite+aiosqlite:///{path}"
        Path(directory).chmod(0o755)


@pytest.fixture
def sqlite(migrated_sqlite: Path, tmp_path: Path) -> str:
    return f"sqlite+aiosqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'a.db')}"


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
        alice = await SqlAccountStore(patient).add(new_account(), new_session())
        store = SqlSessionStore(impatient, ManualClock())
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


async def test_two_engines_that_write_one_database_do_not_deadlock(database: str) -> None:
    async with opened(database) as one, opened(database) as other:
        alice = await SqlAccountStore(one).add(new_account(), new_session())
        stores = [SqlSessionStore(engine, ManualClock()) for engine in (one, other)] * 15
        versions = await asyncio.gather(
            *(
                store.start(alice.id, new_session(), end_others=True, raise_floor=True)
                for store in stores
            )
        )
    assert sorted(version or 0 for version in versions) == list(range(2, 32))


async def test_cancelled_calls_leave_nothing_behind(database: str) -> None:
    if database.startswith("postgresql"):
        database += (
            "?sslmode=disable"  # asyncpg forgets a future when cancelled while it offers TLS
        )
    async with opened(database) as engine:
        alice = await SqlAccountStore(engine).add(new_account(), new_session())
        store = SqlSessionStore(engine, ManualClock())
        for turns in range(1, 40):
            call = asyncio.create_task(
                store.start(alice.id, new_session(), end_others=True, raise_floor=True)
            )
            for _ in range(turns):
                await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
        async with asyncio.timeout(2):
            version = await store.start(alice.id, new_session(), end_others=True, raise_floor=True)
        found = await SqlAccountStore(engine).by_id(alice.id)
    assert found is not None
    assert found.version == found.floor == version


# -- a broken SQLite ----------------------------------------------------------------------------


async def test_without_its_directory_sqlite_is_unavailable(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    async with opened(f"sqlite+aiosqlite:///{directory}/a.db") as engine:
        with pytest.raises(StoreUnavailable):
            await SqlAccountStore(engine).ping()
        directory.mkdir()
        await SqlAccountStore(engine).ping()


async def test_a_read_only_sqlite_is_unavailable_to_writers(read_only_sqlite: str) -> None:
    with without_privileges():
        async with opened(read_only_sqlite) as engine:
            with pytest.raises(StoreUnavailable):
                await SqlAccountStore(engine).add(new_account(), new_session())


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("This is no database at all. " * 100)
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/a.db") as engine:
        with pytest.raises(StoreUnavailable):
            await SqlAccountStore(engine).ping()


async def test_on_a_full_disk_sqlite_is_unavailable_and_then_recovers(sqlite: str) -> None:
    async with opened(sqlite) as engine:
        store = SqlAccountStore(engine)
        await store.ping()
        with full_disk(), pytest.raises(StoreUnavailable):
            await store.add(new_account("alice"), new_session())
        assert await store.by_username_key("alice") is None
        await store.add(new_account("alice"), new_session())


# -- a broken PostgreSQL ------------------------------------------------------------------------


async def test_while_postgresql_is_stopped_it_is_unavailable_and_then_recovers(
    postgres: PostgresServer, postgres_database: str
) -> None:
    async with opened(postgres_database) as engine:
        store = SqlAccountStore(engine)
        alice = await store.add(new_account("alice"), new_session())
        postgres.stop()
        try:
            for _ in range(3):
                with pytest.raises(StoreUnavailable) as unavailable:
                    await store.ping()
        finally:
            postgres.start()
        assert unavailable.value.retry_after_s > 0
        assert await store.by_id(alice.id) == alice


async def test_a_restart_between_two_calls_is_not_noticed(
    postgres: PostgresServer, postgres_database: str
) -> None:
    async with opened(postgres_database) as engine:
        store = SqlAccountStore(engine)
        await store.ping()
        postgres.stop()
        postgres.start()
        await store.ping()


async def test_a_connection_cut_in_a_transaction_is_unavailable_and_undoes_it(
    postgres: PostgresServer, postgres_database: str
) -> None:
    async with opened(postgres_database) as engine:
        with pytest.raises(StoreUnavailable):  # noqa: PT012 - the block is what is tested
            async with writing(engine) as connection:
                await connection.execute(text("CREATE TABLE t (x INTEGER)"))
                backend = await connection.scalar(text("SELECT pg_backend_pid()"))
                postgres.sql(f"SELECT pg_terminate_backend({backend}, 5000)")
                await connection.execute(text("SELECT 1"))
        async with writing(engine) as connection:
            await connection.execute(text("CREATE TABLE t (x INTEGER)"))


async def test_a_silent_network_is_unavailable_within_seconds_and_then_recovers(
    postgres: PostgresServer, postgres_database: str
) -> None:
    async with Relay(postgres.port) as relay:
        address = postgres_database.replace(f":{postgres.port}/", f":{relay.port}/")
        async with opened(address, timeout_s=IMPATIENCE_S) as engine:
            store = SqlAccountStore(engine)
            await store.ping()
            relay.freeze()
            async with asyncio.timeout(5):
                with pytest.raises(StoreUnavailable):
                    await store.ping()
            relay.thaw()
            await store.ping()


async def test_a_standby_is_unavailable_to_writers(
    postgres: PostgresServer, postgres_database: str
) -> None:
    name = postgres_database.rpartition("/")[2]
    postgres.sql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    async with opened(postgres_database) as engine:
        with pytest.raises(StoreUnavailable):
            await SqlAccountStore(engine).add(new_account(), new_session())


async def test_a_password_changed_behind_our_back_is_unavailable_and_stays_out_of_the_log(
    postgres: PostgresServer, migrated_postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(postgres.url(migrated_postgres, password="hush")) as engine:
        with pytest.raises(StoreUnavailable):
            await SqlAccountStore(engine).ping()
    assert "password authentication failed" in caplog.text
    assert "hush" not in caplog.text
