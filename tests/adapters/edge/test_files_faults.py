"""The edge as files when something goes wrong, and when several processes share the directory."""

import asyncio
import os
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.accounts import ManualClock
from tests.adapters.edge.conftest import OpenEdge
from tests.adapters.edge.trees import entries, found, grant_of
from tests.adapters.tiers.drawings import drawn

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.edge.files import WINDOW_S, FileEdge
from emoticon.domain.errors import FloorsStale

pytestmark = pytest.mark.anyio


@contextmanager
def files_at_most(size_bytes: int) -> Iterator[None]:
    """Let no file be larger, as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    try:
        yield
    finally:
        os.umask(before)


def replace_by_file(path: Path) -> None:
    """Let every call fail that takes it for a directory."""
    shutil.rmtree(path)
    path.touch()


async def test_what_another_process_published_is_withdrawn_and_ended_as_well(
    edge: FileEdge, open_edge: OpenEdge, directory: Path, clock: ManualClock
) -> None:
    other = open_edge()
    await other.start()
    edge.publish(grant_of(1, account_id=1), drawn(1))
    edge.publish(grant_of(2, account_id=2, life_s=2 * WINDOW_S), drawn(1))
    other.renew()
    other.withdraw(1)
    assert found(directory, clock, grant_of(1, account_id=1)) is None
    assert found(directory, clock, grant_of(2, account_id=2)) == drawn(1).body
    clock.ms += 2 * WINDOW_S * 1000
    other.renew()
    assert entries(directory) == []


async def test_what_another_process_withdrew_or_wiped_can_be_published_again(
    edge: FileEdge, open_edge: OpenEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(), drawn(1))
    other = open_edge()
    await other.start()
    assert found(directory, clock, grant_of()) is None
    edge.publish(grant_of(), drawn(1))
    edge.renew()
    assert found(directory, clock, grant_of()) == drawn(1).body
    other.withdraw(1)
    edge.publish(grant_of(), drawn(1))
    assert found(directory, clock, grant_of()) == drawn(1).body


async def test_the_end_of_one_process_takes_the_files_of_all_and_the_others_go_on(
    edge: FileEdge, open_edge: OpenEdge, directory: Path, clock: ManualClock
) -> None:
    other = open_edge()
    await other.start()
    edge.publish(grant_of(), drawn(1))
    await other.aclose()
    assert entries(directory) == []
    edge.renew()
    edge.publish(grant_of(2), drawn(1))
    assert found(directory, clock, grant_of(2)) == drawn(1).body


async def test_a_start_takes_away_what_a_dead_process_left(
    edge: FileEdge, open_edge: OpenEdge, directory: Path
) -> None:
    edge.publish(grant_of(), drawn(1))
    directory.joinpath(".gone-1-2-3", "accounts").mkdir(parents=True)
    await open_edge().start()
    assert entries(directory) == []
    assert os.listdir(directory) == ["published"]  # noqa: PTH208 - not worth a thread


async def test_the_lease_is_renewed_only_while_news_are_followed(directory: Path) -> None:
    clock = SystemClock()
    edge = FileEdge(directory, max_bytes=1 << 20, clock=clock)
    await edge.start()
    asked = asyncio.Event()

    def stale() -> None:
        asked.set()
        raise FloorsStale

    edge.keep(stale)
    await asked.wait()
    leases = directory / "published" / "lease"
    assert os.listdir(leases) == []  # noqa: PTH208 - not worth a thread
    asked.clear()
    await asyncio.wait_for(asked.wait(), 30)  # it asks again
    await edge.aclose()
    await edge.start()
    edge.keep(asked.set)
    asked.clear()
    await asked.wait()
    assert os.listdir(leases) != []  # noqa: PTH208 - not worth a thread
    await edge.aclose()


async def test_a_picture_for_which_there_is_no_room_is_not_published_and_leaves_nothing(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    with capture_logs() as logs, files_at_most(1000):
        edge.publish(grant_of(1), drawn(1))
        edge.publish(grant_of(2), drawn(1))
    assert (entries(directory), edge.used_bytes) == ([], 0)
    assert [log["event"] for log in logs] == ["edge_failed"]
    assert grant_of().token[-20:] not in str(logs)
    edge.publish(grant_of(1), drawn(1))
    assert found(directory, clock, grant_of(1)) == drawn(1).body


async def test_a_tree_that_is_taken_away_is_no_error(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(), drawn(1))
    shutil.rmtree(directory / "published")
    edge.publish(grant_of(), drawn(1))
    edge.renew()
    edge.withdraw(1)
    assert found(directory, clock, grant_of()) is None
    assert edge.used_bytes == 0


@pytest.mark.parametrize("how", ["withdraw", "too many"])
async def test_what_cannot_be_taken_away_is_not_found_either(
    how: str, open_edge: OpenEdge, directory: Path, clock: ManualClock
) -> None:
    edge = open_edge(max_bytes=15_000)
    await edge.start()
    edge.renew()
    edge.publish(grant_of(1), drawn(1))
    replace_by_file(directory / "published" / "gone")
    with capture_logs() as logs:
        if how == "withdraw":
            edge.withdraw(1)
        else:
            edge.publish(grant_of(2, account_id=2), drawn(1))
    assert found(directory, clock, grant_of(1)) is None
    assert [log["event"] for log in logs] == ["edge_given_up"]
    edge.renew()
    edge.publish(grant_of(3), drawn(1))
    assert found(directory, clock, grant_of(1)) is None
    assert found(directory, clock, grant_of(3)) is None


async def test_an_end_without_its_directory_is_no_error(
    directory: Path, clock: ManualClock
) -> None:
    place = directory / "own"
    edge = FileEdge(place, max_bytes=1 << 20, clock=clock)
    await edge.start()
    replace_by_file(place)
    with capture_logs() as logs:
        await edge.aclose()
    assert [log["event"] for log in logs] == ["edge_given_up"]


async def test_a_directory_that_cannot_be_made_is_refused(
    directory: Path, clock: ManualClock
) -> None:
    (directory / "file").touch()
    edge = FileEdge(directory / "file" / "below", max_bytes=1, clock=clock)
    with pytest.raises(NotADirectoryError):
        await edge.start()


async def test_a_umask_that_keeps_nginx_out_is_refused(edge: FileEdge) -> None:
    with umask(0o077), pytest.raises(PermissionError, match="umask"):
        await edge.start()


async def test_a_file_system_that_cuts_times_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    edge = FileEdge(tmp_path, max_bytes=1, clock=clock)
    os.utime(tmp_path, (2**37 - 1, 2**37 - 1))
    if os.stat(tmp_path).st_mtime == 2**37 - 1:  # noqa: PTH116 - not worth a thread; this is a tmpfs itself
        await edge.start()
        await edge.aclose()
    else:
        with pytest.raises(OSError, match="take a tmpfs"):
            await edge.start()
