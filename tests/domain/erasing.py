"""What follows erasures, and a tier with a switch for it to act on."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.contracts.rows import database_now, put
from typing_extensions import override

from emoticon.adapters.sql.erasures import SETTLED_MS, SqlErasureStore
from emoticon.adapters.sql.tables import erasures
from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.admission import Admission
from emoticon.domain.erasures import Erasures
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Extent, Kept, Label, TierFigures
from emoticon.domain.models import Format, Picture
from emoticon.domain.pictures import picture
from emoticon.domain.ports import OuterTier, Tier
from emoticon.domain.stores import ErasureStore
from emoticon.domain.tiers import Tiers

SOON_S = 0.02
NEVER_S = 3600.0
PICTURE = picture(b"drawn", Format.PNG, 128)


@dataclass
class Drawer(OuterTier):
    """Keeps pictures until it is told to forget them; it can be shut, and it can break."""

    title: str = "shared"
    pictures: dict[bytes, int] = field(default_factory=dict)
    """The owner by key."""
    number: int | None = None
    shut: bool = False
    error: Exception | None = None
    forgotten: list[Sequence[int]] = field(default_factory=list)
    cleared: int = 0
    tried: int = 0

    @property
    @override
    def name(self) -> str:
        return self.title

    def open(self) -> None:
        """Raise unless it can be used."""
        self.tried += 1
        if self.error is not None:
            raise self.error
        if self.shut:
            raise TierUnavailable(f"{self.title} is shut")

    def has_forgotten(self, times: int) -> bool:
        """Say whether it was told to as often as this, or more often."""
        return len(self.forgotten) >= times

    @override
    async def get(self, label: Label) -> Picture | None:
        self.open()
        return PICTURE if label.key in self.pictures else None

    @override
    async def put(self, label: Label, picture: Picture) -> None:
        self.open()
        self.pictures[label.key] = label.owner

    @override
    async def forget(self, owners: Sequence[int]) -> int:
        self.open()
        self.forgotten.append(tuple(owners))
        before = len(self.pictures)
        self.pictures = {key: owner for key, owner in self.pictures.items() if owner not in owners}
        return before - len(self.pictures)

    @override
    def figures(self) -> TierFigures:
        return TierFigures()

    @override
    async def aclose(self) -> None:
        pass

    @override
    async def marked(self) -> int | None:
        self.open()
        return self.number

    @override
    async def mark(self, number: int) -> None:
        self.open()
        self.number = max(number, self.number or 0)

    @override
    async def clear(self) -> None:
        self.open()
        self.cleared += 1
        self.pictures.clear()

    @override
    async def count(self, owner: int) -> int:
        return sum(one == owner for one in self.pictures.values())

    @override
    async def walk(self) -> AsyncIterator[Sequence[Kept]]:
        yield [Kept(key, Label(key, owner), 0, 1, True) for key, owner in self.pictures.items()]

    @override
    async def discard(self, kept: Sequence[Kept]) -> int:
        return sum(self.pictures.pop(one.ref, None) is not None for one in kept)

    @override
    async def compact(self) -> int:
        return 0

    @override
    async def extent(self) -> Extent:
        return Extent(len(self.pictures), len(self.pictures), 0)


def label_of(owner: int, number: int = 0) -> Label:
    """Return the label of one of the owner's pictures."""
    return Label(owner.to_bytes(8, "big") + number.to_bytes(8, "big"), owner)


async def lacks(tier: Tier, owner: int) -> bool:
    """Say whether the tier has no picture of the owner."""
    return await tier.get(label_of(owner)) is None


def tiers_of(*outer: OuterTier, memory: Tier | None = None) -> Tiers:
    """Return tiers that keep nothing beyond memory of themselves."""
    return Tiers(
        memory or MemoryTier(1 << 20),
        outer,
        Admission(keys=100, fresh=100),
        clock=ManualClock(),
    )


@asynccontextmanager
async def following(
    store: ErasureStore,
    tiers: Tiers,
    *,
    news: asyncio.Event | None = None,
    withdraw: Callable[[int], None] = lambda _owner: None,
    poll_s: float = SOON_S,
) -> AsyncGenerator[Erasures]:
    """Follow the store until the block ends."""
    erasures = Erasures(store, tiers, news or asyncio.Event(), withdraw=withdraw, poll_s=poll_s)
    await erasures.start()
    try:
        yield erasures
    finally:
        await erasures.aclose()


async def settle(engine: AsyncEngine) -> None:
    """Make all erasures that there are older than a minute."""
    await put(engine, erasures, at=await database_now(engine) - SETTLED_MS)


async def erase(engine: AsyncEngine, *owners: int) -> None:
    """Write an erasure for each."""
    for owner in owners:
        await SqlErasureStore(engine).add(owner)
