"""Facts about blobs in a directory: that they are durable, private, and whole or not there."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from emoticon.adapters.blobs.local import LocalBlobStore
from emoticon.domain.errors import OriginalsUnavailable

NAME = "originals/7-0123abcd"
DRAFT = "originals/.7-0123abcd.partial"
MOST = 1 << 20


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "data" / "blobs"


@pytest.fixture
def store(root: Path) -> LocalBlobStore:
    return LocalBlobStore(root)


@pytest.fixture
def file_in_the_way(root: Path) -> Iterator[None]:
    root.mkdir(parents=True)
    (root / "originals").write_text("a file where a directory should be")
    yield
    assert (root / "originals").is_file()


async def names(store: LocalBlobStore) -> list[str]:
    return sorted([name async for batch in store.walk("originals/") for name, _ in batch])


async def test_nobody_else_may_read_them(store: LocalBlobStore, root: Path) -> None:
    await store.put(NAME, b"x")
    modes = [path.stat().st_mode & 0o777 for path in (root, root / "originals", root / NAME)]
    assert modes == [0o700, 0o700, 0o600]


async def test_a_file_is_whole_or_not_there_and_nothing_is_left_beside_it(
    store: LocalBlobStore, root: Path
) -> None:
    await store.put(NAME, b"one")
    assert [path.name for path in (root / "originals").iterdir()] == ["7-0123abcd"]


async def test_what_a_killed_process_has_left_is_found_and_goes_with_the_name(
    store: LocalBlobStore, root: Path
) -> None:
    await store.put("originals/8-0", b"x")
    (root / DRAFT).write_bytes(b"hal")
    assert await names(store) == [NAME, "originals/8-0"]
    assert await store.get(NAME, max_bytes=MOST) is None
    await store.delete(NAME)
    assert await names(store) == ["originals/8-0"]


async def test_what_a_killed_process_has_left_is_no_obstacle(
    store: LocalBlobStore, root: Path
) -> None:
    await store.put(NAME, b"x")
    (root / DRAFT).write_bytes(b"something longer")
    await store.put(NAME, b"two")
    assert await store.get(NAME, max_bytes=MOST) == b"two"
    assert await names(store) == [NAME]


@pytest.mark.usefixtures("file_in_the_way")
async def test_where_it_cannot_be_written_it_says_so(store: LocalBlobStore) -> None:
    with pytest.raises(OriginalsUnavailable):
        await store.put(NAME, b"x")
    with pytest.raises(OriginalsUnavailable):
        await store.get(NAME, max_bytes=MOST)
    with pytest.raises(OriginalsUnavailable):
        await store.delete(NAME)
    assert await names(store) == []


async def test_a_name_that_is_taken_by_a_directory_leaves_nothing_half_written(
    store: LocalBlobStore, root: Path
) -> None:
    (root / NAME).mkdir(parents=True)
    with pytest.raises(OriginalsUnavailable):
        await store.put(NAME, b"x")
    assert not (root / DRAFT).exists()


async def test_a_full_disk_leaves_nothing_half_written(root: Path) -> None:
    (root / "originals").mkdir(parents=True)
    (root / DRAFT).symlink_to("/dev/full")
    store = LocalBlobStore(root)
    with pytest.raises(OriginalsUnavailable):
        await store.put(NAME, b"x" * 100_000)
    assert await names(store) == []


async def test_a_root_that_cannot_be_made_does_not_answer(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(OriginalsUnavailable):
        await LocalBlobStore(tmp_path / "file" / "blobs").ping()


async def test_many_are_walked_in_batches_and_what_vanishes_meanwhile_is_left_out(
    store: LocalBlobStore, root: Path
) -> None:
    (root / "originals").mkdir(parents=True)
    for number in range(1500):
        (root / "originals" / f"{number}").touch()
    batches = store.walk("originals/")
    first = await anext(batches)
    gone = 0
    for path in (root / "originals").iterdir():
        path.unlink()
        gone += 1
    assert (len(first), gone) == (1000, 1500)
    rest = [name async for batch in batches for name, _ in batch]
    assert not {name for name, _ in first} & {*rest}
    assert len(rest) <= 500


async def test_no_file_stays_open(store: LocalBlobStore) -> None:
    await store.put(NAME, b"x")
    before = psutil.Process().num_fds()
    await asyncio.gather(*(store.put(f"originals/{number}-0", b"x") for number in range(20)))
    await asyncio.gather(*(store.get(f"originals/{number}-0", max_bytes=1) for number in range(20)))
    assert len(await names(store)) == 21
    assert psutil.Process().num_fds() <= before
    assert os.listdir("/proc/self/fd")  # noqa: PTH208 - counts what is open now, this included
