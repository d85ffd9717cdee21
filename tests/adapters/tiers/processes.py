"""What processes of their own do to a disk tier: PATH TASK [NUMBER ...]. They say a line for each step."""

import asyncio
import resource
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

from tests.adapters.tiers.drawings import drawn, label_of
from tests.adapters.tiers.files import fill, present, traces

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.tiers.disk import DiskTier
from emoticon.domain.errors import TierUnavailable

ROOT = Path(__file__).parents[3]
BODY_BYTES = 20_000  # more than a page


def start(
    path: Path, task: str, *numbers: int, before: Sequence[str] = ()
) -> subprocess.Popen[str]:
    """Start a task in a process; the words `before` are a program that starts others."""
    program = [sys.executable, "-m", "tests.adapters.tiers.processes"]
    return subprocess.Popen(
        [*before, *program, path, task, *map(str, numbers)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def write(tier: DiskTier, first: int, last: int, file_limit_bytes: int = 0) -> None:
    """Put pictures, and say which are written."""
    if file_limit_bytes:
        resource.setrlimit(resource.RLIMIT_FSIZE, (file_limit_bytes, file_limit_bytes))
    for number in range(first, last):
        try:
            await tier.put(label_of(number), drawn(number))
        except TierUnavailable:
            say("unavailable")
        if number % 10 == 9:
            await tier.flush()
            say(number)


async def forget(tier: DiskTier, first: int, last: int) -> None:
    """Forget one owner after the other, and say which are forgotten."""
    for owner in range(first, last):
        await tier.forget([owner])
        say(owner)


async def compact(tier: DiskTier) -> None:
    say("begins")
    await tier.compact()


async def fill_small_disk(tier: DiskTier) -> None:
    """Put more than there is room for, then clear it and go on."""
    await fill(tier, range(6000))
    found = await present(tier, range(6000))
    assert found == list(range(len(found)))
    assert len(found) > 1000
    assert tier.figures().dropped == 6000 - len(found)
    await tier.clear()
    await fill(tier, range(6000, 6010))
    assert await present(tier, range(6010)) == list(range(6000, 6010))
    say("kept, dropped, went on")


async def share_full_disk(tier: DiskTier) -> None:
    """Use a disk that something else has filled, until that is gone."""
    await fill(tier, range(500))
    other = tier._path.with_name("other")
    with suppress(OSError), other.open("wb", buffering=0) as file:
        while True:
            file.write(bytes(4096))
    await fill(tier, range(500, 6000))
    assert tier.figures().dropped > 0
    assert await present(tier, range(500)) == list(range(500))
    with suppress(TierUnavailable):  # the log needs room too, and may have some
        await tier.forget(range(100))
    other.unlink()
    await tier.forget(range(100))
    assert traces(tier._path, range(100)) == []
    await fill(tier, range(6000, 6010))
    assert await present(tier, range(500)) == list(range(100, 500))
    assert await present(tier, range(6000, 6010)) == list(range(6000, 6010))
    say("kept, dropped, went on")


async def use_read_only(tier: DiskTier) -> None:
    """Use a file that cannot be changed."""
    for asked in (tier.get(label_of(1)), tier.forget([1]), tier.mark(1), tier.compact()):
        try:
            say(await asked)
        except TierUnavailable:
            say("unavailable")


TASKS: dict[str, Callable[..., Awaitable[None]]] = {
    task.__name__: task
    for task in (write, forget, compact, fill_small_disk, share_full_disk, use_read_only)
}


async def main(path: str, task: str, *numbers: str) -> None:
    tier = DiskTier(Path(path), max_bytes=64 << 20, clock=SystemClock(), min_free_fraction=0)
    await TASKS[task](tier, *map(int, numbers))
    await tier.aclose()
    say(tier.figures())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
