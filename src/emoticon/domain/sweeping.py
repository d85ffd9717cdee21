"""What becomes of uploaded pictures that nobody shows, and what an operator finds among all of them."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from emoticon.domain.blobs import PREFIX, blob_name, find, place_of
from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.media import BlobStore
from emoticon.domain.models import OriginalPlace
from emoticon.domain.ports import Clock
from emoticon.domain.stores import OriginalStore

GIVEN_UP_MS: Final = 60_000
"""How long an upload may take at least between its row and its look."""
_BATCH: Final = 100
_AT_ONCE: Final = 8
_MOST_COUNTED: Final = 10_000
_MOST_NAMED: Final = 100
_BEFORE_ALL: Final = OriginalPlace(0, "")


@dataclass(slots=True)
class Examined:
    """The originals by what is right or wrong with them, as far as that went; `trouble` says why no further."""

    trouble: str = ""
    intact: int = 0
    """Shown, and as they were put."""
    lost: int = 0
    """Shown, and not there or not as they were put."""
    lost_of: list[int] = field(default_factory=list)
    """The accounts of the first hundred of these."""
    given_up: int = 0
    """Begun and never shown, or not shown any more; at most 10 000 are counted where none is deleted."""
    unknown: int = 0
    """Blobs that no row knows, as after a database was set back."""
    repaired: bool = False
    """Whether the last two were deleted."""

    @property
    def clean(self) -> bool:
        """Whether nothing wrong was found, or nothing of it is left."""
        loose = 0 if self.repaired else self.given_up + self.unknown
        return not self.trouble and not self.lost + loose


@dataclass(frozen=True, slots=True)
class Sweeping:
    """Deletes originals that were given up: the blob, then the row. Safe at several places at once.

    Of uploads that take longer than `given_up_ms` it is taken that their process has died.
    """

    store: OriginalStore
    blobs: BlobStore
    clock: Clock
    given_up_ms: int = GIVEN_UP_MS

    async def sweep(self, given_up_ms: int | None = None) -> int:
        """Delete some, and return how many. Raises OriginalsUnavailable, StoreUnavailable: the others stay."""
        age_ms = self.given_up_ms if given_up_ms is None else given_up_ms
        places = await self.store.dropped(age_ms, _BATCH)
        for place in places:
            await self.blobs.delete(blob_name(place.name))
        if places:
            await self.store.forget(places)
        return len(places)

    async def examine(
        self, *, repair: bool, age_ms: int, on_progress: Callable[[int], None]
    ) -> Examined:
        """Look at all rows and blobs; `repair` deletes what nobody shows and is older than `age_ms`.

        `on_progress` hears how many were looked at. Raises StoreUnavailable.
        """
        report = Examined()
        try:
            await self.blobs.ping()  # where all is away, nothing is lost
            await self._given_up(report, age_ms, repair=repair)
            await self._unknown(report, age_ms, on_progress, repair=repair)
            report.repaired = repair
            await self._shown(report, on_progress)
        except OriginalsUnavailable as error:
            report.trouble = error.detail
        return report

    async def _given_up(self, report: Examined, age_ms: int, *, repair: bool) -> None:
        if not repair:
            report.given_up = len(await self.store.dropped(age_ms, _MOST_COUNTED))
            return
        while count := await self.sweep(age_ms):
            report.given_up += count

    async def _unknown(
        self, report: Examined, age_ms: int, on_progress: Callable[[int], None], *, repair: bool
    ) -> None:
        seen = 0
        async for batch in self.blobs.walk(PREFIX):
            seen += len(batch)
            before_ms = self.clock.now_ms() - age_ms
            ours = {place_of(name) for name, put_ms in batch if put_ms <= before_ms} - {None}
            unknown = await self.store.unknown([place for place in ours if place is not None])
            report.unknown += len(unknown)
            if repair:
                for place in unknown:
                    await self.blobs.delete(blob_name(place.name))
            on_progress(seen)

    async def _shown(self, report: Examined, on_progress: Callable[[int], None]) -> None:
        async for places in self._kept():
            found = await asyncio.gather(*(find(self.blobs, place.name) for place in places))
            pairs = zip(places, found, strict=True)
            lost = [place.account_id for place, data in pairs if data is None]
            report.intact += len(places) - len(lost)
            report.lost += len(lost)
            report.lost_of += lost[: _MOST_NAMED - len(report.lost_of)]
            on_progress(report.intact + report.lost)

    async def _kept(self) -> AsyncIterator[Sequence[OriginalPlace]]:
        last = _BEFORE_ALL
        while places := await self.store.kept(after=last, count=_AT_ONCE):
            yield places
            last = places[-1]
