"""Whether the parts of the service say that they can work."""

import asyncio

from emoticon.domain.errors import FloorsStale, StoreUnavailable
from emoticon.domain.models import Health
from emoticon.domain.services import Readiness


async def well() -> None:
    return None


async def silent() -> None:
    await asyncio.Event().wait()


async def stale() -> None:
    raise FloorsStale


async def away() -> None:
    raise StoreUnavailable("the disk is full")


async def test_each_part_is_asked_and_says_in_a_few_words_what_is_wrong() -> None:
    readiness = Readiness({"one": well, "two": stale, "three": away, "four": silent}, timeout_s=0.1)
    assert await readiness.check() == [
        Health("one", ok=True),
        Health("two", ok=False, detail=FloorsStale.default_detail),
        Health("three", ok=False, detail="the disk is full"),
        Health("four", ok=False, detail="no answer within 0.1 s"),
    ]


async def test_all_are_asked_at_once() -> None:
    everybody = asyncio.Barrier(2)

    async def wait_for_the_other() -> None:
        await everybody.wait()

    readiness = Readiness({"one": wait_for_the_other, "other": wait_for_the_other}, timeout_s=5)
    assert all(part.ok for part in await readiness.check())
