"""Which uploaded pictures there are."""

from collections.abc import Sequence

from sqlalchemy import BigInteger, ColumnElement, delete, insert, literal, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.changes import database_now_ms
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.tables import originals
from emoticon.domain.models import OriginalPlace
from emoticon.domain.stores import OriginalStore
from emoticon.domain.unbroken import unbroken

_place = (originals.c.account_id, originals.c.name)


class SqlOriginalStore(OriginalStore):
    """The table `originals`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def begin(self, place: OriginalPlace, size_bytes: int) -> None:
        row = insert(originals).values(
            account_id=place.account_id,
            name=place.name,
            state="new",
            size_bytes=size_bytes,
            begun_at=database_now_ms(),
        )
        async with writing(self._engine) as connection:
            await connection.execute(row)

    @override
    @unbroken
    async def drop(self, places: Sequence[OriginalPlace]) -> None:
        given_up = update(originals).where(_among(places), originals.c.state == "new")
        async with writing(self._engine) as connection:
            await connection.execute(given_up.values(state="dropped"))

    @override
    @unbroken
    async def dropped(self, given_up_ms: int, count: int) -> Sequence[OriginalPlace]:
        before = database_now_ms() - literal(given_up_ms, BigInteger)
        given_up = update(originals).where(
            originals.c.state == "new", originals.c.begun_at <= before
        )
        loose = (
            select(*_place)
            .where(originals.c.state == "dropped")
            .order_by(originals.c.begun_at)
            .limit(count)
        )
        async with writing(self._engine) as connection:
            await connection.execute(given_up.values(state="dropped"))
            return [OriginalPlace(*row) for row in await connection.execute(loose)]

    @override
    @unbroken
    async def forget(self, places: Sequence[OriginalPlace]) -> None:
        gone = delete(originals).where(_among(places), originals.c.state == "dropped")
        async with writing(self._engine) as connection:
            await connection.execute(gone)

    @override
    @unbroken
    async def unknown(self, places: Sequence[OriginalPlace]) -> Sequence[OriginalPlace]:
        async with reading(self._engine) as connection:
            rows = await connection.execute(select(*_place).where(_among(places)))
            known = {OriginalPlace(*row) for row in rows}
        return [place for place in places if place not in known]

    @override
    @unbroken
    async def kept(self, *, after: OriginalPlace, count: int) -> Sequence[OriginalPlace]:
        wanted = (
            select(*_place)
            .where(
                originals.c.state == "kept",
                tuple_(*_place) > tuple_(literal(after.account_id, BigInteger), after.name),
            )
            .order_by(*_place)
            .limit(count)
        )
        async with reading(self._engine) as connection:
            return [OriginalPlace(*row) for row in await connection.execute(wanted)]


def _among(places: Sequence[OriginalPlace]) -> ColumnElement[bool]:
    return tuple_(*_place).in_([(place.account_id, place.name) for place in places])
