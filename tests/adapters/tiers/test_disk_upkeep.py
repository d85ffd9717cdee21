"""Looking a disk tier through, marking it, compacting it: what the contract of outer tiers leaves open."""

import asyncio
import sqlite3
from pathlib import Path

import pytest
from tests.accounts import NOW_MS
from tests.adapters.tiers.conftest import OpenTier
from tests.adapters.tiers.drawings import drawn, label_of
from tests.adapters.tiers.files import (
    change,
    content,
    fill,
    move_away,
    overwrite,
    present,
    rows,
    set_aside,
)

from emoticon.adapters.tiers.disk_rows import PAGE_BYTES
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Extent, Kept, Label
from emoticon.domain.pictures import FRAME_BYTES
from emoticon.domain.ports import OuterTier

MEAN_FRAME_BYTES = FRAME_BYTES + 3352


async def walked(tier: OuterTier) -> list[Kept]:
    return [kept async for batch in tier.walk() for kept in batch]


async def test_a_walk_tells_owner_style_time_and_size(open_tier: OpenTier) -> None:
    tier = open_tier()
    await fill(tier, range(3))
    assert [
        (kept.label, kept.drawn_at_s, kept.size_bytes, kept.intact) for kept in await walked(tier)
    ] == [(label_of(n), NOW_MS // 1000, MEAN_FRAME_BYTES, True) for n in range(3)]


async def test_a_walk_comes_in_batches_that_are_small_in_number_and_in_bytes(
    open_tier: OpenTier,
) -> None:
    tier = open_tier()
    await fill(tier, range(600), 10)
    await fill(tier, range(600, 620), 300_000)
    sizes = [len(batch) async for batch in tier.walk()]
    assert sizes == [*[64] * 9, 28, *[4] * 4]


async def test_a_walk_ends_although_pictures_are_added_all_the_time(open_tier: OpenTier) -> None:
    tier = open_tier()
    await fill(tier, range(300))
    count = 0
    async for batch in tier.walk():
        count += len(batch)
        await fill(tier, range(1000 + count, 1300 + count))
    assert count == 300


async def test_others_are_answered_between_the_batches_of_a_walk(open_tier: OpenTier) -> None:
    tier = open_tier()
    await fill(tier, range(250), 10)
    order = []

    async def walk() -> None:
        async for _ in tier.walk():
            order.append("batch")  # noqa: PERF401 -- when it comes is what matters

    async def read() -> None:
        for number in range(4):
            assert await tier.get(label_of(number)) is not None
            order.append("read")

    await asyncio.gather(walk(), read())
    assert order.index("read") < order.index("batch") + 2
    assert order[-1] == "batch"
    assert order.count("batch") == 4


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE pictures SET frame = x'00' WHERE seq = 2",
        "UPDATE pictures SET frame = NULL WHERE seq = 2",
        "UPDATE pictures SET frame = 7 WHERE seq = 2",
        "UPDATE pictures SET frame = 'text' WHERE seq = 2",
        "UPDATE pictures SET frame = zeroblob(5000) WHERE seq = 2",
        "UPDATE pictures SET owner = 99 WHERE seq = 2",
        "UPDATE pictures SET owner = NULL WHERE seq = 2",
        "UPDATE pictures SET key = zeroblob(16) WHERE seq = 2",
        "UPDATE pictures SET key = 'text' WHERE seq = 2",
        "UPDATE pictures SET frame = (SELECT frame FROM pictures WHERE seq = 3) WHERE seq = 2",
    ],
)
async def test_a_damaged_row_is_found_counted_and_discarded(
    open_tier: OpenTier, path: Path, damage: str
) -> None:
    tier = open_tier()
    await fill(tier, range(4))
    change(path, damage)
    damaged = [kept for kept in await walked(tier) if not kept.intact]
    assert len(damaged) == tier.figures().damaged == 1
    assert await tier.discard(damaged) == 1
    assert rows(path, "SELECT seq FROM pictures") == [(1,), (3,), (4,)]
    assert all(kept.intact for kept in await walked(tier))


async def test_a_row_of_any_number_is_found(open_tier: OpenTier, path: Path) -> None:
    tier = open_tier()
    await fill(tier, range(3))
    change(path, "UPDATE pictures SET seq = -9223372036854775807 WHERE seq = 1")
    change(path, "UPDATE pictures SET seq = 9223372036854775807 WHERE seq = 3")
    found = await walked(tier)
    assert [kept.label for kept in found] == [label_of(n) for n in range(3)]
    assert await tier.discard(found) == 3


async def test_many_pictures_are_discarded_in_small_transactions(open_tier: OpenTier) -> None:
    tier = open_tier()
    await fill(tier, range(700), 10)
    assert await tier.discard(await walked(tier)) == 700
    assert await walked(tier) == []


async def test_a_walk_through_a_file_found_damaged_ends(open_tier: OpenTier, path: Path) -> None:
    await fill(first := open_tier(), range(1000))
    await first.aclose()
    for offset in range(5 * PAGE_BYTES, len(content(path)), 5 * PAGE_BYTES):
        overwrite(path, offset, b"\xff" * PAGE_BYTES)
    found = await walked(open_tier())
    assert {kept.label for kept in found if kept.intact} <= {label_of(n) for n in range(1000)}
    assert len(set_aside(path)) == 1


async def test_a_mark_is_lost_together_with_the_pictures(open_tier: OpenTier, path: Path) -> None:
    tier = open_tier()
    await tier.mark(7)
    move_away(path)
    assert await tier.marked() is None


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE marks SET number = 8",
        "UPDATE marks SET number = 'text'",
        "UPDATE marks SET number = NULL",
        "UPDATE marks SET number = NULL, inverse = NULL",
        "UPDATE marks SET inverse = 7",
        "DELETE FROM marks",
    ],
)
async def test_a_damaged_mark_is_none(open_tier: OpenTier, path: Path, damage: str) -> None:
    tier = open_tier()
    await tier.mark(7)
    change(path, damage)
    assert await tier.marked() is None
    await tier.mark(3)
    assert await tier.marked() == 3


async def test_a_mark_that_cannot_be_written_is_unavailable(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await tier.mark(7)
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(TierUnavailable):
        await tier.mark(8)
    assert await tier.marked() == 7
    other.close()
    await tier.mark(8)
    assert await tier.marked() == 8


async def test_compacting_makes_the_file_as_short_as_what_is_in_it(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(2000))
    await tier.forget(range(0, 2000, 2))
    used_bytes = tier.figures().used_bytes
    long_bytes = len(content(path))
    await tier.forget(range(501, 2000))
    given_back = await tier.compact()
    assert given_back > long_bytes // 2
    assert len(content(path)) == long_bytes - given_back
    extent = await tier.extent()
    assert extent == Extent(250, len(content(path)), 64 << 20)
    assert used_bytes
    assert extent.used_bytes < used_bytes
    assert await present(tier, range(2000)) == list(range(1, 500, 2))
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_all_goes_on_while_it_is_compacted(open_tier: OpenTier, path: Path) -> None:
    tier, other = open_tier(), open_tier()
    await fill(tier, range(1500))
    await fill(other, range(1500, 1510))
    await tier.forget(range(500, 1500))

    async def read() -> None:
        assert await present(other, range(500)) == list(range(500))

    async def write() -> None:
        await fill(other, range(1510, 1700))
        assert await other.forget([1600]) == 1

    given_back, _, _ = await asyncio.gather(tier.compact(), read(), write())
    assert given_back > 0
    expected = [*range(500), *range(1500, 1600), *range(1601, 1700)]
    assert await present(tier, range(1700)) == expected
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_clearing_gives_the_room_back_and_others_follow(
    open_tier: OpenTier, path: Path
) -> None:
    tier, other = open_tier(), open_tier()
    await fill(tier, range(500))
    await tier.mark(7)
    assert await present(other, range(500)) == list(range(500))
    await tier.clear()
    assert len(content(path)) < 10 * PAGE_BYTES
    assert await present(other, range(500)) == []
    assert await other.marked() == 7
    await fill(other, range(500, 510))
    assert await present(tier, range(510)) == list(range(500, 510))


async def test_clearing_takes_files_set_aside_along(open_tier: OpenTier, path: Path) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    overwrite(path, 0, b"garbage!")
    tier = open_tier()
    await fill(tier, range(5))
    assert set_aside(path)
    await tier.clear()
    assert set_aside(path) == []


async def test_what_is_asked_of_a_file_in_use_by_another_alone_is_unavailable(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(first := open_tier(), range(1))
    await first.aclose()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    tier = open_tier()
    for asked in (tier.marked(), tier.count(1), tier.extent(), walked(tier)):
        with pytest.raises(TierUnavailable):
            await asked
    other.close()
    assert await tier.count(0) == 1


async def test_a_file_of_another_version_of_ours_is_begun_anew_with_one_line(
    open_tier: OpenTier, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for version in (b"EMO1", b"EMO9"):
        await fill(first := open_tier(), range(5))
        await first.mark(7)
        await first.aclose()
        change(path, f"PRAGMA user_version = {int.from_bytes(version, 'big')}")
        tier = open_tier()
        with caplog.at_level("INFO"):
            assert await present(tier, range(5)) == []
            assert await tier.marked() is None
        assert [record.levelname for record in caplog.records] == ["INFO"]
        caplog.clear()
        assert set_aside(path) == []
        await fill(tier, range(5, 8))
        assert await present(tier, range(8)) == [5, 6, 7]


async def test_the_label_of_what_is_damaged_is_that_of_nobody(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await tier.put(label_of(1), drawn(1))
    await tier.flush()
    change(path, "UPDATE pictures SET frame = substr(frame, 1, 70)")
    (kept,) = await walked(tier)
    assert kept == Kept(kept.ref, Label(b""), 0, 70, intact=False)
