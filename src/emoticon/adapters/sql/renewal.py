"""What becomes of accounts that are set back in time.

Tokens, ids and erasures that were given out after the backup must not become good, or be given out, a second time. What
they were is not known, so everything is raised by more than there can have been. Nobody runs meanwhile, so no node has
to find these changes: no floor is stamped as recent, nor the end of any session.
"""

from collections.abc import Collection

from sqlalchemy import Connection, delete, exists, func, insert, inspect, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from emoticon.adapters.sql.audit import note
from emoticon.adapters.sql.changes import database_now_ms
from emoticon.adapters.sql.erasures import write_erasure
from emoticon.adapters.sql.leaving import empty
from emoticon.adapters.sql.tables import accounts, audit, erasures, metadata, sessions
from emoticon.domain.backups import MARGIN, Present, Renewed
from emoticon.domain.models import Event, Origin

END_REASON = "restored"
_BATCH = 500


async def look(connection: AsyncConnection) -> Present:
    """Return what is known of the accounts that are there, in a schema of any age or none."""
    tables = await connection.run_sync(_tables)
    if accounts.name not in tables:
        return Present()
    count = select(func.count()).select_from(accounts).where(accounts.c.deleted_at.is_(None))
    deleted = await connection.scalars(
        select(accounts.c.id).where(accounts.c.deleted_at.is_not(None))
    )
    gone = {*deleted}
    if erasures.name in tables:
        # The pictures of an account may be erased though it stays; of one that is forgotten only this is left.
        forgotten = select(erasures.c.owner).where(
            ~exists().where(accounts.c.id == erasures.c.owner)
        )
        gone |= {*await connection.scalars(forgotten)}
    return Present(await connection.scalar(count) or 0, frozenset(gone))


async def renew(
    connection: AsyncConnection, gone: Collection[int], *, delete_gone: bool
) -> Renewed:
    """Let no token, session, id or erasure of a later time count; with `delete_gone` accounts that are gone stay so.

    The schema is the newest one.
    """
    await connection.execute(
        update(accounts).values(
            version=accounts.c.version + MARGIN,
            floor=accounts.c.version + MARGIN,
            floor_at=0,
            revision=accounts.c.revision + MARGIN,
        )
    )
    await connection.execute(
        update(sessions)
        .where(sessions.c.ended_at.is_(None))
        .values(ended_at=sessions.c.last_used_at, end_reason=END_REASON)
    )
    first = await _raise_ids(connection)
    await _begin_erasures(connection, first)
    deleted = await _still_there(connection, gone)
    if delete_gone:
        for number in deleted:
            await _delete(connection, number)
    left = await connection.scalar(
        select(func.count()).where(accounts.c.deleted_at.is_(None)).select_from(accounts)
    )
    return Renewed(left or 0, tuple(deleted))


async def _raise_ids(connection: AsyncConnection) -> int:
    """Let the next account have an id that nobody ever had, and return the one before it."""
    greatest = await connection.scalar(select(func.max(accounts.c.id))) or 0
    if connection.dialect.name == "sqlite":
        given = await connection.scalar(
            text("SELECT seq FROM sqlite_sequence WHERE name = 'accounts'")
        )
        first: int = max(greatest, given or 0) + MARGIN
        await connection.execute(text("DELETE FROM sqlite_sequence WHERE name = 'accounts'"))
        await connection.execute(
            text("INSERT INTO sqlite_sequence VALUES ('accounts', :first)"), {"first": first}
        )
        return first
    first = greatest + MARGIN
    for table, number in ((accounts, first), (audit, 0)):
        newest = select(func.coalesce(func.max(table.c.id), 1)).scalar_subquery()
        sequence = func.pg_get_serial_sequence(table.name, "id")
        await connection.execute(select(func.setval(sequence, func.greatest(newest, number))))
    return first


async def _begin_erasures(connection: AsyncConnection, owner: int) -> None:
    """Begin the log anew at a number that no tier has reached.

    Each has then missed more than is kept and empties itself: its pictures may be of accounts that are not here.
    """
    newest = await connection.scalar(select(func.max(erasures.c.number))) or 0
    await connection.execute(delete(erasures))
    await connection.execute(
        insert(erasures).values(number=newest + MARGIN, owner=owner, at=database_now_ms())
    )


async def _still_there(connection: AsyncConnection, gone: Collection[int]) -> list[int]:
    numbers = sorted(gone)
    found: list[int] = []
    for start in range(0, len(numbers), _BATCH):
        batch = numbers[start : start + _BATCH]
        here = select(accounts.c.id).where(
            accounts.c.id.in_(batch), accounts.c.deleted_at.is_(None)
        )
        found.extend(await connection.scalars(here))
    return sorted(found)


async def _delete(connection: AsyncConnection, number: int) -> None:
    await connection.execute(
        update(accounts)
        .where(accounts.c.id == number)
        .values(deleted_at=database_now_ms(), password_hash="", look="{}")
    )
    await empty(connection, number)
    await note(connection, Event.DELETION, number, Origin())
    await write_erasure(connection, number)


def _tables(connection: Connection) -> set[str]:
    return {*inspect(connection).get_table_names()} & metadata.tables.keys()
