"""Facts about the disk tier beyond the contract of tiers."""

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest
from tests.accounts import NOW_MS, ManualClock
from tests.adapters.tiers.conftest import OpenTier
from tests.adapters.tiers.drawings import MEAN_BYTES, drawn, key_of, label_of
from tests.adapters.tiers.files import change, content, fill, present, rows

from emoticon.adapters.tiers.disk import MAX_READS, MIN_LIMIT_BYTES
from emoticon.adapters.tiers.disk_rows import PAGE_BYTES
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.models import Format
from emoticon.domain.pictures import FRAME_BYTES, frame

DAY_MS = 86_400_000
TODAY = NOW_MS // DAY_MS


async def test_pictures_are_found_again_after_a_restart_with_the_same_bytes(
    open_tier: OpenTier,
) -> None:
    first = open_tier()
    pictures = {
        label_of(n): drawn(n, 10 ** (n % 5), list(Format)[n % 4], 16 + n) for n in range(60)
    }
    for label, picture in pictures.items():
        await first.put(label, picture)
    await first.aclose()
    second = open_tier()
    assert {label: await second.get(label) for label in pictures} == pictures


async def test_a_row_holds_key_owner_day_and_frame(open_tier: OpenTier, path: Path) -> None:
    tier = open_tier()
    await tier.put(label_of(1, owner=2**63 - 1), drawn(1))
    await tier.flush()
    framed = frame(label_of(1, owner=2**63 - 1), drawn(1), drawn_at_s=NOW_MS // 1000)
    assert rows(path, "SELECT * FROM pictures") == [(1, key_of(1), 2**63 - 1, TODAY, framed)]


async def test_nothing_is_done_before_the_first_use(open_tier: OpenTier, path: Path) -> None:
    open_tier()
    assert not path.parent.exists()


async def test_only_the_owner_of_the_process_can_read_the_files(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(3))
    await tier.get(label_of(1))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()}
    assert modes == dict.fromkeys(
        ["pictures.db", "pictures.db-wal", "pictures.db-shm", "pictures.db.lock"], 0o600
    )
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


async def test_the_file_has_the_settings_that_were_measured(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(1))
    assert rows(path, "PRAGMA page_size") == [(PAGE_BYTES,)]
    assert rows(path, "PRAGMA journal_mode") == [("wal",)]
    settings = await tier._on(
        tier._writer,
        lambda db: [
            db.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("synchronous", "secure_delete", "mmap_size", "cache_size")
        ],
    )
    assert settings == [1, 1, 0, -4096]


async def test_a_picture_is_written_by_itself_after_a_moment(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await tier.put(label_of(1), drawn(1))
    assert content(path) == b""
    assert tier._writing
    await tier._writing
    assert rows(path, "SELECT key FROM pictures") == [(key_of(1),)]


async def test_what_waits_and_what_is_being_written_can_be_read(open_tier: OpenTier) -> None:
    tier = open_tier()
    await tier.put(label_of(1), drawn(1))
    assert await tier.get(label_of(1)) == drawn(1)
    flush = asyncio.create_task(tier.flush())
    while not tier._current.puts:  # noqa: ASYNC110 -- the transaction itself cannot be waited for
        await asyncio.sleep(0)
    await tier.put(label_of(2, owner=1), drawn(2))
    assert await tier.get(label_of(1)) == drawn(1)
    assert await tier.get(label_of(2)) == drawn(2)
    await flush
    assert tier.figures().writes == 2
    assert await present(tier, range(3)) == [1, 2]


async def test_more_than_may_wait_is_dropped_and_counted(open_tier: OpenTier) -> None:
    tier = open_tier(max_bytes=MIN_LIMIT_BYTES)
    fitting = MIN_LIMIT_BYTES // 8 // (MEAN_BYTES + FRAME_BYTES)
    for number in range(fitting + 5):
        await tier.put(label_of(number, owner=1), drawn(number))
    await tier.flush()
    assert await present(tier, range(fitting + 5)) == list(range(fitting))
    assert (tier.figures().writes, tier.figures().dropped) == (fitting, 5)


async def test_more_reads_than_may_wait_are_refused(open_tier: OpenTier) -> None:
    tier = open_tier()
    answers = await asyncio.gather(
        *(tier.get(label_of(n)) for n in range(MAX_READS + 3)), return_exceptions=True
    )
    assert answers[:MAX_READS] == [None] * MAX_READS
    assert [type(answer) for answer in answers[MAX_READS:]] == [TierUnavailable] * 3
    assert await tier.get(label_of(1)) is None


async def test_a_cancelled_read_frees_its_place(open_tier: OpenTier) -> None:
    tier = open_tier()
    reads = [asyncio.create_task(tier.get(label_of(n))) for n in range(MAX_READS)]
    await asyncio.sleep(0)
    for read in reads:
        read.cancel()
    await asyncio.gather(*reads, return_exceptions=True)
    assert await asyncio.gather(*(tier.get(label_of(n)) for n in range(MAX_READS)))


async def test_the_file_never_grows_beyond_its_limit_and_is_well_filled(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier(max_bytes=2 << 20)
    sizes = []
    for start in range(0, 1500, 100):
        await fill(tier, range(start, start + 100))
        sizes.append(len(content(path)))
        (used,) = rows(
            path,
            "SELECT (page_count - freelist_count) * page_size"
            " FROM pragma_page_count, pragma_freelist_count, pragma_page_size",
        )[0]
        assert tier.figures().used_bytes == used
    assert max(sizes) <= 2 << 20
    assert (tier.figures().used_bytes or 0) > 0.75 * (2 << 20)
    assert (tier.figures().writes, tier.figures().dropped) == (1500, 0)
    (kept,) = rows(path, "SELECT count(*) FROM pictures")[0]
    assert tier.figures().evicted == 1500 - kept


async def test_among_pictures_of_one_day_the_oldest_go_first(open_tier: OpenTier) -> None:
    tier = open_tier(max_bytes=MIN_LIMIT_BYTES)
    await fill(tier, range(400))
    kept = await present(tier, range(400))
    assert kept == list(range(400 - len(kept), 400))
    assert len(kept) > 100


async def test_pictures_used_on_later_days_outlive_those_that_were_not(
    open_tier: OpenTier, clock: ManualClock
) -> None:
    tier = open_tier(max_bytes=MIN_LIMIT_BYTES)
    await fill(tier, range(100))
    clock.ms += DAY_MS
    assert await present(tier, range(20)) == list(range(20))
    await tier.flush()
    await fill(tier, range(200, 320))
    kept = await present(tier, range(100))
    assert set(range(20)) <= set(kept)
    assert len(kept) < 100


async def test_the_day_of_last_use_is_written_once_a_day(
    open_tier: OpenTier, path: Path, clock: ManualClock
) -> None:
    tier = open_tier()
    await fill(tier, range(2))
    days = "SELECT day FROM pictures ORDER BY seq"
    await tier.get(label_of(1))
    await tier.flush()
    assert tier._writing is None
    clock.ms += 3 * DAY_MS
    await tier.get(label_of(1))
    await tier.get(label_of(1))
    await tier.flush()
    assert rows(path, days) == [(TODAY,), (TODAY + 3,)]
    await tier.get(label_of(1))
    assert tier._writing is None


async def test_a_clock_put_back_takes_no_day_from_a_picture(
    open_tier: OpenTier, path: Path, clock: ManualClock
) -> None:
    tier = open_tier()
    await fill(tier, range(1))
    clock.ms -= 5 * DAY_MS
    assert await tier.get(label_of(0)) == drawn(0)
    await tier.flush()
    assert rows(path, "SELECT day FROM pictures") == [(TODAY,)]


async def test_a_lowered_limit_is_obeyed_after_the_first_read(open_tier: OpenTier) -> None:
    first = open_tier(max_bytes=8 << 20)
    await fill(first, range(1000))
    await first.aclose()
    second = open_tier(max_bytes=MIN_LIMIT_BYTES)
    assert await second.get(label_of(-1)) is None
    await second.flush()
    assert 0 < (second.figures().used_bytes or 0) <= MIN_LIMIT_BYTES
    kept = await present(second, range(1000))
    assert 100 < len(kept) < 400
    assert kept == list(range(1000 - len(kept), 1000))


async def test_a_limit_below_the_smallest_is_refused(open_tier: OpenTier) -> None:
    with pytest.raises(ValueError, match="max_bytes must be at least 1048576"):
        open_tier(max_bytes=MIN_LIMIT_BYTES - 1)


async def test_nothing_is_written_while_the_filesystem_is_nearly_full(open_tier: OpenTier) -> None:
    await fill(open_tier(), range(1))
    tier = open_tier(min_free_fraction=1.0)
    await fill(tier, range(5))
    assert (tier.figures().writes, tier.figures().dropped) == (0, 5)
    assert await present(tier, range(5)) == [0]


async def test_what_is_deleted_is_overwritten_in_the_file(open_tier: OpenTier, path: Path) -> None:
    first = open_tier()
    await fill(first, range(50))
    await first.aclose()
    assert drawn(7).body in content(path)
    second = open_tier()
    delete = "DELETE FROM pictures WHERE key = ?"
    await second._on(second._writer, lambda db: db.execute(delete, (key_of(7),)).rowcount)
    await second.aclose()
    assert drawn(7).body not in content(path)


async def test_deleting_by_owner_and_finding_the_oldest_use_an_index(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(open_tier(), range(3))

    def plan(query: str) -> str:
        return str(rows(path, f"EXPLAIN QUERY PLAN {query}"))

    assert "pictures_owner" in plan("DELETE FROM pictures WHERE owner = 7")
    assert "pictures_day" in plan("SELECT seq FROM pictures ORDER BY day, seq LIMIT 10")
    assert "TEMP B-TREE" not in plan("SELECT seq FROM pictures ORDER BY day, seq LIMIT 10")


async def test_two_tiers_share_one_file(open_tier: OpenTier) -> None:
    one, other = open_tier(), open_tier()
    await asyncio.gather(fill(one, range(200)), fill(other, range(100, 300)))
    assert await present(one, range(300)) == list(range(300))
    assert await present(other, range(300)) == list(range(300))
    assert one.figures().dropped == other.figures().dropped == 0


async def test_a_file_locked_by_another_drops_writes_and_still_answers_reads(
    open_tier: OpenTier, path: Path
) -> None:
    tier = open_tier()
    await fill(tier, range(3))
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await fill(tier, range(3, 5))
    assert await present(tier, range(5)) == [0, 1, 2]
    assert tier.figures().dropped == 2
    other.execute("COMMIT")
    other.close()
    await fill(tier, range(5, 6))
    assert await present(tier, range(6)) == [0, 1, 2, 5]


async def test_a_file_that_another_has_to_itself_is_a_miss_without_waiting_and_opened_well_later(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(first := open_tier(), range(1))
    await first.aclose()
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA locking_mode = EXCLUSIVE")
    other.execute("BEGIN IMMEDIATE")
    tier = open_tier()
    async with asyncio.timeout(2):
        assert await tier.get(label_of(0)) is None
    other.close()
    assert await tier.get(label_of(0)) == drawn(0)
    cache_size = await tier._on(
        tier._reader, lambda db: db.execute("PRAGMA cache_size").fetchone()[0]
    )
    assert cache_size == -4096


async def test_a_file_full_of_something_else_drops_writes(open_tier: OpenTier, path: Path) -> None:
    await fill(open_tier(), range(1))
    change(path, "CREATE TABLE other AS SELECT zeroblob(3000000) AS filling")
    tier = open_tier(max_bytes=MIN_LIMIT_BYTES)
    await fill(tier, range(1, 2), 100_000)
    await fill(tier, range(2, 3), 100_000)
    assert (tier.figures().writes, tier.figures().dropped, tier.figures().evicted) == (0, 2, 1)
