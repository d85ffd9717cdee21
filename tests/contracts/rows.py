"""What stands in the tables, and how to put something there that no store writes."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Table, select, text, true, update
from sqlalchemy.ext.asyncio import AsyncEngine

from emoticon.adapters.sql.changes import database_now_ms
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.tables import accounts, audit, erasures, links, originals, sessions
from emoticon.domain.models import Account

_REFUSAL = {
    "sqlite": ["CREATE TRIGGER refusing BEFORE {} BEGIN SELECT RAISE(ABORT, 'refused'); END"],
    "postgresql": [
        "CREATE FUNCTION refuse() RETURNS trigger AS 'BEGIN RAISE ''refused''; END' LANGUAGE plpgsql",
        "CREATE TRIGGER refusing BEFORE {} FOR EACH ROW EXECUTE FUNCTION refuse()",
    ],
}


async def rows_of(
    engine: AsyncEngine, table: Table, condition: ColumnElement[bool] | None = None
) -> Sequence[Row[Any]]:
    """Return rows in the order of their ids."""
    wanted = select(table).where(true() if condition is None else condition)
    wanted = wanted.order_by(*table.primary_key)
    async with reading(engine) as connection:
        return (await connection.execute(wanted)).all()


async def everything(engine: AsyncEngine) -> list[Sequence[Row[Any]]]:
    """Return all rows of all tables."""
    tables = (accounts, sessions, audit, erasures, links, originals)
    return [await rows_of(engine, table) for table in tables]


async def row_of(engine: AsyncEngine, account: Account) -> Row[Any]:
    """Return the row of an account, deleted or not."""
    [row] = await rows_of(engine, accounts, accounts.c.id == account.id)
    return row


async def marks_of(engine: AsyncEngine, account: Account) -> tuple[int, int, int]:
    """Return version, floor and when it was raised."""
    row = await row_of(engine, account)
    return row.version, row.floor, row.floor_at


async def sessions_of(engine: AsyncEngine, account: Account) -> Sequence[Row[Any]]:
    """Return the sessions of an account in the order of their ids."""
    return await rows_of(engine, sessions, sessions.c.account_id == account.id)


async def session_of(engine: AsyncEngine, session_id: str) -> Row[Any]:
    """Return one session."""
    [row] = await rows_of(engine, sessions, sessions.c.id == session_id)
    return row


async def events(engine: AsyncEngine) -> list[str]:
    """Return what the audit says has happened, the oldest first, without the sign-ups of the fixtures."""
    return [row.event for row in await rows_of(engine, audit) if row.event != "sign_up"]


async def put(
    engine: AsyncEngine, table: Table, condition: ColumnElement[bool] | None = None, **values: Any
) -> None:
    """Change rows behind the back of the stores."""
    async with writing(engine) as connection:
        await connection.execute(
            update(table).where(true() if condition is None else condition).values(values)
        )


async def database_now(engine: AsyncEngine) -> int:
    """Return the time of the clock that stamps."""
    async with reading(engine) as connection:
        return int((await connection.execute(select(database_now_ms()))).scalar_one())


async def refuse(engine: AsyncEngine, statement: str) -> None:
    """Let a kind of statement, such as `UPDATE ON sessions`, fail from now on."""
    async with writing(engine) as connection:
        for template in _REFUSAL[engine.dialect.name]:
            await connection.execute(text(template.format(statement)))
