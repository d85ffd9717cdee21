"""The tables of PostgreSQL as files, one each, and back, in one transaction.

Rows go through COPY and tables are made by this program's migrations: nothing of a backup is executed, no client
programs of the server's version are needed, and no password leaves this process.
"""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from alembic import command
from sqlalchemy import Connection, Table, inspect, literal, select, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from emoticon.adapters.sql.engine import reason
from emoticon.adapters.sql.migrate import HEAD, VERSION_TABLE, alembic_config
from emoticon.adapters.sql.renewal import look, renew
from emoticon.adapters.sql.tables import metadata
from emoticon.domain.backups import BackupRefused, OnProgress, Present, Renewed

_SUFFIX = ".copy"
PARTS = frozenset(f"{name}{_SUFFIX}" for name in metadata.tables)


async def dump(
    engine: AsyncEngine, directory: Path, on_progress: OnProgress
) -> tuple[str | None, list[Path]]:
    """Write each table as it is at this moment; return the revision, None without our tables, and the files.

    Raises:
        BackupRefused: the database says no, or is lost.
        OSError: a file cannot be written.
    """
    async with _refusals("the accounts cannot be copied"), engine.connect() as plain:
        # All reads see one moment; writers are not kept waiting.
        connection = await plain.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        revision = await connection.run_sync(_revision)
        if revision is None:
            return None, []
        files = []
        raw = await _raw(connection)
        done = 0
        for table in metadata.sorted_tables:
            columns = await connection.run_sync(_columns, table)
            if not columns:  # an older schema
                continue
            file = directory / f"{table.name}{_SUFFIX}"
            with file.open("xb") as out:

                async def write(chunk: bytes, out: Any = out) -> None:
                    nonlocal done
                    out.write(chunk)
                    done += len(chunk)
                    on_progress("copying", done, None)

                names = ", ".join(f'"{column}"' for column in columns)
                await raw.copy_from_query(f'SELECT {names} FROM "{table.name}"', output=write)  # noqa: S608 - ours
            files.append(file)
        return revision, files


async def load(
    engine: AsyncEngine,
    directory: Path,
    revision: str,
    files: Collection[str],
    *,
    accept: Callable[[Present], None],
    delete_gone: bool,
) -> tuple[Present, Renewed]:
    """Replace all tables by those of a dump, bring them to the newest schema and renew them; or change nothing.

    `accept` may refuse what is there now.

    Raises:
        BackupRefused: it did, a service is running, or the database says no.
        OSError: a file cannot be read.
    """
    async with (
        _refusals("the accounts cannot be restored"),
        engine.connect() as connection,
        connection.begin(),
    ):
        if others := await connection.scalar(_others()):
            raise BackupRefused(
                f"{others} connections of services or commands are open: stop them first"
            )
        before = await look(connection)
        accept(before)
        await connection.run_sync(_drop)
        await connection.run_sync(_migrate, revision)
        raw = await _raw(connection)
        for table in metadata.sorted_tables:
            columns = await connection.run_sync(_columns, table)
            if bool(columns) != (f"{table.name}{_SUFFIX}" in files):
                raise BackupRefused(f"the backup does not have the tables of its schema {revision}")
            if not columns:
                continue
            # What migrations have put in comes from the backup as well.
            await connection.execute(table.delete())
            await raw.copy_to_table(
                table.name, source=directory / f"{table.name}{_SUFFIX}", columns=columns
            )
        await connection.run_sync(_migrate, HEAD)
        return before, await renew(connection, before.gone, delete_gone=delete_gone)


@asynccontextmanager
async def _refusals(what: str) -> AsyncIterator[None]:
    try:
        yield
    except (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise BackupRefused(f"{what}: {reason(error)}") from None


def _others() -> Any:
    return text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND application_name = 'emoticon' AND pid <> pg_backend_pid()"
    )


async def _raw(connection: AsyncConnection) -> Any:
    """Return the driver's connection, inside of the same transaction."""
    await connection.execute(select(literal(1)))  # begins it
    return (await connection.get_raw_connection()).driver_connection


def _drop(connection: Connection) -> None:
    names = ", ".join(f'"{table.name}"' for table in metadata.sorted_tables)
    connection.execute(text(f'DROP TABLE IF EXISTS {names}, "{VERSION_TABLE}"'))


def _migrate(connection: Connection, revision: str) -> None:
    command.upgrade(alembic_config(connection), revision)


def _columns(connection: Connection, table: Table) -> list[str]:
    """Return the columns of a table in an order that does not depend on its history; none when it is not there."""
    inspector = inspect(connection)
    if not inspector.has_table(table.name):
        return []
    return sorted(column["name"] for column in inspector.get_columns(table.name))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.scalar(text(f'SELECT version_num FROM "{VERSION_TABLE}"'))  # noqa: S608 - ours
    return revision
