"""Draws ahead what will be asked for, into the tiers that outlive a process."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from emoticon.domain.access_logs import Request
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import EmoticonError, InvalidUsername
from emoticon.domain.models import Account, Format
from emoticon.domain.names import fold
from emoticon.domain.pictures import KEPT_PX
from emoticon.domain.stores import AccountStore

MOST_ASKED: Final = 200_000
"""How many different pictures of a log are told apart."""

Asked = tuple[str, int, Format]
"""A username in any spelling, a size in pixels and a format."""


@dataclass(slots=True)
class Warmed:
    """What became of the pictures so far."""

    drawn: int = 0
    present: int = 0
    """Every tier that could be asked had it already."""
    failed: int = 0
    unknown: int = 0
    """Nobody has the name."""

    @property
    def done(self) -> int:
        """All of them together."""
        return self.drawn + self.present + self.failed + self.unknown


@dataclass(frozen=True, slots=True)
class Warming:
    """Works on `at_once` pictures. Every method counts in `tally` as it goes and raises StoreUnavailable."""

    accounts: AccountStore
    emoticons: Emoticons
    at_once: int

    async def last_used(
        self,
        count: int,
        sizes_px: Sequence[int],
        formats: Sequence[Format],
        *,
        tally: Warmed,
        on_progress: Callable[[int], None],
    ) -> None:
        """Draw for the accounts used last; `on_progress(total)` is called before the first and after each picture."""
        accounts = await self.accounts.last_used(count)
        wishes = (
            (account, size_px, picture_format)
            for account in accounts
            for size_px in sizes_px
            for picture_format in formats
        )
        total = len(accounts) * len(sizes_px) * len(formats)
        await self._draw(wishes, tally, lambda: on_progress(total))

    async def asked(
        self, wishes: Sequence[Asked], *, tally: Warmed, on_progress: Callable[[int], None]
    ) -> None:
        """Draw what was asked for, see `most_asked`; disabled accounts get none."""
        await self._draw(iter(wishes), tally, lambda: on_progress(len(wishes)))

    async def _draw(
        self,
        wishes: Iterator[tuple[Account | str, int, Format]],
        tally: Warmed,
        on_progress: Callable[[], None],
    ) -> None:
        on_progress()
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(self.at_once):  # each takes the next from the same iterator
                    group.create_task(self._work(wishes, tally, on_progress))
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _work(
        self,
        wishes: Iterator[tuple[Account | str, int, Format]],
        tally: Warmed,
        on_progress: Callable[[], None],
    ) -> None:
        for who, size_px, picture_format in wishes:
            account = await self._find(who) if isinstance(who, str) else who
            if account is None:
                tally.unknown += 1
            else:
                await self._one(account, size_px, picture_format, tally)
            on_progress()

    async def _one(
        self, account: Account, size_px: int, picture_format: Format, tally: Warmed
    ) -> None:
        try:
            drawn = await self.emoticons.warm(
                account.look, size_px, picture_format, owner=account.id
            )
        except EmoticonError:
            tally.failed += 1
            return
        if drawn:
            tally.drawn += 1
        else:
            tally.present += 1

    async def _find(self, name: str) -> Account | None:
        try:
            found = await self.accounts.by_username_key(fold(name))
        except InvalidUsername:
            return None
        return found if found is not None and found.disabled_at is None else None


def most_asked(requests: Iterable[Request], count: int) -> list[Asked]:
    """Return up to `count` pictures, those asked for most first, without sizes that are never kept outside of memory.

    After MOST_ASKED different ones new ones are passed over: what is popular has come before.
    """
    counts: Counter[Asked] = Counter()
    for request in requests:
        asked = (request.username, request.size_px, request.format)
        if request.size_px in KEPT_PX and (asked in counts or len(counts) < MOST_ASKED):
            counts[asked] += 1
    return [asked for asked, _ in counts.most_common(count)]
