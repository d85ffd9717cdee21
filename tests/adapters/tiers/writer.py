"""A process that fills a disk tier: PATH FIRST LAST [FILE_LIMIT_BYTES]; says a line after each flush."""

import asyncio
import resource
import sys
from pathlib import Path

from tests.adapters.tiers.drawings import drawn, key_of

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.tiers.disk import DiskTier
from emoticon.domain.errors import TierUnavailable


def say(line: object) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def main(path: str, first: int, last: int) -> None:
    tier = DiskTier(Path(path), max_bytes=64 << 20, clock=SystemClock(), min_free_fraction=0)
    for number in range(first, last):
        try:
            await tier.put(key_of(number), drawn(number), owner=number)
        except TierUnavailable:
            say("unavailable")
        if number % 10 == 9:
            await tier.flush()
            say(number)
    await tier.aclose()
    say(tier.stats())


if len(sys.argv) > 4:
    limit_bytes = int(sys.argv[4])
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])))
