"""What the stores say while the database is really broken, and afterwards."""

import asyncio
import os
import resource
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.accounts import new_account, new_session
from tests.servers import PostgresServer, Relay, opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import writing
from emoticon.domain.errors import StoreUnavailable

IMPATIENCE_S = 0.3


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
                await SqlAccountStore(engine).add(new_account(), new_session(), free_before=0)


async def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "a.db").write_text("This is no database at all. " * 100)
    async with opened(f"sqlite+aiosqlite:///{tmp_path}/a.db") as engine:
        with pytest.raises(StoreUnavailable):
            await SqlAccountStore(engine).ping()


async def test_on_a_full_disk_sqlite_is_unavailable_and_then_recovers(
    sqlite_database: str,
) -> None:
    async with opened(sqlite_database) as engine:
        store = SqlAccountStore(engine)
        await store.ping()
        with full_disk(), pytest.raises(StoreUnavailable):
            await store.add(new_account("alice"), new_session(), free_before=0)
        assert await store.by_username_key("alice") is None
        await store.add(new_account("alice"), new_session(), free_before=0)


# -- a broken PostgreSQL ------------------------------------------------------------------------


async def test_while_postgresql_is_stopped_it_is_unavailable_and_then_recovers(
    postgres: PostgresServer, postgres_database: str
) -> None:
    async with opened(postgres_database) as engine:
        store = SqlAccountStore(engine)
        alice = await store.add(new_account("alice"), new_session(), free_before=0)
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
            await SqlAccountStore(engine).add(new_account(), new_session(), free_before=0)


async def test_a_password_changed_behind_our_back_is_unavailable_and_stays_out_of_the_log(
    postgres: PostgresServer, migrated_postgres: str, caplog: pytest.LogCaptureFixture
) -> None:
    async with opened(postgres.url(migrated_postgres, password="hush")) as engine:
        with pytest.raises(StoreUnavailable):
            await SqlAccountStore(engine).ping()
    assert "password authentication failed" in caplog.text
    assert "hush" not in caplog.text
