"""How a change becomes known: here at once, to the other nodes before the answer, and from them as it happens."""

import asyncio
import logging

from emoticon.domain.errors import BulletinUnavailable
from emoticon.domain.floors import Floors
from emoticon.domain.models import Change
from emoticon.domain.ports import Bulletin, Clock
from emoticon.domain.stores import FloorStore
from emoticon.domain.unbroken import finished

log = logging.getLogger(__name__)

POLL_S = 1.0
"""Pause between two readings of the store, which finds whatever a bulletin has lost."""

LONGEST_READ_MS = 2_000
"""A store looks back from when it gets to it, and a little further. Later than this it may have missed something."""


class Revocation:
    """Keeps `floors` in step with the other nodes.

    The store is read once a second, always; the bulletin is faster and may fail at any time. `life_s` is the longest
    life of an access token: how far back a fresh node has to look.
    """

    def __init__(
        self,
        floors: Floors,
        store: FloorStore,
        bulletin: Bulletin,
        clock: Clock,
        *,
        life_s: int,
    ) -> None:
        self._floors = floors
        self._store = store
        self._bulletin = bulletin
        self._clock = clock
        self._read_ms = clock.elapsed_ms() - (life_s + 60) * 1000
        self._tasks: list[asyncio.Task[None]] = []
        self._heard = False

    @property
    def heard(self) -> bool:
        """Whether the bulletin is heard now."""
        return self._heard

    async def announce(self, change: Change) -> None:
        """Let nobody here trust what the change has ended, then tell the other nodes; the answer may follow."""
        self._floors.merge(change)
        try:
            await self._bulletin.publish(change)
        except BulletinUnavailable as error:
            log.debug("not on the bulletin: %s", error)

    async def start(self) -> None:
        """Load what has happened within the life of a token, then follow. Raises StoreUnavailable."""
        loaded = asyncio.Event()
        listening = asyncio.create_task(self._listen(loaded))
        listening.add_done_callback(lambda _: loaded.set())
        self._tasks.append(listening)
        # What is published while the store is being read must not be missed.
        await loaded.wait()
        await self._read()
        self._tasks.append(asyncio.create_task(self._poll()))

    async def aclose(self) -> None:
        """Stop following. Idempotent."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await finished()
        await self._bulletin.aclose()

    async def require_fresh(self) -> None:
        """Return when tokens can be checked. Raises FloorsStale."""
        self._floors.require_fresh()

    async def _poll(self) -> None:
        failing = False
        while True:
            await asyncio.sleep(POLL_S)
            try:
                await self._read()
            except Exception as error:  # noqa: BLE001 - whatever it is, this must go on trying
                if not failing:
                    log.warning("Floors cannot be read, tokens are soon refused: %r", error)
                failing = True
            else:
                if failing:
                    log.warning("Floors are read again")
                failing = False

    async def _read(self) -> None:
        began_ms = self._clock.elapsed_ms()
        changes = await self._store.recent(began_ms - self._read_ms)
        took_ms = self._clock.elapsed_ms() - began_ms
        for change in changes:
            self._floors.merge(change)
        if took_ms > LONGEST_READ_MS:
            log.warning("Floors were read too slowly, tokens are soon refused: %d ms", took_ms)
            return
        self._read_ms = began_ms
        self._floors.refreshed(began_ms)

    async def _listen(self, ready: asyncio.Event) -> None:
        deaf = False
        while True:
            began_ms = self._clock.elapsed_ms()
            try:
                changes = await self._bulletin.subscribe()
                ready.set()
                self._heard = True
                if deaf:
                    log.warning("The bulletin is heard again")
                deaf = False
                async for change in changes:
                    self._floors.merge(change)
            except BulletinUnavailable as error:
                ready.set()  # the store will do
                self._heard = False
                if not deaf:
                    log.warning(
                        "The bulletin is not heard, the database tells within a second: %s", error
                    )
                deaf = True
            # At once again when it was heard for some time, as after this process stood still.
            if self._clock.elapsed_ms() - began_ms < POLL_S * 1000:
                await asyncio.sleep(POLL_S)
