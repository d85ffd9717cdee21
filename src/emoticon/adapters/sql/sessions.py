"""Sign-ins of accounts."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Row, Select, delete, insert, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.audit import note
from emoticon.adapters.sql.changes import changing, database_now_ms
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.rows import account_fields, account_from
from emoticon.adapters.sql.tables import accounts, sessions, storable
from emoticon.domain.models import Account, Change, Event, NewSession, Origin, Rotation, Session
from emoticon.domain.stores import SessionStore
from emoticon.domain.unbroken import unbroken

SUPERSEDED: Final = "superseded"
EXPIRED: Final = "expired"
_SHOWN: Final = 100
_OPEN = sessions.c.ended_at.is_(None)


class SqlSessionStore(SessionStore):
    """The table `sessions`. What changes one first locks the row of its account, then its own."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    @override
    @unbroken
    async def start(
        self, account_id: int, session: NewSession, *, end_others: bool, raise_floor: bool
    ) -> int | None:
        async with changing(self._engine) as recorder:
            connection = recorder.connection
            account = await locked(connection, account_id)
            if account is None or account.disabled_at is not None:
                return None
            version = await raise_version(connection, account, floor=raise_floor)
            if raise_floor:
                recorder.change = Change(account_id, floor=version)
            if end_others:
                await end_sessions(connection, account_id, SUPERSEDED)
            await connection.execute(insert(sessions).values(session_row(account_id, session)))
            await note(connection, Event.SIGN_IN, account_id, session.origin)
        return version

    @override
    @unbroken
    async def rotate(
        self,
        session_id: str,
        counter: int,
        *,
        now_ms: int,
        grace_ms: int,
        idle_ms: int,
        raise_floor: bool,
        origin: Origin,
    ) -> Rotation | Change | None:
        async with changing(self._engine) as recorder:
            connection = recorder.connection
            account, session = await _locked_session(connection, session_id)
            if account is None or session is None or account.disabled_at is not None:
                return None
            if now_ms >= min(session.expires_at, session.last_used_at + idle_ms):
                await _end(connection, session.id, EXPIRED)
                return None
            version = account.version
            current: int = session.refresh_counter
            repeated = 0 <= counter == current - 1
            # Callers wait for the lock with the time at which they came: it may be before the first use.
            if repeated and max(0, now_ms - session.rotated_at) < grace_ms:
                return Rotation(
                    account, session.id, current, version, session.expires_at, repeated=True
                )
            if counter != current:
                recorder.change = Change(account.id, session_id=session.id)
                await _end(connection, session.id, Event.REFRESH_REUSE)
                await note(connection, Event.REFRESH_REUSE, account.id, origin)
                return recorder.change
            version = await raise_version(connection, account, floor=raise_floor)
            if raise_floor:
                recorder.change = Change(account.id, floor=version)
            await connection.execute(
                update(sessions)
                .where(sessions.c.id == session.id)
                .values(refresh_counter=current + 1, rotated_at=now_ms, last_used_at=now_ms)
            )
            await note(connection, Event.REFRESH, account.id, origin)
            return Rotation(account, session.id, current + 1, version, session.expires_at)

    @override
    @unbroken
    async def end(
        self, session_id: str, *, account_id: int | None, event: Event, origin: Origin
    ) -> Change | None:
        async with changing(self._engine) as recorder:
            account, session = await _locked_session(recorder.connection, session_id)
            if account is None or session is None or account_id not in {None, account.id}:
                return None
            recorder.change = Change(account.id, session_id=session_id)
            await _end(recorder.connection, session_id, event)
            await note(recorder.connection, event, account.id, origin)
        return recorder.change

    @override
    @unbroken
    async def end_all(self, account_id: int, origin: Origin) -> Change | None:
        async with changing(self._engine) as recorder:
            account = await locked(recorder.connection, account_id)
            if account is None:
                return None
            version = await raise_version(recorder.connection, account, floor=True)
            recorder.change = Change(account_id, floor=version)
            await end_sessions(recorder.connection, account_id, Event.SIGN_OUT_EVERYWHERE)
            await note(recorder.connection, Event.SIGN_OUT_EVERYWHERE, account_id, origin)
        return recorder.change

    @override
    @unbroken
    async def open_of(self, account_id: int, *, now_ms: int, idle_ms: int) -> Sequence[Session]:
        usable = (
            select(sessions)
            .where(
                sessions.c.account_id == account_id,
                _OPEN,
                sessions.c.expires_at > now_ms,
                sessions.c.last_used_at > now_ms - idle_ms,
            )
            .order_by(sessions.c.last_used_at.desc(), sessions.c.id)
            .limit(_SHOWN)
        )
        async with reading(self._engine) as connection:
            return [
                Session(
                    row.id,
                    row.created_at,
                    row.last_used_at,
                    row.expires_at,
                    row.user_agent,
                    row.address,
                )
                for row in await connection.execute(usable)
            ]

    @override
    @unbroken
    async def prune(self, over_before: int, count: int) -> int:
        over = (
            select(sessions.c.id)
            .where(or_(sessions.c.ended_at < over_before, sessions.c.expires_at < over_before))
            .limit(count)
            .with_for_update(skip_locked=True)  # nobody waits, so nobody waits in a circle
        )
        async with writing(self._engine) as connection:
            gone = await connection.execute(delete(sessions).where(sessions.c.id.in_(over)))
            return gone.rowcount


async def locked(connection: AsyncConnection, account_id: int) -> Account | None:
    """Return the account, which nobody else changes until the transaction ends; None when there is none."""
    row = (
        (
            await connection.execute(
                select(*account_fields)
                .where(accounts.c.id == account_id, accounts.c.deleted_at.is_(None))
                .with_for_update()
            )
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else account_from(row)


async def raise_version(connection: AsyncConnection, account: Account, *, floor: bool) -> int:
    """Give a locked account its next version, and the floor that goes with it; return the version."""
    version = account.version + 1
    change: dict[str, Any] = {"version": version}
    if floor:
        change |= {"floor": version, "floor_at": database_now_ms()}
    await connection.execute(update(accounts).where(accounts.c.id == account.id).values(change))
    return version


async def end_sessions(connection: AsyncConnection, account_id: int, reason: str) -> None:
    """End every open session of a locked account."""
    await connection.execute(
        update(sessions)
        .where(sessions.c.account_id == account_id, _OPEN)
        .values(ended_at=database_now_ms(), end_reason=reason)
    )


def session_row(account_id: int, session: NewSession) -> dict[str, object]:
    """Return the columns of a session that has just been opened."""
    return {
        "id": session.id,
        "account_id": account_id,
        "refresh_counter": 0,
        "created_at": session.created_at,
        "last_used_at": session.created_at,
        "expires_at": session.expires_at,
        "user_agent": storable(session.origin.user_agent),
        "address": storable(session.origin.address),
    }


async def _locked_session(
    connection: AsyncConnection, session_id: str
) -> tuple[Account | None, Row[Any] | None]:
    """Return an open session and its account, both locked, in this order; None for what is not there."""
    found: Select[Any] = select(sessions).where(sessions.c.id == session_id, _OPEN)
    unlocked = (await connection.execute(found)).one_or_none()
    if unlocked is None:
        return None, None
    account = await locked(connection, unlocked.account_id)
    session = (await connection.execute(found.with_for_update())).one_or_none()
    return account, session


async def _end(connection: AsyncConnection, session_id: str, reason: str) -> None:
    await connection.execute(
        update(sessions)
        .where(sessions.c.id == session_id)
        .values(ended_at=database_now_ms(), end_reason=reason)
    )
