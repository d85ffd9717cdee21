"""Where a picture comes from: the tiers in their order, then the generator, with one flight per missing key."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from emoticon.domain.errors import TierUnavailable
from emoticon.domain.models import Picture
from emoticon.domain.ports import Tier

logger = logging.getLogger(__name__)

_QUIET_S = 60.0


class Tiers:
    """Looks in `memory`, then in each of `outer`, nearest first.

    A flight is the search for one key that memory does not have. Everybody who asks meanwhile waits for the same one,
    and who goes away does not end it. A tier that is down counts as empty and is logged once a minute. Each must bound
    the time of its own `put`: nobody waits for it, except `aclose`.
    """

    def __init__(self, memory: Tier, outer: Sequence[Tier]) -> None:
        self._memory = memory
        self._tiers = (memory, *outer)
        self._flights: dict[bytes, asyncio.Task[Picture]] = {}
        self._deliveries: set[asyncio.Task[None]] = set()
        self._quiet_until_s: dict[str, float] = {}

    async def picture(
        self, key: bytes, *, owner: int, kept: bool, draw: Callable[[], Awaitable[Picture]]
    ) -> Picture:
        """Return the picture of the key; `draw` makes it when no tier has it.

        What is drawn goes to memory and, if `kept`, to the outer tiers, on behalf of `owner`. What an outer tier has
        goes to the tiers before it. Raises what `draw` raises, to everybody who waits; the next caller tries anew.
        """
        found = await self._get(self._memory, key)
        if found is not None:
            return found
        flight = self._flights.get(key)
        if flight is None:
            flight = asyncio.create_task(self._fly(key, owner=owner, kept=kept, draw=draw))
            self._flights[key] = flight
            flight.add_done_callback(lambda landed: self._landed(key, landed))
        await asyncio.wait((flight,))  # a cancelled caller would cancel an awaited flight
        return flight.result()

    async def aclose(self) -> None:
        """Wait for all flights and deliveries, for callers are being served, then close the tiers. Idempotent.

        The outermost is closed first: it has the slowest work to finish, and memory keeps answering meanwhile.
        """
        while under_way := {*self._flights.values(), *self._deliveries}:
            await asyncio.wait(under_way)
        for tier in reversed(self._tiers):
            try:
                await tier.aclose()
            except TierUnavailable as error:
                self._log(tier, error)

    async def _fly(
        self, key: bytes, *, owner: int, kept: bool, draw: Callable[[], Awaitable[Picture]]
    ) -> Picture:
        # Memory once more: an earlier flight may have landed while this caller was looking there.
        for depth, tier in enumerate(self._tiers):
            found = await self._get(tier, key)
            if found is not None:
                await self._keep(self._tiers[:depth], key, found, owner)
                return found
        drawn = await draw()
        await self._keep(self._tiers if kept else self._tiers[:1], key, drawn, owner)
        return drawn

    def _landed(self, key: bytes, flight: asyncio.Task[Picture]) -> None:
        del self._flights[key]
        if not flight.cancelled():
            flight.exception()  # seen, even when nobody waits any more

    async def _keep(self, tiers: Sequence[Tier], key: bytes, picture: Picture, owner: int) -> None:
        """Put it into the first now, and into the others after the answer."""
        if tiers:
            await self._put(tiers[:1], key, picture, owner)
        if tiers[1:]:
            delivery = asyncio.create_task(self._put(tiers[1:], key, picture, owner))
            self._deliveries.add(delivery)
            delivery.add_done_callback(self._deliveries.discard)

    async def _get(self, tier: Tier, key: bytes) -> Picture | None:
        try:
            return await tier.get(key)
        except TierUnavailable as error:
            self._log(tier, error)
            return None

    async def _put(self, tiers: Sequence[Tier], key: bytes, picture: Picture, owner: int) -> None:
        for tier in tiers:
            try:
                await tier.put(key, picture, owner=owner)
            except TierUnavailable as error:
                self._log(tier, error)

    def _log(self, tier: Tier, error: TierUnavailable) -> None:
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._quiet_until_s.get(tier.name, now_s):
            self._quiet_until_s[tier.name] = now_s + _QUIET_S
            logger.warning("The %s tier is unavailable: %s", tier.name, error)
