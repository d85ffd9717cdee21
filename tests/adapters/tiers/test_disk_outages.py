"""A disk tier whose file cannot be used, whose process is killed, or that shares the file."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.accounts import ManualClock
from tests.adapters.tiers.conftest import OpenTier
from tests.adapters.tiers.drawings import drawn, key_of
from tests.adapters.tiers.files import (
    fill,
    move_away,
    present,
    rows,
    set_aside,
)

from emoticon.adapters.tiers.disk import RETRY_MS
from emoticon.domain.errors import TierUnavailable

ROOT = Path(__file__).parents[3]


def make_directory(path: Path) -> None:
    path.mkdir()


def remove_directory(path: Path) -> None:
    path.rmdir()


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
