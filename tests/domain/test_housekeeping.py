"""What is forgotten, when, and in which steps."""

import asyncio
import logging
from collections.abc import Mapping

import pytest
from sqlalchemy import func, insert, select
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, PASSWORD, Node, until
from typing_extensions import override

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.audit import SqlAuditStore
from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import accounts, audit, erasures, sessions
from emoticon.domain.errors import StoreUnavailable
from emoticon.domain.housekeeping import Housekeeping
from emoticon.domain.models import TokenPair

DAY_MS = 86_400_000


class Flaky(SqlAuditStore):
    """Can be away or slow, and counts how often it is asked to forget."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.away = False
        self.asked = 0
        self.answers = asyncio.Event()
        self.answers.set()

    @override
    async def prune(self, before: int, count: int) -> int:
        self.asked += 1
        await self.answers.wait()
        if self.away:
            raise StoreUnavailable
        return await super().prune(before, count)


@pytest.fixture
def flaky(engine: AsyncEngine) -> Flaky:
    return Flaky(engine)


@pytest.fixture
def housekeeping(engine: AsyncEngine, clock: ManualClock, flaky: Flaky) -> Housekeeping:
    return Housekeeping(
        SqlAccountStore(engine),
        SqlSessionStore(engine),
        flaky,
        SqlErasureStore(engine),
        clock,
        audit_days=90,
        name_hold_days=30,
    )


def nobody_listens(_kind: str, _count: int) -> None:
    return None


async def rows(engine: AsyncEngine) -> Mapping[str, int]:
    async with reading(engine) as connection:
        return {
            table.name: await connection.scalar(select(func.count()).select_from(table)) or 0
            for table in (sessions, audit, erasures, accounts)
        }


async def test_what_is_old_goes_and_nothing_else(
    engine: AsyncEngine,
    clock: ManualClock,
    housekeeping: Housekeeping,
    node: Node,
    alice: TokenPair,
) -> None:
    await node.accounts.sign_up("bob", PASSWORD, ORIGIN)
    await node.accounts.leave(await node.of(alice.access.value), PASSWORD, ORIGIN)
    await SqlErasureStore(engine).add(7)
    nothing = {"sessions": 0, "audit rows": 0, "erasures": 0, "deleted accounts": 0}
    assert await housekeeping.prune(nobody_listens) == nothing
    before = await rows(engine)
    clock.ms += 30 * DAY_MS - 60_000
    assert await housekeeping.prune(nobody_listens) == nothing
    clock.ms += 120_000
    assert await housekeeping.prune(nobody_listens) == nothing | {"deleted accounts": 1}
    clock.ms += 60 * DAY_MS - 120_000
    assert await housekeeping.prune(nobody_listens) == nothing
    clock.ms += DAY_MS
    # alice's went with her account
    assert await housekeeping.prune(nobody_listens) == nothing | {
        "sessions": before["sessions"] - 1,
        "audit rows": before["audit"],
        "erasures": 1,
    }
    # of erasures the newest stays
    assert await rows(engine) == {"sessions": 0, "audit": 0, "erasures": 1, "accounts": 1}


async def test_sessions_that_can_still_be_used_stay(
    engine: AsyncEngine,
    clock: ManualClock,
    housekeeping: Housekeeping,
    node: Node,
    alice: TokenPair,
) -> None:
    clock.ms += 89 * DAY_MS
    pair = await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    clock.ms += 2 * DAY_MS
    gone = await housekeeping.prune(nobody_listens)
    assert gone["sessions"] == 1
    assert (await rows(engine))["sessions"] == 1
    assert pair.refresh != alice.refresh


async def test_much_goes_in_short_steps_and_each_is_told(
    engine: AsyncEngine, housekeeping: Housekeeping
) -> None:
    row = {"at": 1, "event": "refresh", "address": "", "user_agent": "", "request_id": ""}
    async with writing(engine) as connection:
        await connection.execute(insert(audit), [row] * 1001)
    told: list[tuple[str, int]] = []
    gone = await housekeeping.prune(lambda kind, count: told.append((kind, count)))
    assert told == [("audit rows", 500), ("audit rows", 1000), ("audit rows", 1001)]
    assert gone["audit rows"] == 1001


async def test_several_may_do_it_at_once(engine: AsyncEngine, housekeeping: Housekeeping) -> None:
    row = {"at": 1, "event": "refresh", "address": "", "user_agent": "", "request_id": ""}
    async with writing(engine) as connection:
        await connection.execute(insert(audit), [row] * 1500)
    gone = await asyncio.gather(*(housekeeping.prune(nobody_listens) for _ in range(3)))
    assert sum(kinds["audit rows"] for kinds in gone) == 1500


async def test_without_the_store_nothing_is_forgotten_and_the_caller_hears_it(
    housekeeping: Housekeeping, flaky: Flaky
) -> None:
    flaky.away = True
    with pytest.raises(StoreUnavailable):
        await housekeeping.prune(nobody_listens)


async def test_it_goes_on_by_itself_also_after_the_store_was_away(
    housekeeping: Housekeeping, flaky: Flaky, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="emoticon.domain.housekeeping")
    flaky.away = True
    async with housekeeping.running(first_s=0, pause_s=0.01):
        await until(lambda: flaky.asked >= 2)
        assert {record.getMessage() for record in caplog.records} == {
            f"nothing was pruned: {StoreUnavailable.default_detail}"
        }
        flaky.away = False
        await until(lambda: "pruned: {'sessions': 0," in caplog.text)
        flaky.answers.clear()
        last = flaky.asked
        await until(lambda: flaky.asked > last)
    flaky.answers.set()
    assert flaky.asked == last + 1


async def test_it_waits_first_and_ends_with_the_block(
    housekeeping: Housekeeping, flaky: Flaky
) -> None:
    before = asyncio.all_tasks()
    async with housekeeping.running():
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks() - before) == 1
    assert asyncio.all_tasks() <= before
    assert flaky.asked == 0
