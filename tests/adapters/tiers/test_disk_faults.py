"""What may happen to the file of a disk tier. Nothing of it is an error for the service, or a wrong picture."""

import asyncio
import logging
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.accounts import NOW_MS, ManualClock
from tests.adapters.tiers.conftest import OpenTier, change, content, move_away, replace, rows
from tests.adapters.tiers.drawings import drawn, key_of

from emoticon.adapters.tiers.disk import PAGE_BYTES, RETRY_MS, DiskTier
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.pictures import FRAME_BYTES, frame

MANY = range(1500)  # more than the connections keep in memory
ROOT = Path(__file__).parents[3]


async def fill(tier: DiskTier, numbers: range) -> None:
    for number in numbers:
        await tier.put(key_of(number), drawn(number), owner=number)
        if number % 100 == 99:
            await tier.flush()
    await tier.flush()


async def present(tier: DiskTier, numbers: range) -> list[int]:
    """Say which pictures it has; each must be the right one. A tier that is down has none."""
    found = []
    for number in numbers:
        try:
            picture = await tier.get(key_of(number))
        except TierUnavailable:
            continue
        assert picture in (None, drawn(number))
        if picture:
            found.append(number)
    return found


def set_aside(path: Path) -> list[str]:
    return [file.name for file in path.parent.glob("*.corrupt-*")]


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def truncate(path: Path, size_bytes: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size_bytes)


def zero_every_second_page(path: Path) -> None:
    for offset in range(PAGE_BYTES, path.stat().st_size, 2 * PAGE_BYTES):
        overwrite(path, offset, bytes(PAGE_BYTES))


def make_directory(path: Path) -> None:
    path.mkdir()


def remove_directory(path: Path) -> None:
    path.rmdir()


def log_of(path: Path) -> Path:
    return Path(f"{path}-wal")


DAMAGES: dict[str, Callable[[Path], None]] = {
    "garbage": lambda path: overwrite(path, 0, b"\xa5\x00\x5a\xff" * (path.stat().st_size // 4)),
    "first_page_garbage": lambda path: overwrite(path, 0, b"garbage!" * 2048),
    "header_garbage": lambda path: overwrite(path, 0, b"\xa5" * 100),
    "header_page_size": lambda path: overwrite(path, 16, b"\x10\x00"),
    "header_page_count": lambda path: overwrite(path, 28, b"\x00\x00\x00\x05"),
    "header_free_count": lambda path: overwrite(path, 32, b"\x00\x00\x00\x07\x00\x7f\xff\xff"),
    "header_schema": lambda path: overwrite(path, 40, b"\xff\xff\xff\xff"),
    "cut_in_half": lambda path: truncate(path, path.stat().st_size // 2),
    "cut_within_a_page": lambda path: truncate(path, 100_000),
    "cut_to_a_header": lambda path: truncate(path, 100),
    "cut_to_nothing": lambda path: truncate(path, 0),
    "every_second_page_zero": zero_every_second_page,
    "deleted": Path.unlink,
    "text": lambda path: overwrite(path, 0, b"Not a database. " * 10_000),
}


@pytest.fixture(params=DAMAGES)
def damage(request: pytest.FixtureRequest) -> Callable[[Path], None]:
    return DAMAGES[request.param]


async def test_a_file_damaged_while_closed_gives_intact_pictures_or_none_and_then_works(
    open_tier: OpenTier, path: Path, damage: Callable[[Path], None]
) -> None:
    await fill(first := open_tier(), range(200))
    await first.aclose()
    damage(path)
    second = open_tier()
    await present(second, range(200))
    await fill(second, range(300, 350))
    assert await present(second, range(300, 350)) == list(range(300, 350))
    await second.aclose()
    third = open_tier()
    assert await present(third, range(300, 350)) == list(range(300, 350))
    assert len(set_aside(path)) <= 1


async def test_a_file_damaged_while_open_gives_intact_pictures_or_none_and_then_works(
    open_tier: OpenTier, path: Path, damage: Callable[[Path], None], clock: ManualClock
) -> None:
    first = open_tier()
    await fill(first, MANY)
    damage(path)
    await present(first, MANY)
    await fill(first, range(2000, 2100))
    await present(first, MANY)
    clock.ms += RETRY_MS
    await fill(first, range(2100, 2200))
    await present(first, range(2100, 2200))
    await first.aclose()
    second = open_tier()
    await present(second, range(2200))
    await fill(second, range(3000, 3050))
    assert await present(second, range(3000, 3050)) == list(range(3000, 3050))
    assert len(set_aside(path)) <= 1


async def test_a_damaged_file_is_set_aside_once_and_that_is_logged(
    open_tier: OpenTier, path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    for round_number in range(3):
        tier = open_tier()
        await fill(tier, range(100))
        await tier.aclose()
        clock.ms += 60_000
        caplog.clear()
        overwrite(path, 0, b"garbage!" * 100)
        damaged = content(path)
        again = open_tier()
        assert await present(again, range(100)) == []
        await again.aclose()
        name = f"pictures.db.corrupt-{NOW_MS // 1000 + 60 * (round_number + 1)}"
        assert set_aside(path) == [name]
        assert content(path.with_name(name)) == damaged
        assert path.with_name(name).stat().st_mode & 0o777 == 0o600
        assert [(record.levelname, name in record.getMessage()) for record in caplog.records] == [
            ("ERROR", True)
        ]


async def test_a_file_of_another_program_is_set_aside(open_tier: OpenTier, path: Path) -> None:
    path.parent.mkdir()
    change(path, "CREATE TABLE pictures (name TEXT)")
    before = content(path)
    tier = open_tier()
    await fill(tier, range(5))
    assert await present(tier, range(5)) == list(range(5))
    (aside,) = set_aside(path)
    assert content(path.with_name(aside)) == before


async def test_who_finds_a_file_damaged_that_was_replaced_meanwhile_leaves_the_new_one(
    open_tier: OpenTier, path: Path
) -> None:
    tier, other = open_tier(), open_tier()
    await fill(tier, range(5))

    def find_damage_too_late(db: sqlite3.Connection) -> str:
        if not set_aside_by_another:
            set_aside_by_another.append(move_away(path))
            replace(path, content(set_aside_by_another[0]))
            raise sqlite3.DatabaseError("the file that was here is damaged")
        return str(db.execute("PRAGMA integrity_check").fetchone()[0], "ascii")

    set_aside_by_another: list[Path] = []
    assert await tier._on(tier._reader, find_damage_too_late) == "ok"
    assert set_aside(path) == []
    await fill(other, range(5, 10))
    assert await present(tier, range(5, 10)) == list(range(5, 10))


async def test_a_tier_follows_when_another_process_has_replaced_the_file(
    open_tier: OpenTier, path: Path
) -> None:
    one, other = open_tier(), open_tier()
    await fill(one, range(5))
    assert await present(other, range(5)) == list(range(5))
    move_away(path)
    await fill(one, range(5, 10))
    assert await present(other, range(10)) == list(range(5, 10))
    await fill(other, range(10, 15))
    assert await present(one, range(15)) == list(range(5, 15))


async def test_a_log_left_without_its_file_is_not_taken_for_the_new_file_s(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(open_tier(), range(100))
    log = content(log_of(path))
    assert log
    move_away(path)
    tier = open_tier()
    assert await present(tier, range(100)) == []
    await fill(tier, range(5))
    assert await present(tier, range(100)) == list(range(5))


async def test_a_file_cut_to_nothing_while_open_is_begun_anew_by_the_next_to_open_it(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(one := open_tier(), range(100))
    truncate(path, 0)
    other = open_tier()
    await fill(other, range(5))
    assert await present(other, range(100)) == list(range(5))
    assert await present(one, range(100)) == list(range(5))


@pytest.mark.parametrize("keep", [0, 31, 40_000, -1, -PAGE_BYTES])
async def test_a_log_that_was_cut_gives_intact_pictures_or_none(
    open_tier: OpenTier, path: Path, keep: int
) -> None:
    tier = open_tier()
    await fill(tier, range(100))
    log, data = content(log_of(path)), content(path)
    await tier.aclose()
    replace(path, data)
    replace(log_of(path), log[:keep])
    again = open_tier()
    await present(again, range(100))
    await fill(again, range(100, 120))
    assert await present(again, range(100, 120)) == list(range(100, 120))


async def test_a_log_that_was_overwritten_gives_intact_pictures_or_none(
    open_tier: OpenTier, path: Path, clock: ManualClock
) -> None:
    tier = open_tier()
    await fill(tier, range(100))
    overwrite(log_of(path), 32, b"garbage!" * (log_of(path).stat().st_size // 8 - 10))
    other = open_tier()
    await present(other, range(100))
    await present(tier, range(100))
    clock.ms += RETRY_MS
    await fill(other, range(100, 120))
    assert await present(other, range(100, 120)) == list(range(100, 120))


FIELDS = {
    "magic": 0,
    "format": 4,
    "unused": 5,
    "size": 6,
    "length": 8,
    "time": 12,
    "owner": 20,
    "key": 28,
    "digest": 44,
    "check": 60,
    "body": FRAME_BYTES,
    "last_byte": -1,
}


@pytest.mark.parametrize("field", FIELDS)
async def test_a_flipped_bit_of_a_frame_in_the_file_is_a_miss_and_the_row_is_deleted(
    open_tier: OpenTier, path: Path, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    framed = frame(key_of(2), drawn(2), owner=2, drawn_at_s=NOW_MS // 1000)
    offset = content(path).index(framed) + FIELDS[field] % len(framed)
    overwrite(path, offset, bytes([content(path)[offset] ^ 0x10]))
    tier = open_tier()
    assert await present(tier, range(5)) == [0, 1, 3, 4]
    assert tier.stats().quarantined == 1
    assert [record.getMessage() for record in caplog.records] == [
        "Row 3 of the disk tier is damaged and will be deleted"
    ]
    await tier.flush()
    assert rows(path, "SELECT seq FROM pictures") == [(1,), (2,), (4,), (5,)]
    await fill(tier, range(2, 3))
    assert await present(tier, range(5)) == list(range(5))


async def test_two_pictures_whose_bytes_were_swapped_in_the_file_are_misses(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    data = content(path)
    one, two = (frame(key_of(n), drawn(n), owner=n, drawn_at_s=NOW_MS // 1000) for n in (1, 2))
    overwrite(path, data.index(one), two)
    overwrite(path, data.index(two), one)
    tier = open_tier()
    assert await present(tier, range(5)) == [0, 3, 4]
    assert tier.stats().quarantined == 2


async def test_two_rows_whose_keys_were_swapped_are_misses(open_tier: OpenTier, path: Path) -> None:
    await fill(open_tier(), range(5))
    change(path, "UPDATE pictures SET key = zeroblob(16) WHERE seq = 2")
    change(path, "UPDATE pictures SET key = ? WHERE seq = 3", key_of(1))
    change(path, "UPDATE pictures SET key = ? WHERE seq = 2", key_of(2))
    tier = open_tier()
    assert await present(tier, range(5)) == [0, 3, 4]
    assert (tier.stats().quarantined, tier.stats().misses) == (2, 2)


@pytest.mark.parametrize("value", [None, 7, 1.5, "text", b"", b"EMO1"])
async def test_a_value_that_is_no_frame_at_all_is_a_miss(
    open_tier: OpenTier, path: Path, value: object
) -> None:
    await fill(open_tier(), range(2))
    change(path, "UPDATE pictures SET frame = ?, day = ? WHERE seq = 1", value, value)
    tier = open_tier()
    assert await present(tier, range(2)) == [1]
    assert tier.stats().quarantined == 1


async def test_a_directory_that_cannot_be_made_is_unavailable_logged_once_and_tried_again(
    open_tier: OpenTier, path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.write_text("in the way")
    tier = open_tier()
    for _ in range(3):
        with pytest.raises(TierUnavailable):
            await tier.get(key_of(1))
        with pytest.raises(TierUnavailable):
            await tier.put(key_of(1), drawn(1), owner=1)
        await tier.flush()
        clock.ms += RETRY_MS
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    path.parent.unlink()
    await fill(tier, range(3))
    assert await present(tier, range(3)) == [0, 1, 2]


async def test_a_second_outage_is_logged_again(
    open_tier: OpenTier, path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    tier = open_tier()
    for _ in range(2):
        await fill(tier, range(3))
        caplog.clear()
        move_away(path)
        make_directory(path)
        with pytest.raises(TierUnavailable):
            await tier.get(key_of(1))
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        remove_directory(path)
        clock.ms += RETRY_MS


async def test_pictures_put_before_the_directory_was_found_unusable_are_dropped_and_counted(
    open_tier: OpenTier, path: Path
) -> None:
    path.parent.write_text("in the way")
    tier = open_tier()
    for number in range(3):
        await tier.put(key_of(number), drawn(number), owner=1)
    await tier.flush()
    assert tier.stats().dropped == 3
    with pytest.raises(TierUnavailable):
        await tier.put(key_of(1), drawn(1), owner=1)


async def test_an_owner_that_no_account_has_stops_nothing(open_tier: OpenTier) -> None:
    tier = open_tier()
    await tier.put(key_of(0), drawn(0), owner=-1)
    assert tier._writing
    writing = tier._writing
    await tier.flush()
    assert writing.exception() is not None
    await fill(tier, range(1, 3))
    assert await present(tier, range(3)) == [1, 2]
    assert (tier.stats().writes, tier.stats().dropped) == (2, 1)


def write_in_a_process(path: Path, *arguments: int) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "tests.adapters.tiers.writer", path, *map(str, arguments)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.mark.parametrize("lines", [1, 3, 20, 60])
async def test_after_a_killed_writer_every_picture_there_is_is_intact(
    open_tier: OpenTier, path: Path, lines: int
) -> None:
    path.parent.mkdir()
    with write_in_a_process(path, 0, 100_000) as process:
        assert process.stdout
        written = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
    tier = open_tier()
    found = await present(tier, range(written[-1] + 200))
    assert found[: written[-1] + 1] == list(range(written[-1] + 1))
    assert tier.stats().quarantined == 0
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert set_aside(path) == []


async def test_several_processes_write_one_file_while_another_reads_it(
    open_tier: OpenTier, path: Path
) -> None:
    path.parent.mkdir()
    tier = open_tier()
    processes = [write_in_a_process(path, start, start + 600) for start in (0, 300)]
    while any(process.poll() is None for process in processes):
        await present(tier, range(0, 900, 50))
    for process in processes:
        output, _ = process.communicate()
        assert "writes=600, dropped=0" in output, output
    assert await present(tier, range(900)) == list(range(900))
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_a_disk_that_takes_no_more_drops_writes_and_keeps_what_there_is(
    open_tier: OpenTier, path: Path
) -> None:
    path.parent.mkdir()
    with write_in_a_process(path, 0, 400, 1_000_000) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "unavailable" in output
    tier = open_tier()
    found = await present(tier, range(400))
    assert 0 < len(found) < 400
    await fill(tier, range(400, 410))
    assert await present(tier, range(400, 410)) == list(range(400, 410))


async def test_damage_is_logged_where_it_happens_and_not_again_by_who_asks(
    open_tier: OpenTier, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    overwrite(path, 0, b"garbage!")
    with caplog.at_level(logging.DEBUG, "emoticon"):
        tier = open_tier()
        await asyncio.gather(*(tier.get(key_of(n)) for n in range(50)))
        await tier.flush()
    assert len(caplog.records) == 1
