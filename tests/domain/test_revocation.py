"""How a node hears of changes: at once by the bulletin, always by the store, and what it does when it hears nothing."""

import asyncio
import logging
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import LIFE_S, ORIGIN, PASSWORD, Node, new_node, rejected, until
from tests.domain.switches import Radio, Written
from typing_extensions import override

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.domain.errors import (
    FloorsStale,
    SessionEnded,
    SessionSuperseded,
    StoreUnavailable,
)
from emoticon.domain.models import Change, Origin
from emoticon.domain.unbroken import unbroken


@pytest.fixture
def database(sqlite_database: str) -> str:
    """One kind is enough for what takes its seconds; the contracts of the stores are tested over both."""
    return sqlite_database


@pytest.fixture
async def token(node: Node) -> str:
    return (await node.accounts.sign_up("alice", PASSWORD, ORIGIN)).access.value


async def sign_out(node: Node, token: str) -> None:
    await node.sessions.sign_out(await node.of(token), ORIGIN)


async def test_a_change_on_one_node_arrives_on_the_other(
    node: Node, other: Node, token: str
) -> None:
    await other.revocation.start()
    newer = (await node.sessions.sign_in("alice", PASSWORD, ORIGIN)).access.value
    await other.of(newer)
    with pytest.raises(SessionSuperseded):
        await other.of(token)
    await sign_out(other, newer)
    await asyncio.sleep(0)  # a bulletin in this process needs no more
    with pytest.raises(SessionEnded):
        await node.of(newer)
    assert len(node.verified) == len(other.verified) == 0


async def test_news_that_arrive_withdraw_what_the_node_remembers(
    node: Node, other: Node, token: str
) -> None:
    await other.revocation.start()
    await other.of(token)
    await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    await until(lambda: len(other.verified) == 0)
    assert await rejected(token, other)


async def test_a_change_counts_here_before_the_others_hear_of_it(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> None:
    class Witness(Radio):
        """Looks at the floors of the publisher."""

        @override
        async def publish(self, change: Change) -> None:
            known.append(not publisher.floors.merge(change))

    known: list[bool] = []
    publisher = new_node(engine, clock, Witness(bulletin))
    await publisher.revocation.announce(Change(1, floor=2))
    assert known == [True]


async def test_whoever_cannot_tell_the_others_goes_on(
    other: Node, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    radio.on = False
    with caplog.at_level(logging.INFO):
        await other.revocation.announce(Change(1, floor=2))
    assert not other.floors.merge(Change(1, floor=2))
    assert not caplog.records


async def test_the_store_alone_tells_of_every_change(
    node: Node, other: Node, radio: Radio, token: str
) -> None:
    radio.on = False
    await other.revocation.start()
    await other.of(token)
    newer = (await node.sessions.sign_in("alice", PASSWORD, ORIGIN)).access.value
    await until(lambda: rejected(token, other))
    await other.of(newer)
    await sign_out(node, newer)
    await until(lambda: rejected(newer, other))
    with pytest.raises(SessionEnded):
        await other.of(newer)


async def test_a_fresh_node_knows_what_happened_before_it_started(
    node: Node, other: Node, store: Written, token: str
) -> None:
    newer = (await node.sessions.sign_in("alice", PASSWORD, ORIGIN)).access.value
    await sign_out(node, newer)
    with pytest.raises(FloorsStale):
        await other.of(newer)
    with pytest.raises(FloorsStale):
        await other.revocation.require_fresh()
    await other.revocation.start()
    await other.revocation.require_fresh()
    assert store.asked == [(LIFE_S + 60) * 1000]
    with pytest.raises(SessionSuperseded):
        await other.of(token)
    with pytest.raises(SessionEnded):
        await other.of(newer)


async def test_what_is_published_while_the_store_is_read_at_the_start_is_heard(
    bulletin: LocalBulletin, other: Node, store: Written
) -> None:
    published: list[asyncio.Task[None]] = []

    def publish() -> None:
        published.append(asyncio.create_task(bulletin.publish(Change(1, floor=2))))

    store.meanwhile = publish
    await other.revocation.start()
    await until(lambda: other.floors.mark(1) != 0)
    await published[0]


async def test_a_start_without_the_store_fails_and_can_be_closed(
    other: Node, store: Written
) -> None:
    store.error = StoreUnavailable()
    with pytest.raises(StoreUnavailable):
        await other.revocation.start()
    with pytest.raises(FloorsStale):
        await other.revocation.require_fresh()
    await other.revocation.aclose()


async def test_closing_stops_all_and_twice_is_once(
    bulletin: LocalBulletin, other: Node, radio: Radio, store: Written
) -> None:
    before = asyncio.all_tasks()
    await other.revocation.start()
    assert len(asyncio.all_tasks() - before) == 2
    await other.revocation.aclose()
    await other.revocation.aclose()
    assert asyncio.all_tasks() <= before
    assert radio.closed == 2, "which a bulletin takes"
    await bulletin.publish(Change(1, floor=2))
    assert other.floors.merge(Change(1, floor=2))
    assert len(store.asked) == 1


async def test_closing_waits_for_a_reading_under_way(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> None:
    class Slow(Written):
        """Is read from, and takes its time, from the second time on."""

        reading = asyncio.Event()
        may_return = asyncio.Event()
        returned = False

        @override
        @unbroken
        async def recent(self, age_ms: int) -> Sequence[Change]:
            changes = await super().recent(age_ms)
            if len(self.asked) > 1:
                self.reading.set()
                await self.may_return.wait()
                self.returned = True
            return changes

    slow = Slow(engine)
    node = new_node(engine, clock, bulletin, floor_store=slow)
    await node.revocation.start()
    await slow.reading.wait()
    closing = asyncio.create_task(node.revocation.aclose())
    await asyncio.sleep(0)
    slow.may_return.set()
    await closing
    assert slow.returned


async def test_closing_what_was_never_started_closes_the_bulletin(
    other: Node, radio: Radio
) -> None:
    await other.revocation.aclose()
    assert radio.closed == 1


async def test_who_goes_away_after_the_commit_has_still_told_everybody(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin, node: Node, token: str
) -> None:
    class Slow(SqlSessionStore):
        """Has written, and takes its time to say so."""

        written = asyncio.Event()
        returns = asyncio.Event()

        @override
        async def end_all(self, account_id: int, origin: Origin) -> Change | None:
            change = await super().end_all(account_id, origin)
            self.written.set()
            await self.returns.wait()
            return change

    slow = Slow(engine)
    busy = new_node(engine, clock, bulletin, session_store=slow)
    account_id = (await node.of(token)).account.id
    caller = asyncio.create_task(busy.sessions.sign_out_everywhere(account_id, ORIGIN))
    await slow.written.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    await node.of(token)
    slow.returns.set()
    await until(lambda: rejected(token, node))
