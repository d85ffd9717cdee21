"""What accounts look like, and who may see it."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.audit import note
from emoticon.adapters.sql.changes import changing, database_now_ms
from emoticon.adapters.sql.engine import reading
from emoticon.adapters.sql.erasures import write_erasure
from emoticon.adapters.sql.rows import account_fields, account_from, look_text
from emoticon.adapters.sql.sessions import locked
from emoticon.adapters.sql.tables import accounts, originals
from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.models import Account, Change, Event, Look, Origin
from emoticon.domain.stores import LookStore
from emoticon.domain.unbroken import unbroken


class SqlLookStore(LookStore):
    """The columns `look`, `visibility` and `revision` of `accounts`, and the state of `originals`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def change(
        self, account_id: int, edit: Callable[[Look], Look], event: Event, origin: Origin
    ) -> tuple[Account, Change] | None:
        async with changing(self._engine) as recorder:
            connection = recorder.connection
            account = await locked(connection, account_id)
            if account is None:
                return None
            look = edit(account.look)
            changed = await revise(connection, account, look=look_text(look))
            recorder.change = Change(account_id, revision=changed.revision)
            await note(connection, event, account_id, origin)
            if look.original != account.look.original:
                await _exchange(connection, account_id, account.look.original, look.original)
                if account.look.original:
                    # The last, for from here on all erasures wait for one another.
                    await write_erasure(connection, account_id)
        return changed, recorder.change

    @override
    @unbroken
    async def show(
        self, account_id: int, visibility: str, origin: Origin
    ) -> tuple[Account, Change] | None:
        async with changing(self._engine) as recorder:
            account = await locked(recorder.connection, account_id)
            if account is None:
                return None
            changed = await revise(recorder.connection, account, visibility=visibility)
            recorder.change = Change(account_id, revision=changed.revision)
            await note(recorder.connection, Event.VISIBILITY, account_id, origin)
        return changed, recorder.change

    @override
    @unbroken
    async def public(self, username_key: str) -> Account | None:
        # The conditions stand in the statement: a row that is read and then not shown would take longer than none.
        wanted = select(*account_fields).where(
            accounts.c.username_key == username_key,
            accounts.c.visibility == "public",
            accounts.c.disabled_at.is_(None),
            accounts.c.deleted_at.is_(None),
        )
        async with reading(self._engine) as connection:
            row = (await connection.execute(wanted)).mappings().one_or_none()
        return None if row is None else account_from(row)

    @override
    @unbroken
    async def outdated(
        self, generator: str, version: int, *, after_id: int, count: int
    ) -> tuple[Sequence[Account], int]:
        wanted = (
            select(*account_fields)
            .where(accounts.c.id > after_id, accounts.c.deleted_at.is_(None))
            .order_by(accounts.c.id)
            .limit(count)
        )
        async with reading(self._engine) as connection:
            found = [account_from(row) for row in (await connection.execute(wanted)).mappings()]
        old = [
            account
            for account in found
            if account.look.generator == generator and account.look.generator_version < version
        ]
        return old, found[-1].id if len(found) == count else 0


async def revise(connection: AsyncConnection, account: Account, **columns: Any) -> Account:
    """Write columns of a locked account with its next revision, which other nodes are to find; return it."""
    changed = await connection.execute(
        update(accounts)
        .where(accounts.c.id == account.id)
        .values(revision=account.revision + 1, floor_at=database_now_ms(), **columns)
        .returning(*account_fields)
    )
    return account_from(changed.mappings().one())


async def _exchange(connection: AsyncConnection, account_id: int, old: str, new: str) -> None:
    if new:
        kept = await connection.execute(
            _state(account_id, new, "kept").where(originals.c.state == "new")
        )
        if kept.rowcount != 1:
            raise OriginalsUnavailable
    if old:
        await connection.execute(_state(account_id, old, "dropped"))


def _state(account_id: int, name: str, state: str) -> Any:
    return (
        update(originals)
        .where(originals.c.account_id == account_id, originals.c.name == name)
        .values(state=state)
    )
