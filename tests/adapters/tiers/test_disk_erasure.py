"""What a disk tier forgets is gone: from memory, from the file, and from all that lies beside it."""

import asyncio
import itertools
import sqlite3
import threading
from pathlib import Path

import pytest
from tests.accounts import ManualClock
from tests.adapters.tiers.conftest import OpenTier
from tests.adapters.tiers.drawings import drawn, label_of
from tests.adapters.tiers.files import (
    change,
    content,
    fill,
    log_of,
    make_directory,
    move_away,
    overwrite,
    present,
    rows,
    set_aside,
    traces,
)

from emoticon.adapters.tiers.disk import DiskTier
from emoticon.domain.errors import TierUnavailable


@pytest.mark.parametrize("size_bytes", [100, 3352, 50_000])
async def test_no_piece_of_a_forgotten_picture_is_left_in_any_file(
    open_tier: OpenTier, path: Path, size_bytes: int
) -> None:
    tier = open_tier()
    await fill(tier, range(40), size_bytes)
    await fill(open_tier(), range(5), size_bytes)  # and another that has the file open
    assert traces(path, range(40), size_bytes) == list(range(40))
    assert await tier.forget(range(10, 30)) == 20
    assert traces(path, range(40), size_bytes) == [*range(10), *range(30, 40)]
    assert content(log_of(path)) == b""
    assert await tier.forget(range(10, 30)) == 0


async def test_what_was_deleted_before_a_crash_leaves_the_log_when_it_is_forgotten_again(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(5))
    change(path, "DELETE FROM pictures WHERE owner = 3")
    assert 3 in traces(path, range(5))
    assert await tier.forget([3]) == 0
    assert traces(path, range(5)) == [0, 1, 2, 4]


async def test_the_log_is_emptied_with_the_next_write_where_another_was_reading(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(5))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN")
    other.execute("SELECT count(*) FROM pictures").fetchone()
    assert await tier.forget([3]) == 1
    assert await present(tier, range(5)) == [0, 1, 2, 4]
    assert 3 in traces(path, range(5))
    other.close()
    await fill(tier, range(7, 8))
    assert traces(path, range(8)) == [0, 1, 2, 4, 7]


async def test_files_set_aside_are_deleted_and_that_is_logged(
    open_tier: OpenTier, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    overwrite(path, 0, b"garbage!")
    tier = open_tier()
    await fill(tier, range(5, 9))
    (name,) = set_aside(path)
    assert 3 in traces(path, range(9))
    caplog.clear()
    assert await tier.forget([6]) == 1
    assert set_aside(path) == []
    assert traces(path, range(9)) == [5, 7, 8]
    assert [(record.levelname, name in record.getMessage()) for record in caplog.records] == [
        ("WARNING", True)
    ]


async def test_a_file_found_damaged_while_forgetting_goes_as_a_whole(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    overwrite(path, 0, b"garbage!")
    tier = open_tier()
    assert await tier.forget([3]) == 0
    assert set_aside(path) == []
    assert traces(path, range(5)) == []


async def test_forgetting_is_unavailable_while_another_writes_for_longer_and_works_after(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(5))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await tier.put(label_of(8, owner=3), drawn(8))
    with pytest.raises(TierUnavailable):
        await tier.forget([3])
    assert await tier.get(label_of(8, owner=3)) is None
    other.close()
    assert await tier.forget([3]) == 1
    assert await present(tier, range(9)) == [0, 1, 2, 4]


async def test_forgetting_is_unavailable_while_the_file_cannot_be_used(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(5))
    move_away(path)
    make_directory(path)
    for _ in range(2):
        with pytest.raises(TierUnavailable):
            await tier.forget([3])
    assert not tier.figures().available


async def test_a_closed_tier_cannot_forget(open_tier: OpenTier) -> None:
    tier = open_tier()
    await tier.aclose()
    with pytest.raises(TierUnavailable):
        await tier.forget([3])
    assert not tier.figures().available


async def test_forgetting_that_has_begun_is_finished_before_the_tier_is_closed(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(5))
    forgotten = asyncio.create_task(tier.forget([3]))
    await asyncio.sleep(0)
    await tier.aclose()
    assert await forgotten == 1
    assert rows(path, "SELECT owner FROM pictures") == [(0,), (1,), (2,), (4,)]


class Race:
    """Puts and forgetting of owner 1, while a gate holds the thread that writes."""

    def __init__(self, tier: DiskTier) -> None:
        self.tier = tier
        self.gate = threading.Event()
        self.tier._writer.thread.submit(self.gate.wait)
        self.forgetting: asyncio.Task[int] | None = None
        self.kept = 0  # what has to be there in the end, 0 is nothing
        self.since: set[int] = set()  # what was put since then

    async def put_one(self) -> None:
        await self.tier.put(label_of(1), drawn(1))
        self.kept = 1
        self.since.add(1)

    async def put_other(self) -> None:
        await self.tier.put(label_of(1), drawn(2))
        self.kept = 2
        self.since.add(2)

    async def take(self) -> None:
        """Let what waits be handed to the thread that writes."""
        self.tier._hurry.set()
        while (  # noqa: ASYNC110 -- nothing tells when it was handed over
            self.tier._next.puts and not self.tier._current.puts
        ):
            await asyncio.sleep(0)
        self.tier._hurry.clear()

    async def forget(self) -> None:
        self.forgetting = asyncio.create_task(self.tier.forget([1]))
        await asyncio.sleep(0)
        self.kept = 0
        self.since.clear()

    async def open_gate(self) -> None:
        self.gate.set()
        while self.tier._current.puts:  # noqa: ASYNC110 -- as above
            await asyncio.sleep(0)

    async def holds(self) -> bool:
        found = await self.tier.get(label_of(1))
        return found == (drawn(self.kept) if self.kept else None)


async def test_forgetting_and_puts_end_alike_in_every_order(
    tmp_path: Path, clock: ManualClock
) -> None:
    steps = ("put_one", "take", "forget", "put_other", "open_gate")
    for number, order in enumerate(itertools.permutations(steps)):
        path = tmp_path / str(number) / "pictures.db"
        tier = DiskTier(path, max_bytes=64 << 20, clock=clock, min_free_fraction=0)
        race = Race(tier)
        for step in order:
            await getattr(race, step)()
            if race.kept:
                assert await race.holds(), order
        assert race.forgetting
        await race.forgetting
        assert await race.holds(), order
        await tier.flush()
        assert await race.holds(), order
        assert len(rows(path, "SELECT * FROM pictures")) == bool(race.kept), order
        assert set(traces(path, range(1, 3))) <= race.since, order
        await tier.forget([1])
        assert traces(path, range(1, 3)) == [], order
        await tier.aclose()


async def test_one_forgets_what_another_wrote_while_both_write(open_tier: OpenTier) -> None:
    one, other = open_tier(), open_tier()
    await fill(other, range(100))

    async def forget() -> None:
        for owner in range(0, 100, 2):
            assert await one.forget([owner]) == 1

    await asyncio.gather(forget(), fill(one, range(100, 200)), fill(other, range(200, 300)))
    expected = [*range(1, 100, 2), *range(100, 300)]
    assert await present(one, range(300)) == expected
    assert await present(other, range(300)) == expected
