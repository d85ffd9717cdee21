"""Share links."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, delete, func, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.audit import note
from emoticon.adapters.sql.changes import changing
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.looks import revise
from emoticon.adapters.sql.rows import account_fields, account_from
from emoticon.adapters.sql.sessions import locked
from emoticon.adapters.sql.tables import accounts, links
from emoticon.domain.errors import TooManyLinks
from emoticon.domain.models import Account, Change, Event, Link, NewLink, Origin
from emoticon.domain.stores import LinkStore
from emoticon.domain.unbroken import unbroken


class SqlLinkStore(LinkStore):
    """The table `links`. What adds to it or takes from it first locks the row of the account."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def add(
        self, account_id: int, link: NewLink, *, most: int, origin: Origin
    ) -> Link | None:
        async with writing(self._engine) as connection:
            if await locked(connection, account_id) is None:
                return None
            good = (
                select(func.count())
                .select_from(links)
                .where(links.c.account_id == account_id, _good(link.created_at))
            )
            if (await connection.execute(good)).scalar_one() >= most:
                raise TooManyLinks
            await connection.execute(
                insert(links).values(
                    id=link.id,
                    account_id=account_id,
                    label=link.label,
                    sizes=" ".join(map(str, link.sizes_px)),
                    created_at=link.created_at,
                    expires_at=link.expires_at,
                )
            )
            await note(connection, Event.LINK, account_id, origin)
        return Link(
            link.id,
            link.label,
            link.sizes_px,
            link.created_at,
            link.expires_at,
            account_id=account_id,
        )

    @override
    @unbroken
    async def of_account(self, account_id: int, *, now_ms: int) -> Sequence[Link]:
        wanted = (
            select(links)
            .where(links.c.account_id == account_id, _good(now_ms))
            .order_by(links.c.created_at.desc(), links.c.id)
        )
        async with reading(self._engine) as connection:
            return [_link(row) for row in await connection.execute(wanted)]

    @override
    @unbroken
    async def find(self, link_id: str) -> tuple[Link, Account] | None:
        wanted = (
            select(links, *(column.label(f"owner_{column.name}") for column in account_fields))
            .join(accounts, accounts.c.id == links.c.account_id)
            .where(
                links.c.id == link_id,
                accounts.c.disabled_at.is_(None),
                # A node of an earlier version deletes accounts and knows no links.
                accounts.c.deleted_at.is_(None),
            )
        )
        async with reading(self._engine) as connection:
            row = (await connection.execute(wanted)).one_or_none()
        if row is None:
            return None
        fields = zip(account_fields, row[-len(account_fields) :], strict=True)
        return _link(row), account_from({column.name: value for column, value in fields})

    @override
    @unbroken
    async def remove(self, account_id: int, link_id: str, origin: Origin) -> Change | None:
        async with changing(self._engine) as recorder:
            connection = recorder.connection
            account = await locked(connection, account_id)
            if account is None:
                return None
            gone = await connection.execute(
                delete(links).where(links.c.id == link_id, links.c.account_id == account_id)
            )
            if gone.rowcount != 1:
                return None
            changed = await revise(connection, account)
            recorder.change = Change(account_id, revision=changed.revision)
            await note(connection, Event.LINK_REVOKED, account_id, origin)
        return recorder.change

    @override
    @unbroken
    async def prune(self, expired_before: int, count: int) -> int:
        expired = (
            select(links.c.id)
            .where(links.c.expires_at < expired_before)
            .limit(count)
            .with_for_update(skip_locked=True)  # of those who prune at once nobody waits
        )
        async with writing(self._engine) as connection:
            return (await connection.execute(delete(links).where(links.c.id.in_(expired)))).rowcount


def _good(now_ms: int) -> Any:
    return or_(links.c.expires_at.is_(None), links.c.expires_at > now_ms)


def _link(row: Row[Any]) -> Link:
    return Link(
        row.id,
        row.label,
        tuple(map(int, row.sizes.split())),
        row.created_at,
        row.expires_at,
        account_id=row.account_id,
    )
