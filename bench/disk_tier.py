"""The disk tier beside plain files: one framed picture per file in 256 directories, in the same run.

Everything is read once before it is measured. The two take turns in blocks, so that a change of the machine's speed
meets both. The temporary directory must be on a disk: a tmpfs has other blocks.
"""

import asyncio
import os
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from hashlib import blake2b
from math import exp
from pathlib import Path

from bench.report import Report
from emoticon.adapters.clock import SystemClock
from emoticon.adapters.tiers.disk import DiskTier
from emoticon.domain.keeping import Label
from emoticon.domain.models import Format
from emoticon.domain.pictures import frame, picture, unframe

PICTURES = 20_000
MEDIAN_BYTES = 2785
BLOCK = 250
FIND = "SELECT seq, day < ?, frame FROM pictures WHERE key = ?"


def sizes_bytes(count: int) -> list[int]:
    """Return sizes with the mean (3352), median (2785) and p90 (6428) of real PNGs of 128 px."""
    normal = statistics.NormalDist()
    scores = (normal.inv_cdf((n + 0.5) / count) for n in range(count))
    return [round(MEDIAN_BYTES * exp(z * (0.653 if z > 0 else 0.847))) for z in scores]


def key_of(number: int) -> bytes:
    """Return the key of a picture; sorting by keys shuffles."""
    return blake2b(b"%d" % number, digest_size=16).digest()


def file_of(directory: Path, key: bytes) -> str:
    """Return the path of a plain file."""
    return f"{directory}/{key[0]:02x}/{key.hex()}"


def read_file(path: str) -> bytes:
    """Read a plain file in the plain way."""
    with open(path, "rb") as file:  # noqa: PTH123 -- pathlib would slow the baseline down
        return file.read()


def disk_bytes(directory: Path) -> int:
    """Return the blocks of everything in it, in bytes."""
    return sum(
        Path(folder, name).lstat().st_blocks * 512
        for folder, folders, files in os.walk(directory)
        for name in [*folders, *files]
    )


async def write(files: Path, tier: DiskTier, count: int) -> list[bytes]:
    """Write all pictures to both and return the keys, shuffled."""
    for number in range(256):
        (files / f"{number:02x}").mkdir(parents=True)
    shuffled = sorted(enumerate(sizes_bytes(count)), key=lambda item: key_of(-1 - item[0]))
    for done, (number, size_bytes) in enumerate(shuffled, 1):
        key, drawn = key_of(number), picture(os.urandom(size_bytes), Format.PNG, 128)
        label = Label(key, number)
        await tier.put(label, drawn)
        if done % 200 == 0:
            await tier.flush()
        framed = frame(label, drawn, drawn_at_s=0)
        with open(file_of(files, key), "wb") as file:  # noqa: ASYNC230, PTH123 -- the baseline
            file.write(framed)
    return sorted(key_of(number) for number in range(count))


def take_turns(
    keys: list[bytes], one: Callable[[bytes], object], other: Callable[[bytes], object]
) -> tuple[float, float]:
    """Return the median microseconds of a call of each."""
    taken_us: tuple[list[float], list[float]] = ([], [])
    for warm in (False, True):
        for start in range(0, len(keys), BLOCK):
            for calls_us, call in zip(taken_us, (one, other), strict=True):
                begin = time.perf_counter()
                for key in keys[start : start + BLOCK]:
                    call(key)
                if warm:
                    calls_us.append((time.perf_counter() - begin) * 1e6 / BLOCK)
    return statistics.median(taken_us[0]), statistics.median(taken_us[1])


async def through_the_loop(
    keys: list[bytes], tier: DiskTier, in_thread: Callable[[bytes], object]
) -> tuple[float, float]:
    """Return the median microseconds of a `get`, and of the same in a thread of the loop."""
    tier_us, files_us = [], []
    for start in range(0, len(keys), BLOCK):
        begin = time.perf_counter()
        for key in keys[start : start + BLOCK]:
            await tier.get(Label(key))
        middle = time.perf_counter()
        for key in keys[start : start + BLOCK]:
            await asyncio.to_thread(in_thread, key)
        tier_us.append((middle - begin) * 1e6 / BLOCK)
        files_us.append((time.perf_counter() - middle) * 1e6 / BLOCK)
    return statistics.median(tier_us), statistics.median(files_us)


async def measure(directory: Path) -> list[list[str]]:
    """Write, read and weigh; return rows of a table."""
    files, database = directory / "files", directory / "tier" / "pictures.db"
    tier = DiskTier(database, max_bytes=64 << 30, clock=SystemClock(), min_free_fraction=0)
    keys = await write(files, tier, PICTURES)
    if tier.figures().writes != PICTURES:
        raise RuntimeError(f"the tier did not take all pictures: {tier.figures()}")
    paths = {key: file_of(files, key) for key in keys}
    db = sqlite3.connect(database)
    for pragma in ("cache_size = -4096", "mmap_size = 0"):  # as in the tier
        db.execute(f"PRAGMA {pragma}")

    def row(key: bytes) -> bytes:
        frame_bytes: bytes = db.execute(FIND, (0, key)).fetchone()[2]
        return frame_bytes

    def file(key: bytes) -> bytes:
        return read_file(paths[key])

    rows = [
        ("warm read, us", "0.50", *take_turns(keys, row, file)),
        (
            "warm read and verified, us",
            "",
            *take_turns(
                keys, lambda key: unframe(key, row(key)), lambda key: unframe(key, file(key))
            ),
        ),
        (
            "verified, from the event loop, us",
            "",
            *await through_the_loop(keys, tier, lambda key: unframe(key, file(key))),
        ),
    ]
    db.close()
    await tier.aclose()
    weights = (disk_bytes(database.parent) / PICTURES, disk_bytes(files) / PICTURES)
    rows.append(("bytes of disk per picture", "0.80", *weights))
    return [
        [what, f"{ours:.1f}", f"{theirs:.1f}", f"{ours / theirs:.2f}", target]
        for what, target, ours, theirs in rows
    ]


def run() -> Report:
    """Measure in a temporary directory."""
    with tempfile.TemporaryDirectory() as directory:
        rows = asyncio.run(measure(Path(directory)))
    sizes = sizes_bytes(PICTURES)
    return Report(
        "The disk tier beside plain files",
        f"{PICTURES} pictures of mean {statistics.mean(sizes):.0f}, median {statistics.median(sizes):.0f} and p90"
        f" {sizes[PICTURES * 9 // 10]} bytes, the sizes of real PNGs of 128 px, in one SQLite database and in one file"
        " each in 256 directories. Reads are warm, in random order, in turns; a file is read by `open` and `read`; from"
        " the event loop means one by one through a thread. Bytes are blocks of the file system.",
        ["", "disk tier", "files", "ratio", "target, at most"],
        rows,
    )


if __name__ == "__main__":
    print(run().markdown())
