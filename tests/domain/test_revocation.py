"""How a node hears of changes: at once by the bulletin, always by the store, and what it does when it hears nothing."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import LIFE_S, ORIGIN, PASSWORD, Node, is_fresh, new_node, rejected, until
from typing_extensions import override

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.sql.changes import SqlFloorStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.domain.errors import (
    BulletinUnavailable,
    FloorsStale,
    SessionEnded,
    SessionSuperseded,
    StoreUnavailable,
)
from emoticon.domain.models import Change, Origin
from emoticon.domain.ports import Bulletin
from emoticon.domain.revocation import LONGEST_READ_MS


class Written(SqlFloorStore):
    """Fails or does something else on purpose, and notes how far back it was asked to look."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.asked: list[int] = []
        self.error: Exception | None = None
        self.meanwhile: Callable[[], None] = lambda: None

    @override
    async def recent(self, age_ms: int) -> Sequence[Change]:
        self.asked.append(age_ms)
        if self.error is not None:
            raise self.error
        changes = await super().recent(age_ms)
        self.meanwhile()
        return changes


class Radio(Bulletin):
    """Another bulletin, with a switch."""

    def __init__(self, real: LocalBulletin) -> None:
        self.real = real
        self.on = True
        self.subscribed = 0
        self.closed = 0

    @override
    async def publish(self, change: Change) -> None:
        if not self.on:
            raise BulletinUnavailable
        await self.real.publish(change)

    @override
    async def subscribe(self) -> AsyncIterator[Change]:
        self.subscribed += 1
        if not self.on:
            raise BulletinUnavailable
        return await self.real.subscribe()

    @override
    async def aclose(self) -> None:
        self.closed += 1


@pytest.fixture
def database(sqlite_database: str) -> str:
    """One kind is enough for what takes its seconds; the contracts of the stores are tested over both."""
    return sqlite_database


@pytest.fixture
def store(engine: AsyncEngine) -> Written:
    return Written(engine)


@pytest.fixture
def radio(bulletin: LocalBulletin) -> Radio:
    return Radio(bulletin)


@pytest.fixture
async def other(
    engine: AsyncEngine, clock: ManualClock, radio: Radio, store: Written
) -> AsyncIterator[Node]:
    """A second node, which the test starts."""
    opened = new_node(engine, clock, radio, floor_store=store)
    yield opened
    await opened.revocation.aclose()


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


@pytest.mark.parametrize("error", [StoreUnavailable(), RuntimeError("a defect")])
async def test_floors_that_cannot_be_read_go_stale_are_said_once_and_recover(
    other: Node,
    store: Written,
    clock: ManualClock,
    error: Exception,
    caplog: pytest.LogCaptureFixture,
) -> None:
    await other.revocation.start()
    store.error = error
    await until(lambda: len(store.asked) >= 3)
    clock.ms += 5001
    with pytest.raises(FloorsStale):
        await other.revocation.require_fresh()
    assert [record.getMessage() for record in caplog.records] == [
        f"Floors cannot be read, tokens are soon refused: {error!r}"
    ]
    store.error = None
    await until(lambda: is_fresh(other) and len(caplog.records) == 2)
    assert caplog.records[1].getMessage() == "Floors are read again"
    assert store.asked[-1] >= 5001, "it looks back to the last time that it could read"


async def test_a_reading_that_took_too_long_proves_nothing_and_is_made_again(
    other: Node, store: Written, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    """The store counts back from when it got to it: what was changed just before the last reading would be missed."""

    def stand_still() -> None:
        clock.ms += LONGEST_READ_MS + 1
        store.meanwhile = lambda: None

    store.meanwhile = stand_still
    await other.revocation.start()
    with pytest.raises(FloorsStale):
        await other.revocation.require_fresh()
    assert "read too slowly" in caplog.text
    await until(lambda: is_fresh(other))
    assert store.asked[1] == store.asked[0] + LONGEST_READ_MS + 1


async def test_a_bulletin_that_is_lost_is_listened_to_again_and_said_once(
    bulletin: LocalBulletin, other: Node, radio: Radio, caplog: pytest.LogCaptureFixture
) -> None:
    await other.revocation.start()
    radio.on = False
    await bulletin.aclose()  # whoever listens hears that
    await until(lambda: radio.subscribed >= 3)
    lost = "The bulletin is not heard, the database tells within a second: "
    assert [record.getMessage().startswith(lost) for record in caplog.records] == [True]
    radio.real, radio.on = LocalBulletin(), True
    await until(lambda: len(caplog.records) == 2)
    assert caplog.records[1].getMessage() == "The bulletin is heard again"
    await radio.publish(Change(1, floor=2))
    await until(lambda: other.floors.mark(1) != 0)
    assert is_fresh(other)


async def test_a_bulletin_that_ends_without_a_word_is_listened_to_again(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> None:
    class Brief(Radio):
        """Ends the first time after one change."""

        @override
        async def subscribe(self) -> AsyncIterator[Change]:
            self.subscribed += 1
            return self._one() if self.subscribed == 1 else await self.real.subscribe()

        async def _one(self) -> AsyncIterator[Change]:
            yield Change(1, floor=2)

    brief = Brief(bulletin)
    node = new_node(engine, clock, brief)
    await node.revocation.start()
    await until(lambda: brief.subscribed == 2)
    assert not node.floors.merge(Change(1, floor=2))
    await bulletin.publish(Change(1, floor=3))
    mark = node.floors.mark(1)
    await until(lambda: node.floors.mark(1) != mark)
    await node.revocation.aclose()


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
