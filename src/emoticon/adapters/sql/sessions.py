"""Sign-ins of accounts."""

from sqlalchemy import insert, select, update
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from emoticon.adapters.sql.engine import unbroken, writing
from emoticon.adapters.sql.tables import accounts, sessions
from emoticon.domain.models import NewSession
from emoticon.domain.ports import Clock, SessionStore


class SqlSessionStore(SessionStore):
    """The table `sessions`, under the lock of the row in `accounts`."""

    def __init__(self, engine: AsyncEngine, clock: Clock) -> None:
        self._engine = engine
        self._clock = clock

    @override
    @unbroken
    async def start(
        self, account_id: int, session: NewSession, *, end_others: bool, raise_floor: bool
    ) -> int | None:
        account = (accounts.c.id == account_id) & accounts.c.deleted_at.is_(None)
        async with writing(self._engine) as connection:
            locked = await connection.scalar(
                select(accounts.c.version).where(account).with_for_update()
            )
            if locked is None:
                return None
            version: int = locked + 1
            # Read under the lock, for floors are found by when they were raised.
            now_ms = self._clock.now_ms()
            change = {"version": version}
            if raise_floor:
                change |= {"floor": version, "floor_at": now_ms}
            await connection.execute(update(accounts).where(account).values(change))
            if end_others:
                await connection.execute(
                    update(sessions)
                    .where(sessions.c.account_id == account_id, sessions.c.ended_at.is_(None))
                    .values(ended_at=now_ms, end_reason="superseded")
                )
            await connection.execute(insert(sessions).values(session_row(account_id, session)))
        return version


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


def storable(text: str) -> str:
    """Replace what no text column takes: NUL and lone surrogates."""
    return text.encode(errors="replace").decode().replace("\0", "?")
