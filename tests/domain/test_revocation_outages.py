"""What a node does when it hears nothing: of the store, of the bulletin, of either for too long."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import Node, is_fresh, new_node, until
from tests.domain.switches import Radio, Written
from typing_extensions import override

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.domain.errors import FloorsStale, StoreUnavailable
from emoticon.domain.models import Change
from emoticon.domain.revocation import LONGEST_READ_MS


@pytest.fixture
def database(sqlite_database: str) -> str:
    """One kind is enough for what takes its seconds; the contracts of the stores are tested over both."""
    return sqlite_database


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


async def test_a_bulletin_that_was_heard_for_some_time_is_listened_to_again_at_once(
    bulletin: LocalBulletin, other: Node, radio: Radio, clock: ManualClock
) -> None:
    await other.revocation.start()
    clock.ms += 1000
    radio.real = LocalBulletin()
    await bulletin.aclose()
    for _ in range(5):  # steps of the event loop, which take no time
        await asyncio.sleep(0)
    await radio.publish(Change(1, floor=2))
    await until(lambda: other.floors.mark(1) != 0)
    assert radio.subscribed == 2


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
