"""Whose pictures have to go from every tier."""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import BigInteger, delete, func, insert, literal, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.changes import database_now_ms
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.tables import erasures
from emoticon.domain.keeping import Erasure, ErasureLog
from emoticon.domain.stores import ErasureStore
from emoticon.domain.unbroken import unbroken

SETTLED_MS: Final = 70_000
"""A minute, and as long as a transaction may stay open after its stamp: twice the patience of the server, 5 s."""

_LOCK = int.from_bytes(b"erasures")


class SqlErasureStore(ErasureStore):
    """The table `erasures`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def log(self) -> ErasureLog:
        # A subquery is computed once, so that PostgreSQL can look it up in the index.
        since = select(database_now_ms() - literal(SETTLED_MS)).scalar_subquery()
        settled = (
            select(erasures.c.number)
            .where(erasures.c.at <= since)
            .order_by(erasures.c.at.desc(), erasures.c.number.desc())
            .limit(1)
        )
        ends = select(func.min(erasures.c.number)), select(func.max(erasures.c.number))
        # Of one statement, so that all three are of the same moment.
        wanted = select(*(part.scalar_subquery() for part in (*ends, settled)))
        async with reading(self._engine) as connection:
            row = (await connection.execute(wanted)).one()
        return ErasureLog(*(number or 0 for number in row))

    @override
    @unbroken
    async def after(self, number: int, count: int) -> Sequence[Erasure]:
        wanted = (
            select(erasures.c.number, erasures.c.owner)
            .where(erasures.c.number > number)
            .order_by(erasures.c.number)
            .limit(count)
        )
        async with reading(self._engine) as connection:
            return [Erasure(*row) for row in await connection.execute(wanted)]

    @override
    @unbroken
    async def add(self, owner: int) -> Erasure:
        async with writing(self._engine) as connection:
            return await write_erasure(connection, owner)

    @override
    @unbroken
    async def prune(self, before: int, count: int) -> int:
        newest = select(func.max(erasures.c.number)).scalar_subquery()
        old = (
            select(erasures.c.number)
            .where(erasures.c.at < before, erasures.c.number < newest)
            .order_by(erasures.c.at, erasures.c.number)
            .limit(count)
            .with_for_update(skip_locked=True)  # of those who prune at once nobody waits
        )
        async with writing(self._engine) as connection:
            pruned = await connection.execute(delete(erasures).where(erasures.c.number.in_(old)))
            return pruned.rowcount


async def write_erasure(connection: AsyncConnection, owner: int) -> Erasure:
    """Write an erasure as the last statement of a transaction.

    From here to its end nobody else writes one, so that numbers have no gaps and become visible in their order; and
    whoever waits holds nothing that the one before still needs.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(_LOCK)))
    newest = func.coalesce(func.max(erasures.c.number), 0)
    next_row = select(newest + 1, literal(owner, BigInteger), database_now_ms())
    added = await connection.execute(
        insert(erasures)
        .from_select(["number", "owner", "at"], next_row)
        .returning(erasures.c.number, erasures.c.owner)
    )
    return Erasure(*added.one())
