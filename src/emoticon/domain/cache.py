"""What an operator does to the pictures that outlive a process: measures, purges and verifies them."""

import re
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from emoticon.domain.errors import InvalidUsername, TierUnavailable, UnknownAccount
from emoticon.domain.keeping import ErasureLog, Kept
from emoticon.domain.names import fold
from emoticon.domain.ports import OuterTier
from emoticon.domain.stores import AccountStore, ErasureStore

Progress = Callable[[str, int, int | None], None]
"""Hears the tier, how many pictures of it were looked at, and of how many; None is not known."""

_PAGE: Final = 1000
_MOST_KNOWN: Final = 10_000
_MOST_WAITING: Final = 1_000_000
_ID: Final = "id:"
_NUMBER: Final = re.compile(r"[1-9][0-9]{0,18}")
_MAX_ID: Final = 2**63 - 1


@dataclass(slots=True)
class Report:
    """What came of one tier, as far as it went; `trouble` says why no further."""

    tier: str
    trouble: str = ""


@dataclass(slots=True)
class Standing(Report):
    """How large a tier is, and how many erasures are not done there for good yet; None is not known."""

    pictures: int | None = None
    used_bytes: int | None = None
    limit_bytes: int | None = None
    """0 is without a limit."""
    erasures_pending: int | None = None


@dataclass(slots=True)
class Purged(Report):
    """How many pictures were to go and how many went."""

    found: int = 0
    removed: int = 0


@dataclass(slots=True)
class Verified(Report):
    """The pictures of a tier by what is right or wrong with them."""

    intact: int = 0
    """All that are as they were written."""
    damaged: int = 0
    orphans: int = 0
    """Intact, of accounts that are gone, and no erasure will take them."""
    awaiting_erasure: int = 0
    """Intact, of accounts that are gone, before their erasure has reached this tier for good."""
    removed: int = 0
    repaired: bool = False
    """Whether the damaged and the orphans were deleted, by us or by whoever was faster."""

    @property
    def clean(self) -> bool:
        """Whether nothing wrong was found, or nothing of it is left."""
        return not self.trouble and (self.repaired or not self.damaged + self.orphans)


@dataclass(slots=True)
class Left(Report):
    """What a tier has of one owner; None is not known.

    An erasure is pending until it was done twice, the second time more than a minute later: up to then, another node
    that stood still might write a picture that it drew before.
    """

    pictures: int | None = None
    erasure_pending: bool | None = None

    @property
    def nothing(self) -> bool:
        """Whether the tier has nothing of the owner now."""
        return self.pictures == 0


@dataclass(slots=True)
class Compacted(Report):
    """How much room a tier has given back."""

    given_back_bytes: int = 0


_R = TypeVar("_R", bound=Report)


@dataclass(frozen=True, slots=True)
class Cache:
    """Acts on all tiers, nearest first; one that is unavailable is reported and the others are still done.

    Every method raises StoreUnavailable.
    """

    accounts: AccountStore
    erasures: ErasureStore
    tiers: Sequence[OuterTier]

    async def owner(self, name: str) -> int:
        """Return the id of a living account by its name in any spelling, or the id that was given: `7` or `id:7`.

        A number that is also somebody's name is taken for the name. Raises UnknownAccount.
        """
        digits = name.removeprefix(_ID)
        if digits == name:
            try:
                found = await self.accounts.by_username_key(fold(name))
            except InvalidUsername:
                found = None
            if found is not None:
                return found.id
        if not _NUMBER.fullmatch(digits) or int(digits) > _MAX_ID:
            raise UnknownAccount
        return int(digits)

    async def stats(self) -> list[Standing]:
        """Measure each tier."""
        log = await self.erasures.log()

        async def measure(tier: OuterTier, report: Standing) -> None:
            done = max(_done(await tier.marked(), log), log.oldest - 1)
            report.erasures_pending = max(0, log.newest - done)
            extent = await tier.extent()
            report.pictures = extent.pictures
            report.used_bytes, report.limit_bytes = extent.used_bytes, extent.limit_bytes

        return await self._each(Standing, measure)

    async def purge(
        self, goes: Callable[[Kept], bool], *, apply: bool, on_progress: Progress
    ) -> list[Purged]:
        """Find all intact pictures of which `goes` is true and, with `apply`, delete them."""

        async def search(tier: OuterTier, report: Purged) -> None:
            async def look(batch: Sequence[Kept]) -> None:
                found = [kept for kept in batch if kept.intact and goes(kept)]
                report.found += len(found)
                if apply and found:
                    report.removed += await tier.discard(found)

            await _look_through(tier, look, on_progress)

        return await self._each(Purged, search)

    async def erase(self, owner: int, *, apply: bool) -> list[Purged]:
        """Count the pictures of an owner and, with `apply`, delete them, here now and in every tier of every node soon.

        The erasure is written first, so that it is done even where a tier is unavailable now.
        """
        if apply:
            await self.erasures.add(owner)

        async def forget(tier: OuterTier, report: Purged) -> None:
            report.found = await tier.count(owner)
            if apply:
                report.removed = await tier.forget([owner])

        return await self._each(Purged, forget)

    async def verify(self, *, repair: bool, on_progress: Progress) -> list[Verified]:
        """Look at every picture of every tier; `repair` deletes the damaged ones and the orphans."""
        owners = _Owners(self.accounts)

        async def examine(tier: OuterTier, report: Verified) -> None:
            done = _done(await tier.marked(), await self.erasures.log())
            waiting = _Waiting(self.erasures, done)

            async def look(batch: Sequence[Kept]) -> None:
                damaged = [kept for kept in batch if not kept.intact]
                intact = [kept for kept in batch if kept.intact]
                gone = await owners.gone({kept.label.owner for kept in intact})
                # In this order: an account that is gone has left its erasure in the same transaction.
                erased = gone & await waiting.owners() if gone else gone
                orphans = [kept for kept in intact if kept.label.owner in gone - erased]
                report.damaged += len(damaged)
                report.orphans += len(orphans)
                report.awaiting_erasure += sum(kept.label.owner in erased for kept in intact)
                report.intact += len(intact)
                if repair and (damaged or orphans):
                    report.removed += await tier.discard(damaged + orphans)

            await _look_through(tier, look, on_progress)
            report.repaired = repair

        return await self._each(Verified, examine)

    async def left_of(self, owner: int) -> list[Left]:
        """Say what each tier has of an owner, and whether an erasure of the owner is still to be done there."""

        async def ask(tier: OuterTier, report: Left) -> None:
            # In this order: once it is done, no late write brings a picture back.
            report.erasure_pending = await self._pending(tier, owner)
            report.pictures = await tier.count(owner)

        return await self._each(Left, ask)

    async def compact(self) -> list[Compacted]:
        """Let each tier give back room."""

        async def shrink(tier: OuterTier, report: Compacted) -> None:
            report.given_back_bytes = await tier.compact()

        return await self._each(Compacted, shrink)

    async def _each(
        self, kind: Callable[[str], _R], act: Callable[[OuterTier, _R], Awaitable[None]]
    ) -> list[_R]:
        reports = []
        for tier in self.tiers:
            report = kind(tier.name)
            reports.append(report)
            try:
                await act(tier, report)
            except TierUnavailable as error:
                report.trouble = error.detail
        return reports

    async def _pending(self, tier: OuterTier, owner: int) -> bool:
        log = await self.erasures.log()
        number = _done(await tier.marked(), log)
        if number < log.oldest - 1:  # what it has missed is not known any more
            return True
        while page := await self.erasures.after(number, _PAGE):
            if any(erasure.owner == owner for erasure in page):
                return True
            number = page[-1].number
        return False


class _Owners:
    """Which accounts are gone, asked once for each of the last 10 000 or so."""

    def __init__(self, accounts: AccountStore) -> None:
        self._accounts = accounts
        self._living: dict[int, bool] = {}

    async def gone(self, owners: set[int]) -> set[int]:
        if len(self._living) > _MOST_KNOWN:
            self._living.clear()
        self._living[0] = True  # pictures of nobody
        for owner in owners - self._living.keys():
            self._living[owner] = await self._accounts.by_id(owner) is not None
        return {owner for owner in owners if not self._living[owner]}


class _Waiting:
    """Whose erasures have come after a number; of more than a million the later ones are not seen."""

    def __init__(self, erasures: ErasureStore, number: int) -> None:
        self._erasures = erasures
        self._number = number
        self._owners: set[int] = set()

    async def owners(self) -> set[int]:
        while len(self._owners) < _MOST_WAITING and (
            page := await self._erasures.after(self._number, _PAGE)
        ):
            self._owners.update(erasure.owner for erasure in page)
            self._number = page[-1].number
        return self._owners


def _done(marked: int | None, log: ErasureLog) -> int:
    """Return the number of the last erasure that was done for good in a tier with this mark, as `Erasures` sees it.

    A tier without a mark is new, and a mark beyond the newest is of a database that was set back: none is done.
    """
    return marked if marked and marked <= log.newest else max(0, log.oldest - 1)


async def _look_through(
    tier: OuterTier, look: Callable[[Sequence[Kept]], Awaitable[None]], on_progress: Progress
) -> None:
    total = (await tier.extent()).pictures
    seen = 0
    on_progress(tier.name, seen, total)
    async for batch in tier.walk():
        await look(batch)
        seen += len(batch)
        on_progress(tier.name, seen, total)
