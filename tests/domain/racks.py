"""Tiers over racks that do as they are told, and who draws for them."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from tests.accounts import ManualClock
from typing_extensions import override

from emoticon.domain.admission import Admission
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Extent, Kept, Label, TierFigures
from emoticon.domain.models import Format, Picture
from emoticon.domain.pictures import picture
from emoticon.domain.ports import OuterTier, Turns
from emoticon.domain.tiers import Tiers

KEY = b"k" * 16
OWNER = 7
PICTURE = picture(b"drawn", Format.PNG, 128)


@dataclass
class Rack(OuterTier):
    """Is down, or holds its callers up. What is held up was read before, and is written after."""

    title: str
    pictures: dict[bytes, Picture] = field(default_factory=dict)
    owners: dict[bytes, int] = field(default_factory=dict)
    puts: int = 0
    down: bool = False
    held_get: asyncio.Event | None = None
    held_put: asyncio.Event | None = None
    held: asyncio.Event = field(default_factory=asyncio.Event)
    """Set as soon as somebody is held up."""
    pauses: int = 0
    """How often others have their turn before and again after a picture is written or forgotten."""
    closings: list[str] = field(default_factory=list)

    @property
    @override
    def name(self) -> str:
        return self.title

    def place(self, key: bytes = KEY, owner: int = OWNER) -> None:
        """Have the picture from before."""
        self.pictures[key] = PICTURE
        self.owners[key] = owner

    @override
    async def get(self, label: Label) -> Picture | None:
        found = self.pictures.get(label.key)
        await self._hold(self.held_get)
        return found

    @override
    async def put(self, label: Label, picture: Picture) -> None:
        await self._pause()
        await self._hold(self.held_put)
        self.pictures[label.key] = picture
        self.owners[label.key] = label.owner
        self.puts += 1
        await self._pause()

    @override
    async def forget(self, owners: Sequence[int]) -> int:
        await self._pause()
        gone = [key for key, owner in self.owners.items() if owner in owners]
        for key in gone:
            del self.pictures[key], self.owners[key]
        await self._pause()
        return len(gone)

    async def _pause(self) -> None:
        for _ in range(self.pauses):
            await asyncio.sleep(0)

    async def _hold(self, gate: asyncio.Event | None) -> None:
        if gate:
            self.held.set()
            await gate.wait()
        self._check()

    def _check(self) -> None:
        if self.down:
            raise TierUnavailable(f"{self.title} is down")

    @override
    def figures(self) -> TierFigures:
        return TierFigures()

    @override
    async def aclose(self) -> None:
        self.closings.append(self.title)
        self._check()

    @override
    async def marked(self) -> int | None:
        return None

    @override
    async def mark(self, number: int) -> None:
        pass

    @override
    async def count(self, owner: int) -> int:
        return list(self.owners.values()).count(owner)

    @override
    async def walk(self) -> AsyncIterator[Sequence[Kept]]:
        yield ()

    @override
    async def discard(self, kept: Sequence[Kept]) -> int:
        return 0

    @override
    async def clear(self) -> None:
        self.pictures.clear()
        self.owners.clear()

    @override
    async def compact(self) -> int:
        return 0

    @override
    async def extent(self) -> Extent:
        return Extent(len(self.pictures), 0, 0)


@dataclass
class Brush:
    """Counts drawings; can be held up and can fail. `begun` is set by the drawing number `expected`."""

    held: bool = False
    error: Exception | None = None
    took_ms: float = 1.0
    drawn: Picture = PICTURE
    expected: int = 1
    count: int = 0
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> tuple[Picture, float]:
        self.count += 1
        if self.count == self.expected:
            self.begun.set()
        if self.held:
            await self.gate.wait()
        if self.error:
            raise self.error
        return self.drawn, self.took_ms


class Place:
    """A node: tiers over three racks, of which the shared one may be another node's too."""

    def __init__(
        self,
        shared: Rack | None = None,
        turns: Turns | None = None,
        *,
        patience_s: float = 30.0,
    ) -> None:
        self.memory, self.disk = Rack("memory"), Rack("disk")
        self.shared = shared or Rack("shared")
        self.clock = ManualClock()
        self.tiers = Tiers(
            self.memory,
            [self.shared, self.disk],
            Admission(keys=10_000, fresh=100),
            turns,
            clock=self.clock,
            patience_s=patience_s,
        )

    @property
    def racks(self) -> tuple[Rack, Rack, Rack]:
        """All of them, nearest first."""
        return self.memory, self.shared, self.disk

    async def ask(
        self,
        draw: Brush,
        *,
        key: bytes = KEY,
        owner: int = OWNER,
        kept: bool = True,
        slow: bool = False,
    ) -> Picture:
        """Ask for a picture."""
        return await self.tiers.picture(
            Label(key.ljust(16), owner), kept=kept, slow=lambda: slow, draw=draw
        )

    async def settle(self) -> None:
        """Wait until nothing is under way; the racks do not mind being closed."""
        await self.tiers.aclose()

    def there(self, key: bytes = KEY) -> list[str]:
        """Return the names of the tiers that have the picture."""
        return [rack.title for rack in self.racks if key.ljust(16) in rack.pictures]
