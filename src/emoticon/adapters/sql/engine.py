"""Opens the database, SQLite or PostgreSQL, and says what its failures mean.

A store method is one `reading` or one `writing` block: one short transaction. In SQLite a writing transaction takes the
write lock when it begins, since a reader that turns writer half-way can meet another one and is then thrown out.
"""

import asyncio
import logging
import os
import random
import sqlite3
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from weakref import WeakKeyDictionary

from sqlalchemy import URL, Connection, Engine, event, literal, make_url, select
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import ArgumentError, DBAPIError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry

from emoticon.domain.errors import StoreUnavailable

_CONNECT_TIMEOUT_S = 5.0
_RETRY_AFTER_S = 2
_SHORTEST_PAUSE_S = 0.25
_LONGEST_PAUSE_S = 5.0
_POOL_SIZE = 5
_SQLITE = "sqlite+aiosqlite"
_POSTGRESQL = "postgresql+asyncpg"
_OPTIONS = {
    _SQLITE: frozenset[str](),
    _POSTGRESQL: frozenset({"host", "port", "ssl", "sslmode", "target_session_attrs"}),
}

_TURN_S = 5.0

_writers: WeakKeyDictionary[Engine, asyncio.Lock] = WeakKeyDictionary()
_log = logging.getLogger(__name__)
_random = random.SystemRandom()

_REFUSING_STATES = ("08P01", "28", "3D000", "42501")
"""SQLSTATEs of a setting not taken, a wrong password or role, an unknown database, a missing privilege."""

_UNAVAILABLE_STATES = ("08", "25006", "25P0", "28", "3D000", "40", "53", "55P03", "57", "58", "XX0")
"""SQLSTATEs, or how they begin, of a server that is lost, full, busy, broken or a standby."""

_REFUSING_CODES = frozenset(
    {
        sqlite3.SQLITE_CANTOPEN,
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_PERM,
        sqlite3.SQLITE_READONLY,
    }
)
_UNAVAILABLE_CODES = _REFUSING_CODES | {
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_PROTOCOL,
}


class DatabaseRefused(Exception):
    """The database cannot be used as configured, and waiting will not change that. The text holds no secret."""


class DatabaseUnreachable(Exception):
    """The database did not answer in the time that was given. The text holds no secret."""


def open_engine(url: str, *, timeout_s: float = 5.0, connections: int = _POOL_SIZE) -> AsyncEngine:
    """Return a pool of connections to `sqlite+aiosqlite:///path` or `postgresql+asyncpg://...`; connects lazily.

    `timeout_s` bounds each wait for a statement, a lock or a free connection, of which there are `connections`, in
    PostgreSQL up to twice as many. The caller disposes of the engine.
    A SQLite file may be shared by several processes of one machine.

    Raises:
        DatabaseRefused: the address cannot be read or names another kind of database.

    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise DatabaseRefused("The address of the database cannot be read") from None
    if parsed.drivername not in _OPTIONS or parsed.database in {None, "", ":memory:"}:
        raise DatabaseRefused(
            "The address of the database is neither sqlite+aiosqlite:///path"
            " nor postgresql+asyncpg://user:password@host:port/name"
        )
    unknown = sorted(parsed.query.keys() - _OPTIONS[parsed.drivername])
    if unknown:
        raise DatabaseRefused(f"The address of the database has unknown options: {unknown}")
    if parsed.drivername == _SQLITE:
        return _open_sqlite(parsed, timeout_s, connections)
    return _open_postgresql(parsed, timeout_s, connections)


async def wait_for_database(
    engine: AsyncEngine, *, wait_s: float, on_wait: Callable[[int, str, float], None]
) -> None:
    """Return as soon as the database answers; try again with growing, jittered pauses of 0.25 to 5 s.

    `on_wait(step, reason, next_try_s)` is called before each pause; steps count from 1.

    Raises:
        DatabaseRefused: at once when waiting would not help.
        DatabaseUnreachable: `wait_s` have passed, and the attempt that then ran (up to 5 s) has failed too.

    """
    now = asyncio.get_running_loop().time
    give_up_at = now() + wait_s
    longest_s = 2 * _SHORTEST_PAUSE_S
    step = 0
    while True:
        try:
            async with engine.connect() as connection:
                await connection.execute(select(literal(1)))
        except (SQLAlchemyError, OSError) as error:
            why = reason(error)
            if is_refused(error) or not is_unavailable(error):
                raise DatabaseRefused(f"The database refuses: {why}") from error
            left_s = give_up_at - now()
            if left_s <= 0:
                raise DatabaseUnreachable(
                    f"The database did not answer within {wait_s:g} s: {why}"
                ) from error
        else:
            return
        step += 1
        pause_s = min(_random.uniform(max(_SHORTEST_PAUSE_S, longest_s / 2), longest_s), left_s)
        on_wait(step, why, pause_s)
        await asyncio.sleep(pause_s)
        longest_s = min(2 * longest_s, _LONGEST_PAUSE_S)


@asynccontextmanager
async def reading(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """Open a connection to read from; each statement is a transaction of its own in SQLite."""
    with translated():
        async with engine.connect() as connection:
            yield connection


@asynccontextmanager
async def writing(engine: AsyncEngine) -> AsyncGenerator[AsyncConnection]:
    """Open a transaction that writes; it is durable when the block has ended and undone when the block raises.

    SQLite has one writer at a time: those of this process queue here and not in the pool, where they would take the
    connections that readers need.
    """
    with translated():
        async with _turn(engine), engine.connect() as connection:
            await connection.execution_options(emoticon_writes=True)
            async with connection.begin():
                yield connection


@asynccontextmanager
async def _turn(engine: AsyncEngine) -> AsyncGenerator[None]:
    if engine.dialect.name != "sqlite":
        yield
        return
    lock = _writers.setdefault(engine.sync_engine, asyncio.Lock())
    async with asyncio.timeout(_TURN_S):
        await lock.acquire()
    try:
        yield
    finally:
        lock.release()


@contextmanager
def translated() -> Generator[None]:
    """Turn the errors of a lost, busy, full or broken database into StoreUnavailable. All others pass as they are."""
    try:
        yield
    except (SQLAlchemyError, OSError) as error:
        if not is_unavailable(error):
            raise
        _log.warning("The database of accounts is not available: %s", reason(error))
        raise StoreUnavailable(retry_after_s=_RETRY_AFTER_S) from error


@contextmanager
def refusals() -> Generator[None]:
    """Turn a refusal, such as a missing privilege, into DatabaseRefused. All other errors pass as they are."""
    try:
        yield
    except DBAPIError as error:
        if not is_refused(error):
            raise
        raise DatabaseRefused(f"The database refuses: {reason(error)}") from error


def is_unavailable(error: BaseException) -> bool:
    """Say whether the error lies in the state of the database rather than in what was asked of it."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _matches(
            error, _UNAVAILABLE_STATES, _UNAVAILABLE_CODES
        )
    return isinstance(error, OSError | PoolTimeout)  # TimeoutError is an OSError


def is_refused(error: BaseException) -> bool:
    """Say whether the same attempt will fail again until somebody changes the configuration."""
    return isinstance(error, DBAPIError) and _matches(error, _REFUSING_STATES, _REFUSING_CODES)


def reason(error: BaseException) -> str:
    """Return one line for people, without the statement, its values or the address of the database."""
    text = str(error.orig) if isinstance(error, DBAPIError) else str(error)
    return text.strip().partition("\n")[0] or type(error).__name__


def _matches(error: DBAPIError, states: tuple[str, ...], codes: frozenset[int]) -> bool:
    state = getattr(error.orig, "sqlstate", None) or ""
    code = getattr(error.orig, "sqlite_errorcode", 0)
    return state.startswith(states) or code & 0xFF in codes  # the low byte is the primary code


def _open_postgresql(url: URL, timeout_s: float, connections: int) -> AsyncEngine:
    sslmode = url.query.get("sslmode")
    if sslmode is not None:  # libpq's name for what asyncpg calls ssl
        url = url.difference_update_query(["sslmode"]).update_query_dict({"ssl": sslmode})
    milliseconds = str(round(timeout_s * 1000))
    return create_async_engine(
        url,
        hide_parameters=True,
        pool_size=connections,
        max_overflow=connections,
        pool_timeout=timeout_s,
        pool_pre_ping=True,
        connect_args={
            "timeout": _CONNECT_TIMEOUT_S,
            "command_timeout": timeout_s + 1,  # a server that works has given up before
            "server_settings": {
                "application_name": "emoticon",
                "statement_timeout": milliseconds,
                "idle_in_transaction_session_timeout": milliseconds,  # a frozen process holds no locks
            },
        },
    )


def _open_sqlite(url: URL, timeout_s: float, connections: int) -> AsyncEngine:
    engine = create_async_engine(
        url,
        hide_parameters=True,
        pool_size=connections,
        max_overflow=0,
        pool_timeout=timeout_s,
        connect_args={"timeout": timeout_s},
    )

    @event.listens_for(engine.sync_engine, "do_connect")
    def open_first(*_: object) -> None:
        path = str(url.database)
        with suppress(OSError):  # it exists, or SQLite says what is wrong
            # It will hold password hashes. SQLite gives its companions the same mode.
            os.close(os.open(path, os.O_CREAT | os.O_EXCL, 0o600))
        # Raises what cannot be opened here: aiosqlite's thread would outlive its failure and even the event loop.
        sqlite3.connect(path).close()

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: DBAPIConnection, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # `begin` below begins, not the driver
        cursor = connection.cursor()
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")  # what was acknowledged survives a power cut
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("emoticon_writes"):
            connection.exec_driver_sql("BEGIN IMMEDIATE")

    return engine
