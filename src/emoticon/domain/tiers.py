"""Where a picture comes from: the tiers in their order, then the generator, with one flight per missing key."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from emoticon.domain.admission import SHARED, Admission
from emoticon.domain.bars import Bars
from emoticon.domain.deliveries import Deliveries
from emoticon.domain.errors import DrawingFailed, DrawingTimedOut, TierUnavailable
from emoticon.domain.failures import Failures
from emoticon.domain.keeping import Label
from emoticon.domain.lookups import Lookups
from emoticon.domain.models import Picture
from emoticon.domain.ports import Clock, OuterTier, Tier, Turns
from emoticon.domain.traffic import Traffic

_POLL_S: Final = 0.025

Draw = Callable[[], Awaitable[tuple[Picture, float]]]
"""Returns the picture and the milliseconds that it took to draw, without any wait."""


class Tiers:
    """Looks in `memory`, then in each of `outer`, nearest first; `admission` says where a picture is kept.

    A flight is the search for one key that memory does not have. Everybody who asks meanwhile waits for the same one,
    and who goes away does not end it. A tier that is down counts as empty and is logged once a minute. Each must bound
    the time of its own `put`: nobody waits for it, except `aclose`, `bar`, `keep`, and drawings in turn.

    With `turns` (and a shared tier) one node of several draws what is slow; the others look into the shared tier for
    `patience_s`, then draw it themselves.
    """

    def __init__(
        self,
        memory: Tier,
        outer: Sequence[OuterTier],
        admission: Admission,
        turns: Turns | None = None,
        *,
        clock: Clock,
        patience_s: float = 3.0,
    ) -> None:
        self._memory = memory
        self._outer = tuple(outer)
        self._shared = next((tier for tier in outer if tier.name in SHARED), None)
        self._admission = admission
        self._turns = turns
        self._patience_s = patience_s
        self._failures = Failures(clock)
        self._traffic = Traffic()
        self._hits = self._traffic.hits[memory.name]
        self._bars = Bars()
        self._lookups = Lookups(self._traffic)
        self._deliveries = Deliveries(self._bars, self._traffic, self._lookups.report)
        self._flights: dict[bytes, asyncio.Task[Picture]] = {}

    @property
    def memory(self) -> Tier:
        """The tier of this process."""
        return self._memory

    @property
    def outer(self) -> Sequence[OuterTier]:
        """The tiers beyond memory, nearest first."""
        return self._outer

    async def picture(
        self, label: Label, *, kept: bool, slow: Callable[[], bool], draw: Draw
    ) -> Picture:
        """Return the picture of the label; `draw` makes it when no tier has it, in turn with other nodes if `slow`.

        One that is not to be `kept` stays in memory. Raises what `draw` raises, to everybody who waits; DrawingFailed
        and DrawingTimedOut also to those who ask in the seconds after, see Failures.
        """
        age = self._bars.age
        try:
            found = await self._memory.get(label)
        except TierUnavailable as error:
            self._lookups.failed(self._memory, error)
        else:
            if found is not None:
                self._hits[found.format] += 1
                if places := self._admission.again(label.key):
                    self._promote(places, label, found, age)
                return found
            self._traffic.misses[self._memory.name] += 1
        flight = self._flights.get(label.key)
        if flight is None:
            flight = self._take_off(label, kept=kept, slow=slow, draw=draw)
        else:
            self._traffic.joined += 1
        await asyncio.wait((flight,))  # a cancelled caller would cancel an awaited flight
        return flight.result()

    async def keep(self, label: Label, draw: Draw) -> bool:
        """Put the picture into every outer tier that lacks it, and say whether none had it, so that it was drawn.

        Raises what `draw` raises.
        """
        age = self._bars.begin()
        try:
            finds = [(tier, await self._lookups.look(tier, label)) for tier in self._outer]
            picture = next((found for _, found in finds if found is not None), None)
            drawn = picture is None
            if picture is None:
                picture, _ = await self._drawn(label, draw)
            for tier, found in finds:
                if found is None:
                    await self._deliveries.put(tier, label, picture, age)
            return drawn
        finally:
            self._bars.end(age)

    async def bar(self, owners: Sequence[int]) -> None:
        """Let no flight or delivery that has begun put anything for these owners any more, into any tier.

        Returns when no such put is under way. What was put before is still there, and later flights may put again.
        """
        await self._deliveries.bar(owners)

    def figures(self) -> Traffic:
        """Return what is counted; it goes on counting."""
        return self._traffic

    async def aclose(self) -> None:
        """Wait for all flights and deliveries, for callers are being served, then close the tiers. Idempotent.

        The outermost is closed first: it has the slowest work to finish, and memory keeps answering meanwhile.
        """
        while under_way := {*self._flights.values(), *self._deliveries.under_way}:
            await asyncio.wait(under_way)
        for tier in (*reversed(self._outer), self._memory):
            try:
                await tier.aclose()
            except TierUnavailable as error:
                self._lookups.report(tier, error)

    def _take_off(
        self, label: Label, *, kept: bool, slow: Callable[[], bool], draw: Draw
    ) -> asyncio.Task[Picture]:
        try:
            self._failures.check(label.key)
        except (DrawingFailed, DrawingTimedOut):
            self._traffic.refused += 1
            raise

        def landed(flight: asyncio.Task[Picture]) -> None:
            del self._flights[label.key]
            self._bars.end(age)
            if not flight.cancelled():
                flight.exception()  # seen, even when nobody waits any more

        age = self._bars.begin()
        flight = asyncio.create_task(self._fly(label, age, kept=kept, slow=slow, draw=draw))
        self._flights[label.key] = flight
        flight.add_done_callback(landed)
        return flight

    async def _fly(
        self, label: Label, age: int, *, kept: bool, slow: Callable[[], bool], draw: Draw
    ) -> Picture:
        # Memory once more: an earlier flight may have landed while this caller was looking there.
        found = await self._lookups.peek(self._memory, label)
        if found is not None:
            return found
        if not kept:
            picture, _ = await self._drawn(label, draw)
            await self._deliveries.put(self._memory, label, picture, age)
            return picture
        for tier in self._outer:
            found = await self._lookups.look(tier, label)
            if found is not None:
                await self._deliveries.put(self._memory, label, found, age)
                self._promote(self._admission.found(label.key, tier.name), label, found, age)
                return found
        if self._turns is not None and self._shared is not None and slow():
            return await self._draw_in_turn(self._turns, self._shared, label, draw, age)
        picture, places = await self._draw_and_judge(label, draw, age)
        self._promote(places, label, picture, age)
        return picture

    async def _draw_in_turn(
        self, turns: Turns, shared: Tier, label: Label, draw: Draw, age: int
    ) -> Picture:
        try:
            found = await self._wait_for_turn(turns, shared, label)
            if found is not None:
                await self._deliveries.put(self._memory, label, found, age)
                return found
            picture, places = await self._draw_and_judge(label, draw, age)
            # Now and not after the answer: who gets the turn next has to find it.
            self._traffic.promotions[shared.name] += 1
            await self._deliveries.put(shared, label, picture, age)
        finally:
            await turns.give_back(label.key)
        self._promote(places - SHARED, label, picture, age)
        return picture

    async def _wait_for_turn(self, turns: Turns, shared: Tier, label: Label) -> Picture | None:
        """Return what another node has drawn meanwhile; None when it has to be drawn here."""
        clock = asyncio.get_running_loop().time
        until_s = clock() + self._patience_s
        lost = False
        while True:
            ours = await turns.take(label.key)
            # After the question, for it may have been put and the turn given back just before.
            found = await self._lookups.peek(shared, label)
            if found is not None or ours:
                return found
            if not lost:
                lost = True
                self._traffic.turns_lost += 1
            if clock() >= until_s:
                self._traffic.turns_waited_out += 1
                return None
            await asyncio.sleep(_POLL_S)

    async def _draw_and_judge(
        self, label: Label, draw: Draw, age: int
    ) -> tuple[Picture, frozenset[str]]:
        picture, took_ms = await self._drawn(label, draw)
        await self._deliveries.put(self._memory, label, picture, age)
        return picture, self._admission.drawn(label.key, took_ms)

    async def _drawn(self, label: Label, draw: Draw) -> tuple[Picture, float]:
        try:
            picture, took_ms = await draw()
        except (DrawingFailed, DrawingTimedOut) as error:
            self._failures.add(label.key, error)
            raise
        self._failures.forget(label.key)
        self._traffic.drawings[picture.format] += 1
        self._traffic.drawing_s[picture.format] += took_ms / 1000
        return picture, took_ms

    def _promote(self, places: frozenset[str], label: Label, picture: Picture, age: int) -> None:
        if tiers := [tier for tier in self._outer if tier.name in places]:
            self._deliveries.deliver(tiers, label, picture, age)
