"""What happened to accounts."""

from collections.abc import Sequence

from sqlalchemy import delete, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.changes import database_now_ms
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.tables import audit, storable
from emoticon.domain.models import AuditEntry, Event, Origin
from emoticon.domain.stores import AuditStore
from emoticon.domain.unbroken import unbroken


class SqlAuditStore(AuditStore):
    """The table `audit`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def add(self, event: Event, account_id: int | None, origin: Origin) -> None:
        async with writing(self._engine) as connection:
            await note(connection, event, account_id, origin)

    @override
    @unbroken
    async def of_account(self, account_id: int, count: int) -> Sequence[AuditEntry]:
        newest = (
            select(audit)
            .where(audit.c.account_id == account_id)
            .order_by(audit.c.id.desc())
            .limit(count)
        )
        async with reading(self._engine) as connection:
            return [
                AuditEntry(
                    row.at,
                    Event(row.event),
                    row.account_id,
                    Origin(row.user_agent, row.address, row.request_id),
                )
                for row in await connection.execute(newest)
            ]

    @override
    @unbroken
    async def prune(self, before: int, count: int) -> int:
        old = (
            select(audit.c.id)
            .where(audit.c.at < before)
            .limit(count)
            .with_for_update(skip_locked=True)  # of those who prune at once nobody waits
        )
        async with writing(self._engine) as connection:
            return (await connection.execute(delete(audit).where(audit.c.id.in_(old)))).rowcount


async def note(
    connection: AsyncConnection, event: Event, account_id: int | None, origin: Origin
) -> None:
    """Write a row in the transaction of what it tells about."""
    await connection.execute(
        insert(audit).values(
            at=database_now_ms(),
            event=event.value,
            account_id=account_id,
            address=storable(origin.address),
            user_agent=storable(origin.user_agent),
            request_id=storable(origin.request_id),
        )
    )
