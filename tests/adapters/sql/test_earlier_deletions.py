"""Migration 0003 writes an erasure for every account that was deleted before, and can be undone."""

from alembic import command
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS
from tests.adapters.sql.earlier import accounts_before, row_before
from tests.contracts.rows import rows_of
from tests.servers import opened

from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.sql.migrate import alembic_config, upgrade
from emoticon.adapters.sql.tables import erasures
from emoticon.domain.keeping import Erasure


async def at_revision_0002(engine: AsyncEngine, **deleted_at: int | None) -> None:
    """Make the database of the release before, with accounts whose ids count from 1."""
    rows = [row_before(name, deleted_at=at) for name, at in deleted_at.items()]
    async with writing(engine) as connection:
        await connection.run_sync(lambda sync: command.upgrade(alembic_config(sync), "0002"))
        if rows:
            await connection.execute(insert(accounts_before), rows)


async def test_who_has_gone_is_erased_in_the_order_of_going_and_nobody_else(
    empty_database: str,
) -> None:
    async with opened(empty_database) as engine:
        await at_revision_0002(
            engine, ann=NOW_MS + 2, bob=None, eve=NOW_MS + 1, dan=NOW_MS + 2, joe=None
        )
        await upgrade(engine, lambda _step: None)
        rows = await rows_of(engine, erasures)
        assert [tuple(row) for row in rows] == [
            (1, 3, NOW_MS + 1),
            (2, 1, NOW_MS + 2),
            (3, 4, NOW_MS + 2),
        ]
        assert await SqlErasureStore(engine).add(7) == Erasure(4, 7)


async def test_undone_and_done_again_it_is_as_before(empty_database: str) -> None:
    async with opened(empty_database) as engine:
        await at_revision_0002(engine, ann=NOW_MS)
        for _ in range(2):
            await upgrade(engine, lambda _step: None)
            assert await SqlErasureStore(engine).after(0, 10) == [Erasure(1, 1)]
            async with writing(engine) as connection:
                await connection.run_sync(
                    lambda sync: command.downgrade(alembic_config(sync), "0002")
                )
