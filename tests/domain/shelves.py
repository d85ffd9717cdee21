"""An outer tier in memory, with a switch, and accounts that come and go."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from tests.accounts import new_account, new_session
from typing_extensions import override

from emoticon.domain.cache import Cache
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Extent, Kept, Label, TierFigures
from emoticon.domain.models import Origin, Picture
from emoticon.domain.pictures import style_tag
from emoticon.domain.ports import OuterTier


@dataclass
class Shelf(OuterTier):
    """Has what a test puts there; unavailable while it is not `on`, or after so many `batches` of a walk."""

    title: str = "disk"
    pictures: list[Kept] = field(default_factory=list)
    drawings: dict[bytes, Picture] = field(default_factory=dict)
    number: int | None = None
    on: bool = True
    batches: int | None = None
    batch: int = 2

    @property
    @override
    def name(self) -> str:
        return self.title

    def keep(
        self, owner: int, *, style: str = "moods", drawn_at_s: int = 0, intact: bool = True
    ) -> Kept:
        """Put a picture there as if it had been drawn and written."""
        ref = len(self.pictures).to_bytes(16, "big")
        kept = Kept(ref, Label(ref, owner, style_tag(style)), drawn_at_s, 100, intact)
        self.pictures.append(kept)
        return kept

    def _check(self) -> None:
        if not self.on:
            raise TierUnavailable("the shelf has fallen")

    @override
    async def get(self, label: Label) -> Picture | None:
        return self.drawings.get(label.key)

    @override
    async def put(self, label: Label, picture: Picture) -> None:
        self.drawings[label.key] = picture

    @override
    async def forget(self, owners: Sequence[int]) -> int:
        return await self.discard([k for k in self.pictures if k.label.owner in owners])

    @override
    def figures(self) -> TierFigures:
        return TierFigures()

    @override
    async def aclose(self) -> None:
        pass

    @override
    async def marked(self) -> int | None:
        self._check()
        return self.number

    @override
    async def mark(self, number: int) -> None:
        self.number = max(number, self.number or 0)

    @override
    async def count(self, owner: int) -> int:
        self._check()
        return sum(kept.label.owner == owner for kept in self.pictures)

    @override
    async def walk(self) -> AsyncIterator[Sequence[Kept]]:
        there = list(self.pictures)
        for number, at in enumerate(range(0, len(there), self.batch)):
            if number == self.batches:
                raise TierUnavailable("the shelf is falling")
            yield there[at : at + self.batch]

    @override
    async def discard(self, kept: Sequence[Kept]) -> int:
        self._check()
        before = len(self.pictures)
        self.pictures = [one for one in self.pictures if one not in kept]
        return before - len(self.pictures)

    @override
    async def clear(self) -> None:
        self.pictures.clear()

    @override
    async def compact(self) -> int:
        self._check()
        return 7

    @override
    async def extent(self) -> Extent:
        self._check()
        return Extent(len(self.pictures), 100 * len(self.pictures), 1000)


async def account(cache: Cache, name: str) -> int:
    return (await cache.accounts.add(new_account(name), new_session(), free_before=0)).id


async def deleted(cache: Cache, name: str) -> int:
    """Make an account and delete it, which leaves an erasure."""
    gone = await account(cache, name)
    await cache.accounts.delete(gone, Origin())
    return gone


def unseen(_tier: str, _seen: int, _total: int | None) -> None:
    """Nobody watches."""
