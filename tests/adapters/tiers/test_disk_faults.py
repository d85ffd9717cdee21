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
from tests.adapters.tiers.conftest import OpenTier, change, content, rows
from tests.adapters.tiers.drawings import drawn, key_of

from emoticon.adapters.tiers.disk import RETRY_MS, DiskTier
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.pictures import FRAME_BYTES, frame

MANY = range(1500)  # more than the connections keep in memory
WRITER = Path(__file__).with_name("writer.py")
ROOT = WRITER.parents[3]


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
    "every_second_page_zero": lambda path: (
        [
            overwrite(path, offset, bytes(16384))
            for offset in range(16384, path.stat().st_size, 32768)
        ][:0]
        and None
    ),
    "deleted": Path.unlink,
    "text": lambda path: path.write_text("Not a database. " * 10_000) and None,
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
    found = await present(second, range(200))
    assert len(found) < 200
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
