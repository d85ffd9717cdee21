"""Brings the database to the schema of this program. Serving an up-to-date database does not import Alembic."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import (
    Column,
    Connection,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    func,
    insert,
    inspect,
    select,
)
from sqlalchemy.ext.asyncio import AsyncEngine

from emoticon.adapters.sql.engine import open_engine, reading, refusals, writing
from emoticon.adapters.sql.tables import metadata

if TYPE_CHECKING:
    from alembic.config import Config
    from alembic.runtime.migration import MigrationInfo

HEAD = "0004"
"""The newest revision in `migrations/versions`."""

VERSION_TABLE = "emoticon_schema"
"""Where the revision is written. Not Alembic's default, which another program may use in the same database."""

_version = Table(  # as Alembic makes it
    VERSION_TABLE,
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name=f"{VERSION_TABLE}_pkc"),
)
_LOCK = int.from_bytes(b"emoticon")
_PATIENCE_S = 600.0


class SchemaTooNew(Exception):
    """A newer release of this program has changed the database; this one must not touch it."""


async def current_revision(engine: AsyncEngine) -> str | None:
    """Return the revision of the database, None for one without our tables.

    Raises:
        DatabaseRefused: the role may not read it.
        StoreUnavailable: the connection was lost, or a migration holds the table.
    """
    with refusals():
        async with reading(engine) as connection:
            return await connection.run_sync(_revision)


async def create(engine: AsyncEngine) -> bool:
    """Make the newest schema in a database that has no tables yet, as all migrations together would.

    Saves a first start the import of Alembic, 0.3 s and 8 MB. Returns False and does nothing where there are tables.
    Raises StoreUnavailable.
    """
    async with writing(engine) as connection:
        return await connection.run_sync(_create)


async def upgrade(engine: AsyncEngine, on_step: Callable[[str], None]) -> None:
    """Apply the missing migrations in one transaction; `on_step` hears the name of each.

    Does nothing when there are none. Of several processes that start at once one migrates and the others wait for it,
    up to ten minutes.

    Raises:
        SchemaTooNew: the database is at a revision that this program does not know.
        DatabaseRefused: the role may not create tables.
        StoreUnavailable: the connection was lost; nothing has changed.

    """
    address = engine.url.render_as_string(hide_password=False)
    patient = open_engine(address, timeout_s=_PATIENCE_S)
    try:
        with refusals():
            async with writing(patient) as connection:  # in SQLite, this is the lock
                if connection.dialect.name == "postgresql":
                    await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
                await connection.run_sync(_upgrade, on_step)
    finally:
        await patient.dispose()


def alembic_config(connection: Connection, /, **options: object) -> "Config":
    """Return what `alembic.command` needs to work on this connection, inside its transaction.

    `options` are arguments of Alembic's `EnvironmentContext.configure`.
    """
    from alembic.config import Config  # noqa: PLC0415 - Alembic takes longer to import than to start serving

    config = Config(attributes={"connection": connection, **options})
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config


def _upgrade(connection: Connection, on_step: Callable[[str], None]) -> None:
    from alembic import command  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415 - as above

    def applied(*, step: "MigrationInfo", **_: object) -> None:
        on_step(f"{step.up_revision_id} {titles[step.up_revision_id]}")

    config = alembic_config(connection, on_version_apply=applied)
    scripts = ScriptDirectory.from_config(config).walk_revisions()
    titles: dict[str | None, str] = {script.revision: script.doc for script in scripts}
    current = _revision(connection)
    if current is not None and current not in titles:
        raise SchemaTooNew(
            f"The database is at revision {current}, this program knows up to {HEAD}:"
            " run the release that made it, or a newer one"
        )
    command.upgrade(config, "head")


def _create(connection: Connection) -> bool:
    if inspect(connection).get_table_names():
        return False
    metadata.create_all(connection)
    _version.create(connection)
    connection.execute(insert(_version).values(version_num=HEAD))
    return True


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    revision: str | None = connection.scalar(select(_version.c.version_num))
    return revision
