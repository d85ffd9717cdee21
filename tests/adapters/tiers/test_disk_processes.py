"""A disk tier whose process is killed, that shares its file with other processes, or whose disk fails it."""

import os
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest
from tests.adapters.tiers.conftest import OpenTier
from tests.adapters.tiers.files import fill, present, rows, set_aside, traces
from tests.adapters.tiers.processes import BODY_BYTES, start

from emoticon.domain.errors import TierUnavailable


@pytest.mark.parametrize("lines", [1, 3, 20, 60])
async def test_after_a_killed_writer_every_picture_there_is_is_intact(
    open_tier: OpenTier, path: Path, lines: int
) -> None:
    path.parent.mkdir()
    with start(path, "write", 0, 100_000) as process:
        assert process.stdout
        written = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
    tier = open_tier()
    found = await present(tier, range(written[-1] + 200))
    assert found[: written[-1] + 1] == list(range(written[-1] + 1))
    assert tier.figures().damaged == 0
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert set_aside(path) == []


async def test_several_processes_write_one_file_while_another_reads_it(
    open_tier: OpenTier, path: Path
) -> None:
    path.parent.mkdir()
    tier = open_tier()
    processes = [start(path, "write", first, first + 600) for first in (0, 300)]
    while any(process.poll() is None for process in processes):
        await present(tier, range(0, 900, 50))
    for process in processes:
        output, _ = process.communicate()
        assert process.returncode == 0, output
    assert (
        len(await present(tier, range(900))) > 800
    )  # what waited for more than a second may be dropped
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


@pytest.mark.parametrize("lines", [1, 2, 3, 5, 8, 13, 21, 34])
async def test_after_a_killed_forgetting_nobody_is_half_there_once_it_is_repeated(
    open_tier: OpenTier, path: Path, lines: int
) -> None:
    await fill(first := open_tier(), range(40), BODY_BYTES)
    await first.aclose()
    with start(path, "forget", 0, 40) as process:
        assert process.stdout
        forgotten = [int(process.stdout.readline()) for _ in range(lines)]
        process.kill()
    assert forgotten == list(range(lines))
    assert set(traces(path, range(40), BODY_BYTES)) <= set(range(lines, 40))
    tier = open_tier()
    kept = await present(tier, range(40), BODY_BYTES)
    assert set(kept) <= set(range(lines, 40))
    await tier.forget(range(lines + 2))
    assert traces(path, range(40), BODY_BYTES) == list(range(lines + 2, 40))
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]
    assert set_aside(path) == []
    assert tier.figures().damaged == 0


async def test_after_a_killed_compaction_every_picture_is_intact(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(first := open_tier(), range(2000))
    await first.forget(range(1500))
    await first.aclose()
    with start(path, "compact") as process:
        assert process.stdout
        assert process.stdout.readline() == "begins\n"
        process.kill()
    tier = open_tier()
    assert await present(tier, range(2000)) == list(range(1500, 2000))
    await tier.compact()
    assert await present(tier, range(2000)) == list(range(1500, 2000))
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_one_process_forgets_while_others_write(open_tier: OpenTier, path: Path) -> None:
    await fill(tier := open_tier(), range(2000, 2200))
    processes = [start(path, "write", first, first + 300) for first in (0, 300)]
    while any(process.poll() is None for process in processes):
        with suppress(TierUnavailable):  # somebody else wrote for more than a second
            await tier.forget([*range(2000, 2100), *range(50, 100)])
    for process in processes:
        output, _ = process.communicate()
        assert process.returncode == 0, output
        assert "unavailable" not in output
    await tier.forget([*range(2000, 2100), *range(50, 100)])
    found = await present(tier, range(2200))
    assert found[-100:] == list(range(2100, 2200))
    assert set(found[:-100]) <= {*range(50), *range(100, 600)}
    assert len(found) > 300
    assert traces(path, range(2000, 2100)) == []
    assert rows(path, "PRAGMA integrity_check") == [("ok",)]


async def test_a_disk_that_takes_no_more_drops_writes_and_keeps_what_there_is(
    open_tier: OpenTier, path: Path
) -> None:
    path.parent.mkdir()
    with start(path, "write", 0, 400, 1_000_000) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    assert "unavailable" in output
    tier = open_tier()
    found = await present(tier, range(400))
    assert 0 < len(found) < 400
    await fill(tier, range(400, 410))
    assert await present(tier, range(400, 410)) == list(range(400, 410))


def run_on_mount(path: Path, mount: str, task: str) -> str:
    """Run a task with something mounted on the file's directory that nobody else sees; return what it said."""
    script = f'set -e; mount {mount} "$0"; exec "$@"'
    alone = ["unshare", "--mount", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    words = [*alone, "sh", "-c", script, str(path.parent)]
    try:
        subprocess.run([*words, "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError):
        if os.environ.get("EMOTICON_TEST_REQUIRE") == "all":
            raise
        pytest.skip("nothing can be mounted here")
    with start(path, task, before=words) as process:
        output, _ = process.communicate()
    assert process.returncode == 0, output
    return output


@pytest.mark.parametrize("task", ["fill_small_disk", "share_full_disk"])
def test_a_full_disk_drops_writes_and_gives_what_it_has(path: Path, task: str) -> None:
    path.parent.mkdir()
    output = run_on_mount(path, "-t tmpfs -o size=16m tmpfs", task)
    assert "kept, dropped, went on\n" in output


async def test_a_read_only_disk_is_unavailable(open_tier: OpenTier, path: Path) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    output = run_on_mount(path, f"-o bind,ro {path.parent}", "use_read_only")
    assert "\nunavailable\nunavailable\nunavailable\nunavailable\n" in output
    assert await present(open_tier(), range(5)) == list(range(5))
