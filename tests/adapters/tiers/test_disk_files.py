"""What may happen to the file of a disk tier. Nothing of it is an error for the service, or a wrong picture."""

import asyncio
import logging
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.accounts import NOW_MS, ManualClock
from tests.adapters.tiers.conftest import OpenTier
from tests.adapters.tiers.drawings import label_of
from tests.adapters.tiers.files import (
    change,
    content,
    fill,
    log_of,
    move_away,
    overwrite,
    present,
    replace,
    set_aside,
    truncate,
)

from emoticon.adapters.tiers.disk import RETRY_MS
from emoticon.adapters.tiers.disk_rows import PAGE_BYTES

MANY = range(1500)  # more than the connections keep in memory


def zero_every_second_page(path: Path) -> None:
    for offset in range(PAGE_BYTES, path.stat().st_size, 2 * PAGE_BYTES):
        overwrite(path, offset, bytes(PAGE_BYTES))


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


async def test_damage_is_logged_where_it_happens_and_not_again_by_who_asks(
    open_tier: OpenTier, path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    overwrite(path, 0, b"garbage!")
    with caplog.at_level(logging.DEBUG, "emoticon"):
        tier = open_tier()
        await asyncio.gather(*(tier.get(label_of(n)) for n in range(50)))
        await tier.flush()
    assert len(caplog.records) == 1
