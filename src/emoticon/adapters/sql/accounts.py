"""Accounts by id and by folded name."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.audit import note
from emoticon.adapters.sql.changes import Recorder, changing, database_now_ms
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.erasures import write_erasure
from emoticon.adapters.sql.leaving import empty
from emoticon.adapters.sql.rows import account_fields, account_from, account_row
from emoticon.adapters.sql.sessions import end_sessions, locked, raise_version, session_row
from emoticon.adapters.sql.tables import MAX_ID, accounts, sessions, storable
from emoticon.domain.errors import UsernameTaken
from emoticon.domain.models import Account, Change, Event, NewAccount, NewSession, Origin
from emoticon.domain.stores import AccountStore
from emoticon.domain.unbroken import unbroken

_HERE = accounts.c.deleted_at.is_(None)


class SqlAccountStore(AccountStore):
    """The table `accounts`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def add(self, account: NewAccount, session: NewSession, *, free_before: int) -> Account:
        row = account_row(account, created_at=session.created_at)
        async with writing(self._engine) as connection:
            await connection.execute(
                delete(accounts).where(
                    accounts.c.username_key == account.username_key,
                    accounts.c.deleted_at < free_before,
                )
            )
            try:
                added = await connection.execute(
                    insert(accounts).values(row).returning(*account_fields)
                )
            except IntegrityError as error:
                # PostgreSQL names the constraint, SQLite the column.
                if "username_key" not in str(error.orig):
                    raise
                raise UsernameTaken from None
            new = account_from(added.mappings().one())
            await connection.execute(insert(sessions).values(session_row(new.id, session)))
            await note(connection, Event.SIGN_UP, new.id, session.origin)
        return new

    @override
    @unbroken
    async def by_id(self, account_id: int) -> Account | None:
        if not 0 < account_id <= MAX_ID:
            return None
        return await self._one(accounts.c.id == account_id)

    @override
    @unbroken
    async def by_username_key(self, username_key: str) -> Account | None:
        if storable(username_key) != username_key:
            return None
        return await self._one(accounts.c.username_key == username_key)

    @override
    @unbroken
    async def page(self, *, after_id: int, count: int) -> Sequence[Account]:
        wanted = (
            select(*account_fields)
            .where(accounts.c.id > after_id, _HERE)
            .order_by(accounts.c.id)
            .limit(count)
        )
        async with reading(self._engine) as connection:
            return [account_from(row) for row in (await connection.execute(wanted)).mappings()]

    @override
    @unbroken
    async def last_used(self, count: int) -> Sequence[Account]:
        used = (
            select(sessions.c.account_id, func.max(sessions.c.last_used_at).label("at"))
            .where(sessions.c.ended_at.is_(None))
            .group_by(sessions.c.account_id)
            .subquery()
        )
        wanted = (
            select(*account_fields)
            .join(used, used.c.account_id == accounts.c.id)
            .where(_HERE, accounts.c.disabled_at.is_(None))
            .order_by(used.c.at.desc(), accounts.c.id)
            .limit(count)
        )
        async with reading(self._engine) as connection:
            return [account_from(row) for row in (await connection.execute(wanted)).mappings()]

    @override
    @unbroken
    async def replace_password_hash(self, account_id: int, *, old: str, new: str) -> bool:
        async with writing(self._engine) as connection:
            changed = await connection.execute(
                update(accounts)
                .where(accounts.c.id == account_id, accounts.c.password_hash == old, _HERE)
                .values(password_hash=new)
            )
        return changed.rowcount == 1

    @override
    @unbroken
    async def change_password(
        self,
        account_id: int,
        *,
        old: str | None,
        new: str,
        session: NewSession | None,
        origin: Origin,
    ) -> Change | None:
        async with changing(self._engine) as recorder:
            account = await locked(recorder.connection, account_id)
            if account is None or (old is not None and account.password_hash != old):
                return None
            if session is not None and account.disabled_at is not None:
                return None
            await self._end(recorder, account, Event.PASSWORD, origin, password_hash=new)
            if session is not None:
                row = session_row(account_id, session)
                await recorder.connection.execute(insert(sessions).values(row))
        return recorder.change

    @override
    @unbroken
    async def disable(self, account_id: int, origin: Origin) -> Change | None:
        async with changing(self._engine) as recorder:
            account = await locked(recorder.connection, account_id)
            if account is None:
                return None
            stamp = {"disabled_at": database_now_ms()}
            await self._end(recorder, account, Event.DISABLED, origin, **stamp)
        return recorder.change

    @override
    @unbroken
    async def enable(self, account_id: int, origin: Origin) -> bool:
        async with writing(self._engine) as connection:
            if await locked(connection, account_id) is None:
                return False
            await connection.execute(
                update(accounts).where(accounts.c.id == account_id).values(disabled_at=None)
            )
            await note(connection, Event.ENABLED, account_id, origin)
        return True

    @override
    @unbroken
    async def delete(self, account_id: int, origin: Origin) -> Change | None:
        async with changing(self._engine) as recorder:
            account = await locked(recorder.connection, account_id)
            if account is None:
                return None
            nothing = {"deleted_at": database_now_ms(), "password_hash": "", "look": "{}"}
            await self._end(recorder, account, Event.DELETION, origin, **nothing)
            await empty(recorder.connection, account_id)
            # The last, for from here on all deletions wait for one another.
            await write_erasure(recorder.connection, account_id)
        return recorder.change

    @override
    @unbroken
    async def prune(self, deleted_before: int, count: int) -> int:
        gone = (
            select(accounts.c.id)
            .where(accounts.c.deleted_at < deleted_before)
            .limit(count)
            .with_for_update(skip_locked=True)  # of those who prune at once nobody waits
        )
        async with writing(self._engine) as connection:
            forgotten = await connection.execute(delete(accounts).where(accounts.c.id.in_(gone)))
            return forgotten.rowcount

    @override
    @unbroken
    async def ping(self) -> None:
        async with reading(self._engine) as connection:
            await connection.execute(select(literal(1)))

    async def _one(self, condition: ColumnElement[bool]) -> Account | None:
        async with reading(self._engine) as connection:
            found = await connection.execute(select(*account_fields).where(condition, _HERE))
            row = found.mappings().one_or_none()
        return None if row is None else account_from(row)

    async def _end(
        self, recorder: Recorder, account: Account, event: Event, origin: Origin, **columns: Any
    ) -> None:
        """Write the columns of a locked account and end all its tokens and sessions for the reason of the event."""
        connection = recorder.connection
        version = await raise_version(connection, account, floor=True)
        recorder.change = Change(account.id, floor=version)
        await connection.execute(
            update(accounts).where(accounts.c.id == account.id).values(columns)
        )
        await end_sessions(connection, account.id, event)
        await note(connection, event, account.id, origin)
