"""What changed lately, by the clock of the database: one clock for all nodes."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, literal, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from typing_extensions import override

from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.models import Change
from emoticon.domain.stores import FloorStore
from emoticon.domain.unbroken import unbroken

LATEST_COMMIT_MS: Final = 2_000
"""A change is found by when it was stamped, which is before it can be seen. What took longer is stamped once more."""

OVERLAP_MS: Final = 5_000
"""How much further than asked `recent` looks back, for what was stamped before the last look and seen after it."""


class database_now_ms(ColumnElement[int]):  # noqa: N801 - reads as the SQL function that it is
    """Unix time in milliseconds by the clock of the database, at this statement."""

    inherit_cache = True
    type = BigInteger()


@compiles(database_now_ms, "postgresql")
def _now_on_postgresql(_element: database_now_ms, _compiler: SQLCompiler, **_: Any) -> str:
    return "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"


@compiles(database_now_ms, "sqlite")
def _now_on_sqlite(_element: database_now_ms, _compiler: SQLCompiler, **_: Any) -> str:
    return "CAST((julianday('now') - 2440587.5) * 86400000 + 0.5 AS INTEGER)"


class Recorder:
    """A transaction, and the change that it makes."""

    def __init__(self, connection: AsyncConnection) -> None:
        self.connection = connection
        self.change: Change | None = None


@asynccontextmanager
async def changing(
    engine: AsyncEngine, *, latest_commit_ms: int = LATEST_COMMIT_MS
) -> AsyncGenerator[Recorder]:
    """Open a transaction whose `change` the other nodes are to find.

    They look for what was stamped since their last look, a little earlier included. When it took too long from the
    stamp to the commit, because the disk or this process stood still, it is stamped anew before anybody is told.
    """
    clock = asyncio.get_running_loop().time
    async with writing(engine) as connection:
        recorder = Recorder(connection)
        # The stamp comes after this moment, so that the time is measured too long rather than too short.
        began_s = clock()
        yield recorder
    change = recorder.change
    if change is not None and (clock() - began_s) * 1000 > latest_commit_ms:
        async with changing(engine, latest_commit_ms=latest_commit_ms) as again:
            await stamp(again.connection, change)
            again.change = change


async def stamp(connection: AsyncConnection, change: Change) -> None:
    """Write down that the change is made now."""
    if change.floor or change.revision:
        await connection.execute(
            update(accounts)
            .where(accounts.c.id == change.account_id)
            .values(floor_at=database_now_ms())
        )
    if change.session_id:
        await connection.execute(
            update(sessions)
            .where(sessions.c.id == change.session_id, sessions.c.ended_at.is_not(None))
            .values(ended_at=database_now_ms())
        )


class SqlFloorStore(FloorStore):
    """`floor_at` of accounts and `ended_at` of sessions."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def recent(self, age_ms: int) -> Sequence[Change]:
        # A subquery is computed once, so that PostgreSQL can look it up in the indexes.
        since = select(database_now_ms() - literal(age_ms + OVERLAP_MS)).scalar_subquery()
        floors = select(accounts.c.id, accounts.c.floor, literal(""), accounts.c.revision).where(
            accounts.c.floor_at > since
        )
        ends = select(sessions.c.account_id, literal(0), sessions.c.id, literal(0)).where(
            sessions.c.ended_at > since
        )
        async with reading(self._engine) as connection:
            found = await connection.execute(union_all(floors, ends))
            return [Change(*row) for row in found]
