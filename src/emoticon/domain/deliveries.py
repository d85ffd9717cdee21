"""How pictures are put into tiers: at once or after the answer, and never for an owner whose pictures were erased."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

from emoticon.domain.bars import Bars
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Label
from emoticon.domain.models import Picture
from emoticon.domain.ports import Tier
from emoticon.domain.traffic import Traffic

MOST: Final = 1000
MOST_BYTES: Final = 16 << 20


class Deliveries:
    """Puts pictures; a tier that is down is reported to `unavailable` and costs nothing else.

    At most MOST deliveries with at most MOST_BYTES of pictures are under way after their answers; more are dropped.
    Every `age` is that of the work which has read or drawn the picture, see Bars.
    """

    def __init__(
        self, bars: Bars, traffic: Traffic, unavailable: Callable[[Tier, TierUnavailable], None]
    ) -> None:
        self._bars = bars
        self._traffic = traffic
        self._unavailable = unavailable
        self._puts: dict[asyncio.Future[None], int] = {}
        self._bytes = 0
        self.under_way: set[asyncio.Task[None]] = set()

    async def put(self, tier: Tier, label: Label, picture: Picture, age: int) -> None:
        """Put it now, unless the owner is barred."""
        if self._bars.barred(label.owner, age):
            self._traffic.barred += 1
            return
        done = asyncio.get_running_loop().create_future()
        self._puts[done] = label.owner
        try:
            await tier.put(label, picture)  # begins without a pause after the check
        except TierUnavailable as error:
            self._unavailable(tier, error)
        finally:
            del self._puts[done]
            done.set_result(None)

    def deliver(self, tiers: Sequence[Tier], label: Label, picture: Picture, age: int) -> None:
        """Put it into these tiers soon, one after the other."""
        if self._bars.barred(label.owner, age):
            self._traffic.barred += len(tiers)
            return
        size_bytes = len(picture.body)
        if len(self.under_way) >= MOST or self._bytes + size_bytes > MOST_BYTES:
            self._traffic.dropped += 1
            return

        def delivered(delivery: asyncio.Task[None]) -> None:
            self.under_way.discard(delivery)
            self._bytes -= size_bytes
            self._bars.end(age)

        self._bars.begin(age)
        self._bytes += size_bytes
        delivery = asyncio.create_task(self._deliver(tiers, label, picture, age))
        self.under_way.add(delivery)
        delivery.add_done_callback(delivered)

    async def bar(self, owners: Sequence[int]) -> None:
        """Let nothing more be put for these owners by work that has begun; return when no such put is under way."""
        self._bars.bar(owners)
        barred = frozenset(owners)
        if puts := [done for done, owner in self._puts.items() if owner in barred]:
            await asyncio.wait(puts)

    async def _deliver(
        self, tiers: Sequence[Tier], label: Label, picture: Picture, age: int
    ) -> None:
        for tier in tiers:
            self._traffic.promotions[tier.name] += 1
            await self.put(tier, label, picture, age)
