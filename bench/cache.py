"""What a hit costs in memory and in Valkey, what a picture costs Valkey, and one drawing for all who ask.

`python -m bench.cache` prints every measurement of the tiers that needs no service.
"""

import asyncio
import os
import random
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes.util import find_library
from pathlib import Path
from typing import Any

from redis import Redis
from tests.valkey import ValkeyServer

from bench import disk_tier, hit_ratio
from bench.disk_tier import key_of, sizes_bytes
from bench.load import on_fast_loop
from bench.report import Report
from emoticon.adapters.clock import SystemClock
from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.adapters.tiers.shared import SharedTier
from emoticon.domain.admission import Admission
from emoticon.domain.keeping import Label
from emoticon.domain.models import Format, Picture
from emoticon.domain.pictures import frame, picture
from emoticon.domain.tiers import Tiers

CONFIGURATION = Path(__file__).parent.parent / "deploy" / "valkey.conf"
PICTURES = 20_000
LARGEST_BYTES = 4003
"""Of a picture that fits into 4096 bytes of jemalloc's with its frame and the hash around it."""
CALLERS = 1000
DRAWING_S = 0.05
READS = 2000
ROUNDS = 9

Command = tuple[str | bytes | int, ...]


def pictures() -> list[tuple[Label, Picture]]:
    """Return made-up pictures with the sizes of real ones, an owner each."""
    sizes = sizes_bytes(PICTURES)
    random.Random(1).shuffle(sizes)  # noqa: S311 - the same in each run
    return [
        (Label(key_of(number), number + 1), picture(os.urandom(size_bytes), Format.PNG, 128))
        for number, size_bytes in enumerate(sizes)
    ]


def valkey_bytes(kept: list[tuple[Label, Picture]], allocator: str | None) -> dict[str, float]:
    """Return what a picture costs a Valkey set up as deploy/valkey.conf says, by how it is kept."""
    frames = [(label, frame(label, drawn, drawn_at_s=0)) for label, drawn in kept]
    ways: dict[str, list[Command]] = {
        "hash": [_hash(label, data) for label, data in frames],
        "string": [("SET", b"emoticon:" + label.key, data) for label, data in frames],
        "string and set": [
            command
            for label, data in frames
            for command in (
                ("SET", b"emoticon:" + label.key, data),
                ("SADD", f"emoticon:owner:{label.owner}", label.key),
            )
        ],
    }
    for way, size_bytes in (("fits", LARGEST_BYTES), ("over", LARGEST_BYTES + 1)):
        body = picture(os.urandom(size_bytes), Format.PNG, 128)
        ways[way] = [_hash(label, frame(label, body, drawn_at_s=0)) for label, _ in frames]
    preload = {"LD_PRELOAD": allocator} if allocator else {}
    with tempfile.TemporaryDirectory() as directory, _environment(preload):
        configuration = CONFIGURATION.read_text(encoding="utf-8")
        with ValkeyServer(Path(directory), configuration) as valkey:
            return {way: _bytes_each(valkey, commands) for way, commands in ways.items()}


def _hash(label: Label, data: bytes) -> Command:
    return ("HSET", f"emoticon:pictures:{label.owner}", label.key, data)


@contextmanager
def _environment(given: dict[str, str]) -> Iterator[None]:
    os.environ.update(given)
    try:
        yield
    finally:
        for name in given:
            del os.environ[name]


def _bytes_each(valkey: ValkeyServer, commands: list[Command]) -> float:
    valkey.call("FLUSHALL", "SYNC")
    with Redis.from_url(valkey.url) as client:
        before = _used(client)
        for at in range(0, len(commands), 500):
            pipeline = client.pipeline(transaction=False)
            for command in commands[at : at + 500]:
                pipeline.execute_command(*command)
            pipeline.execute()
        return (_used(client) - before) / PICTURES


def _used(client: Redis) -> int:
    memory: Any = client.info("memory")
    return int(memory["used_memory"])


async def hits_us(kept: list[tuple[Label, Picture]], url: str) -> tuple[float, float]:
    """Return the median microseconds of a hit in memory and of one in Valkey, read in turns."""
    memory, shared = MemoryTier(2**30), SharedTier(url, SystemClock(), timeout_s=1)
    for label, drawn in kept[:READS]:
        await memory.put(label, drawn)
        await shared.put(label, drawn)
    taken_us: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for tier, into in zip((memory, shared), taken_us, strict=True):
            began_s = time.perf_counter()
            for label, _ in kept[:READS]:
                if await tier.get(label) is None:
                    raise RuntimeError("a picture is missing")
            into.append((time.perf_counter() - began_s) * 1e6 / READS)
    await memory.aclose()
    await shared.aclose()
    return statistics.median(taken_us[0]), statistics.median(taken_us[1])


async def drawings_for_one_key() -> int:
    """Return how many drawings CALLERS of one cold key cost."""
    count = 0

    async def draw() -> tuple[Picture, float]:
        nonlocal count
        count += 1
        await asyncio.sleep(DRAWING_S)
        return picture(b"drawn", Format.PNG, 128), DRAWING_S * 1000

    tiers = Tiers(MemoryTier(2**20), [], Admission.beside(2**20), clock=SystemClock())
    label = Label(key_of(0), 1)
    asked = [tiers.picture(label, kept=True, slow=lambda: False, draw=draw) for _ in range(CALLERS)]
    if len(set(await asyncio.gather(*asked))) != 1:
        raise RuntimeError("the callers got different pictures")
    await tiers.aclose()
    return count


def run() -> Report:
    """Measure all rows."""
    kept = pictures()
    allocator = find_library("jemalloc")
    weights = valkey_bytes(kept, allocator)
    with tempfile.TemporaryDirectory() as directory, ValkeyServer(Path(directory)) as valkey:
        memory_us, shared_us = on_fast_loop(hits_us(kept, valkey.url))
    drawings = on_fast_loop(drawings_for_one_key())
    mean = statistics.mean(len(drawn.body) for _, drawn in kept)
    rows = [
        ("bytes in Valkey: a hash for each owner, a string for each picture", "hash", "string", ""),
        ("bytes in Valkey: as above, a string and a set by owner", "hash", "string and set", ""),
        (f"bytes in Valkey of {LARGEST_BYTES} bytes, and of one byte more", "fits", "over", ""),
    ]
    return Report(
        "Hits and bytes of the tiers, and one drawing for all",
        f"{PICTURES} pictures of {mean:.0f} bytes on average, each of another owner, in a Valkey set up as"
        f" deploy/valkey.conf has it, with {allocator or 'the allocator of the system, which has no classes'}; hits"
        f" in memory and in that Valkey one after the other in this process, {READS} in turns of {ROUNDS}, medians;"
        f" {CALLERS} callers at once of one key that no tier has, whose drawing takes {DRAWING_S * 1000:.0f} ms.",
        ["", "ours", "baseline", "ratio", "target"],
        [
            *(
                [
                    what,
                    f"{weights[a]:.0f}",
                    f"{weights[b]:.0f}",
                    f"{weights[a] / weights[b]:.2f}",
                    target,
                ]
                for what, a, b, target in rows
            ),
            [
                "a hit in memory and in Valkey, us",
                f"{memory_us:.1f}",
                f"{shared_us:.1f}",
                f"{memory_us / shared_us:.3f}",
                "",
            ],
            [f"drawings for {CALLERS} callers", str(drawings), str(CALLERS), "", "1"],
        ],
    )


if __name__ == "__main__":
    for measurement in (hit_ratio, disk_tier):
        print(measurement.run().markdown())
    print(run().markdown())
