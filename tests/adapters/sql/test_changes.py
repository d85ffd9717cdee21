"""The clock of the database, stamps that may not be old when they can be seen, and how they are looked up."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine
from tests.accounts import new_account, new_session
from tests.contracts.writes import WRITES, Write
from tests.servers import PostgresServer, opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.audit import SqlAuditStore
from emoticon.adapters.sql.changes import (
    LATEST_COMMIT_MS,
    OVERLAP_MS,
    SqlFloorStore,
    changing,
    database_now_ms,
    stamp,
)
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import accounts, audit, erasures, metadata, sessions
from emoticon.domain.models import Account, Change, Event, Origin

FIRST = "a" * 32
SHORT_MS = 50
CLOCK_STEP_MS = 2_000


@pytest.fixture
async def alice(engine: AsyncEngine) -> Account:
    return await added(engine)


async def added(engine: AsyncEngine) -> Account:
    return await SqlAccountStore(engine).add(
        new_account("alice", password_hash="old"), new_session(id=FIRST), free_before=0
    )


async def now(connection: AsyncConnection) -> int:
    return int((await connection.execute(select(database_now_ms()))).scalar_one())


async def wait_until(connection: AsyncConnection, at_ms: int) -> None:
    async with asyncio.timeout(10):
        while await now(connection) <= at_ms:
            pass


async def stamps(engine: AsyncEngine) -> tuple[int, int | None]:
    async with reading(engine) as connection:
        floor_at = (await connection.execute(select(accounts.c.floor_at))).scalar_one()
        ended_at = (await connection.execute(select(sessions.c.ended_at))).scalar_one()
    return floor_at, ended_at


# -- the clock ----------------------------------------------------------------------------------


async def test_the_clock_of_the_database_counts_milliseconds_since_1970(
    engine: AsyncEngine,
) -> None:
    async with reading(engine) as connection:
        assert abs(await now(connection) - time.time() * 1000) < CLOCK_STEP_MS


async def test_the_clock_goes_on_while_a_transaction_is_open(engine: AsyncEngine) -> None:
    async with writing(engine) as connection:
        await wait_until(connection, await now(connection) + 5)


# -- stamps -------------------------------------------------------------------------------------


async def change_slowly(engine: AsyncEngine, change: Change | None, latest_ms: int) -> int:
    """Stamp the change, take longer than SHORT_MS to commit, and return when it was stamped at the latest."""
    async with changing(engine, latest_commit_ms=latest_ms) as recorder:
        await recorder.connection.execute(
            update(sessions).values(ended_at=1, end_reason="sign_out")
        )
        if change is not None:
            await stamp(recorder.connection, change)
        recorder.change = change
        stamped_by = await now(recorder.connection)
        await wait_until(recorder.connection, stamped_by + 2 * SHORT_MS)
    return stamped_by


async def test_a_floor_that_took_too_long_to_commit_is_stamped_again(
    engine: AsyncEngine, alice: Account
) -> None:
    stamped_by = await change_slowly(engine, Change(alice.id, floor=1), SHORT_MS)
    floor_at, ended_at = await stamps(engine)
    assert floor_at > stamped_by + SHORT_MS
    assert ended_at == 1


async def test_an_end_that_took_too_long_to_commit_is_stamped_again(
    engine: AsyncEngine, alice: Account
) -> None:
    stamped_by = await change_slowly(engine, Change(alice.id, session_id=FIRST), SHORT_MS)
    floor_at, ended_at = await stamps(engine)
    assert floor_at == 0
    assert ended_at is not None
    assert ended_at > stamped_by + SHORT_MS


async def test_what_was_committed_in_time_keeps_its_stamp(
    engine: AsyncEngine, alice: Account
) -> None:
    change = Change(alice.id, floor=1, session_id=FIRST)
    stamped_by = await change_slowly(engine, change, LATEST_COMMIT_MS)
    floor_at, ended_at = await stamps(engine)
    assert 0 < floor_at <= stamped_by
    assert ended_at is not None
    assert 1 < ended_at <= stamped_by


@pytest.mark.usefixtures("alice")
async def test_a_slow_transaction_that_has_changed_nothing_stamps_nothing(
    engine: AsyncEngine,
) -> None:
    await change_slowly(engine, None, SHORT_MS)
    assert await stamps(engine) == (0, 1)


async def test_a_session_that_is_open_again_is_not_stamped_as_ended(
    engine: AsyncEngine, alice: Account
) -> None:
    async with writing(engine) as connection:
        await stamp(connection, Change(alice.id, session_id=FIRST))
    assert await stamps(engine) == (0, None)


def test_looks_overlap_by_more_than_a_commit_may_take() -> None:
    assert OVERLAP_MS >= 2 * LATEST_COMMIT_MS


SLOW_COMMIT = [
    f"""
    CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
    AS 'BEGIN PERFORM pg_sleep({LATEST_COMMIT_MS / 1000 + 0.1}); RETURN NULL; END'
    """,
    """
    CREATE CONSTRAINT TRIGGER waiting AFTER UPDATE ON accounts DEFERRABLE INITIALLY DEFERRED
    FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION wait()
    """,
]


async def test_when_the_disk_is_slow_to_commit_the_floor_is_as_new_as_the_answer(
    postgres_database: str,
) -> None:
    async with opened(postgres_database) as engine:
        alice = await added(engine)
        async with writing(engine) as connection:
            for statement in SLOW_COMMIT:
                await connection.execute(text(statement))
        async with reading(engine) as connection:
            begun = await now(connection)
        assert await SqlSessionStore(engine).end_all(alice.id, Origin()) is not None
        floor_at, _ = await stamps(engine)
        assert floor_at > begun + LATEST_COMMIT_MS


# -- looking them up ----------------------------------------------------------------------------

Call = Callable[[AsyncEngine], Awaitable[object]]


async def plans_of(engine: AsyncEngine, call: Call) -> list[str]:
    """Return how the database does what a call asks of it."""
    heard: list[tuple[str, tuple[object, ...]]] = []

    def hear(*arguments: object) -> None:
        _, _, statement, parameters, *_ = arguments
        assert isinstance(statement, str)
        assert isinstance(parameters, tuple)
        heard.append((statement, parameters))

    event.listen(engine.sync_engine, "before_cursor_execute", hear)
    await call(engine)
    event.remove(engine.sync_engine, "before_cursor_execute", hear)
    how = "EXPLAIN QUERY PLAN" if engine.dialect.name == "sqlite" else "EXPLAIN"
    steps = []
    async with reading(engine) as connection:
        for statement, parameters in heard:
            if statement.startswith(("SELECT", "UPDATE", "DELETE", "INSERT INTO erasures")):
                rows = await connection.exec_driver_sql(f"{how} {statement}", parameters)
                steps += [str(row[-1]).strip() for row in rows]
    return steps


async def done_to_alice(write: Write, engine: AsyncEngine) -> None:
    await write.run(engine, await added(engine))


LOOKS: dict[str, Call] = {
    "recent": lambda engine: SqlFloorStore(engine).recent(1_000),
    "by id": lambda engine: SqlAccountStore(engine).by_id(1),
    "by name": lambda engine: SqlAccountStore(engine).by_username_key("alice"),
    "page": lambda engine: SqlAccountStore(engine).page(after_id=1, count=10),
    "open sessions": lambda engine: SqlSessionStore(engine).open_of(1, now_ms=1, idle_ms=1),
    "audit": lambda engine: SqlAuditStore(engine).of_account(1, 10),
    "old sessions": lambda engine: SqlSessionStore(engine).prune(1, 10),
    "old audit": lambda engine: SqlAuditStore(engine).prune(1, 10),
    "old accounts": lambda engine: SqlAccountStore(engine).prune(1, 10),
    "log of erasures": lambda engine: SqlErasureStore(engine).log(),
    "erasures": lambda engine: SqlErasureStore(engine).after(1, 10),
    "new erasure": lambda engine: SqlErasureStore(engine).add(1),
    "old erasures": lambda engine: SqlErasureStore(engine).prune(1, 10),
}
LOOKS |= {write.name: partial(done_to_alice, write) for write in WRITES}


@pytest.mark.parametrize("call", LOOKS.values(), ids=LOOKS)
async def test_no_table_is_read_from_end_to_end(
    database: str, request: pytest.FixtureRequest, call: Call
) -> None:
    if database.startswith("postgresql"):  # which does so with small tables unless it is told
        server: PostgresServer = request.getfixturevalue("postgres")
        name = database.rpartition("/")[2]
        server.sql(f"ALTER DATABASE {name} SET enable_seqscan = off")
    async with opened(database) as engine:
        steps = await plans_of(engine, call)
    assert steps
    tables = tuple(f"SCAN {name}" for name in metadata.tables)
    assert [step for step in steps if "Seq Scan" in step or step.startswith(tables)] == []


# -- forgetting ---------------------------------------------------------------------------------


async def test_whoever_forgets_waits_for_nobody(postgres_database: str) -> None:
    async with opened(postgres_database) as engine, opened(postgres_database) as other:
        for number in range(3):
            account = await SqlAccountStore(engine).add(
                new_account(f"user{number}"), new_session(id=str(number) * 32), free_before=0
            )
            await SqlAuditStore(engine).add(Event.SIGN_IN_FAILED, account.id, Origin())
            await SqlErasureStore(engine).add(account.id)
        old = {accounts: "deleted_at", sessions: "expires_at", audit: "at", erasures: "at"}
        async with writing(engine) as connection:
            for table, column in old.items():
                await connection.execute(update(table).values({column: 1}))
        async with writing(engine) as connection:
            for table in old:
                first = select(table).order_by(*table.primary_key).limit(1).with_for_update()
                await connection.execute(first)
            assert await SqlSessionStore(other).prune(2, 100) == 2
            assert await SqlAuditStore(other).prune(2, 100) == 5
            assert await SqlErasureStore(other).prune(2, 100) == 1
            assert await SqlAccountStore(other).prune(2, 100) == 2
        assert await SqlAccountStore(other).prune(2, 100) == 1
