"""How the pictures of an account go from every tier, also from one that is down now."""

import asyncio
import logging
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from emoticon.domain.keeping import ErasureLog
from emoticon.domain.ports import OuterTier, Tier
from emoticon.domain.stores import ErasureStore
from emoticon.domain.tiers import Tiers
from emoticon.domain.unbroken import finished

log = logging.getLogger(__name__)

_PAGE = 500
_POLL_S = 1.0


@dataclass(slots=True)
class _Place:
    """How far a tier is: the numbers of the last erasure that was done there once, and twice."""

    tier: Tier
    outer: OuterTier | None = None
    """The same, if it keeps a mark."""
    known: bool = False
    """Whether its mark has been read."""
    first: int = 0
    second: int = 0
    ripe: int = 0
    """What `first` was at the last poll: no more is done twice."""
    failing: bool = False
    task: asyncio.Task[None] | None = None

    def move(self, number: int) -> None:
        self.first = self.second = self.ripe = number


class Erasures:
    """Follows the store, and has every tier forget whose pictures are to go. No tier waits for another.

    All is done twice: at once, and again when it is settled, for whatever another node, or one that stood still, had
    under way and wrote late. What this node has under way is stopped before. An outer tier remembers the last erasure
    that was done twice, so that it goes on from there after a restart.

    Beside the tiers, `withdraw` takes away what is given without asking them.

    The store is read every `poll_s` and when `news` is set. A tier that failed is tried again at the next reading.
    """

    def __init__(
        self,
        store: ErasureStore,
        tiers: Tiers,
        news: asyncio.Event,
        *,
        withdraw: Callable[[int], None],
        poll_s: float = _POLL_S,
    ) -> None:
        self._store = store
        self._tiers = tiers
        self._news = news
        self._withdraw = withdraw
        self._poll_s = poll_s
        self._newest = 0
        self._places = [_Place(tiers.memory), *(_Place(tier, tier) for tier in tiers.outer)]
        self._failing = False
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to follow, also when a tier is down. Raises StoreUnavailable."""
        found = await self._store.log()
        self._newest = found.newest
        for place in self._places:  # memory begins empty
            place.known = place.outer is None
            place.move(_before(found) if place.outer else found.newest)
        self._task = asyncio.create_task(self._follow())

    async def aclose(self) -> None:
        """Stop following. Idempotent."""
        tasks = [task for task in (self._task, *(place.task for place in self._places)) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await finished()

    def pending(self) -> Mapping[str, int]:
        """Return how many erasures each tier has not done even once, as far as its mark could be read."""
        return {place.tier.name: max(0, self._newest - place.first) for place in self._places}

    async def _follow(self) -> None:
        now_s = asyncio.get_running_loop().time
        while True:
            # What is done a second time has been done a first time before this poll: a request that was let in before
            # this process stood still has begun to draw by then, and is stopped like the others.
            for place in self._places:
                place.ripe = place.first
            next_s = now_s() + self._poll_s
            while now_s() < next_s:
                self._news.clear()
                await self._read()
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(next_s):
                        await self._news.wait()

    async def _read(self) -> None:
        try:
            found = await self._store.log()
        except Exception as error:  # noqa: BLE001 - whatever it is, this must go on trying
            if not self._failing:
                log.warning("Erasures cannot be read, pictures of deleted accounts stay: %r", error)
            self._failing = True
            return
        if self._failing:
            log.warning("Erasures are read again")
        self._failing = False
        self._newest = found.newest
        for place in self._places:
            if place.task is None or place.task.done():
                place.task = asyncio.create_task(self._catch_up(place, found))

    async def _catch_up(self, place: _Place, found: ErasureLog) -> None:
        name = place.tier.name
        try:
            while await self._step(place, found):
                pass
        except Exception as error:  # noqa: BLE001 - as above
            if not place.failing:
                log.warning("Pictures of deleted accounts stay in the %s tier: %r", name, error)
            place.failing = True
        else:
            if place.failing:
                log.warning("Pictures of deleted accounts leave the %s tier again", name)
            place.failing = False

    async def _step(self, place: _Place, found: ErasureLog) -> bool:
        """Go on by up to a page, and say whether there may be more to do."""
        if place.outer and not place.known:
            # Without a mark it is new, or has lost the mark alone.
            place.move(await place.outer.marked() or _before(found))
            place.known = True
        if place.first > found.newest:  # the database was set back, and numbers anew
            place.move(_before(found))
        if place.outer and place.second < _before(found):  # it has missed more than is kept
            number = max(found.settled, _before(found))
            await place.outer.clear()
            await place.outer.mark(number)
            place.move(number)
        if place.first < found.newest:
            place.first = await self._pass(place.tier, place.first, found.newest)
            return True
        settled = min(place.ripe, found.settled)
        if place.second < settled:
            done = await self._pass(place.tier, place.second, settled)
            if place.outer:
                await place.outer.mark(done)
            place.second = done
            return True
        return False

    async def _pass(self, tier: Tier, after: int, up_to: int) -> int:
        """Let a tier forget the owners of one page, and return how far that is."""
        page = await self._store.after(after, _PAGE)
        owners = [erasure.owner for erasure in page if erasure.number <= up_to]
        await self._tiers.bar(owners)
        await tier.forget(owners)
        for owner in owners:
            self._withdraw(owner)
        return page[-1].number if len(owners) == _PAGE else up_to


def _before(found: ErasureLog) -> int:
    """Return the number from which on nothing is missing."""
    return max(0, found.oldest - 1)
