"""The disk tier: pictures of one machine in one SQLite database, which any accident may destroy without harm.

Several processes may share the file. Every frame is verified when it is read: damage costs a drawing, never a wrong
picture.
"""

import asyncio
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from emoticon.adapters.tiers import disk_rows
from emoticon.adapters.tiers.disk_file import Busy, Connection
from emoticon.adapters.tiers.disk_rows import PAGE_BYTES
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Extent, Kept, Label, TierFigures
from emoticon.domain.models import Picture
from emoticon.domain.pictures import FRAME_BYTES
from emoticon.domain.ports import Clock, OuterTier

logger = logging.getLogger(__name__)

T = TypeVar("T")

MIN_LIMIT_BYTES = 64 * PAGE_BYTES
RETRY_MS = 30_000  # how long a file that cannot be used is left alone
LINGER_S = 0.25  # how long a picture waits for others to be written with
MAX_READS = 256  # how many may wait for the one thread that reads
_MAX_WAITING_BYTES = 8 << 20


@dataclass(slots=True)
class _Batch:
    """For one transaction: pictures, and rows that were used again or found damaged."""

    puts: dict[bytes, tuple[Label, Picture]] = field(default_factory=dict)
    size_bytes: int = 0
    touched: set[int] = field(default_factory=set)
    damaged: set[int] = field(default_factory=set)

    def drop(self, owners: Collection[int]) -> int:
        """Take the pictures of these owners out; return how many there were."""
        theirs = [label.key for label, _ in self.puts.values() if label.owner in owners]
        for key in theirs:
            self.size_bytes -= _size_bytes(self.puts.pop(key)[1])
        return len(theirs)


class DiskTier(OuterTier):
    """Keeps at most `max_bytes` (MIN_LIMIT_BYTES or more) in the file `path`; a log of about 4 MiB lies beside it.

    The least recently used days go first. A picture is written within LINGER_S, many in one transaction; until then it
    is read from memory. It is dropped when too many wait, when it is larger than an eighth of the limit, and while less
    than `min_free_fraction` of the filesystem is free. A damaged file is renamed to `.corrupt-<unix time>`, the last of
    which is kept, and a new one begun. A lowered limit evicts, but the file keeps its length until it is compacted;
    deleting it does no harm.

    What is forgotten is overwritten in the file and taken out of its log; where another process reads at that moment,
    the log follows with the next write. Files set aside go as well: nobody knows whose pictures they hold.
    """

    def __init__(
        self, path: Path, *, max_bytes: int, clock: Clock, min_free_fraction: float = 0.05
    ) -> None:
        if max_bytes < MIN_LIMIT_BYTES:
            raise ValueError(f"max_bytes must be at least {MIN_LIMIT_BYTES}")
        self._path = path
        self._max_bytes = max_bytes
        self._max_waiting_bytes = min(_MAX_WAITING_BYTES, max_bytes // 8)
        self._clock = clock
        self._min_free_fraction = min_free_fraction
        self._reader = Connection(path, clock, max_bytes=max_bytes, busy_s=0)  # drawing is sooner
        self._writer = Connection(path, clock, max_bytes=max_bytes, busy_s=1)
        self._figures = TierFigures(used_bytes=0)
        self._reads = 0
        self._next = _Batch()
        self._current = _Batch()
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._retry_at_ms = 0  # not 0: the file cannot be used, and that has been logged
        self._log_is_clean = True  # False: what was forgotten may still be in it

    @property
    @override
    def name(self) -> str:
        return "disk"

    @override
    async def get(self, label: Label) -> Picture | None:
        key = label.key
        waiting = self._next.puts.get(key) or self._current.puts.get(key)
        if waiting is not None:
            return waiting[1]
        self._check_usable()
        if self._reads >= MAX_READS:
            raise TierUnavailable("Too many reads of the disk tier are waiting")
        if self._retry_at_ms or not self._figures.used_bytes:
            self._write_soon()  # tells whether writing works, and obeys a lowered limit without any put
        self._reads += 1
        try:
            row = await self._on(
                self._reader, lambda db: disk_rows.find(db, key, self._clock.now_ms())
            )
        except Busy:
            return None
        finally:
            self._reads -= 1
        seq, stale, picture = row or (0, False, None)
        if row and picture is None:
            logger.warning("Row %d of the disk tier is damaged and will be deleted", seq)
            self._figures.damaged += 1
            self._next.damaged.add(seq)
            self._write_soon()
        elif stale:
            self._next.touched.add(seq)
            self._write_soon()
        return picture

    @override
    async def put(self, label: Label, picture: Picture) -> None:
        self._check_usable()
        size_bytes = self._next.size_bytes + _size_bytes(picture)
        if size_bytes > self._max_waiting_bytes:
            self._figures.dropped += 1
            return
        self._next.puts[label.key] = (label, picture)
        self._next.size_bytes = size_bytes
        self._write_soon()

    @override
    async def forget(self, owners: Sequence[int]) -> int:
        # The order of the writer's thread is that of the calls: this comes after what is being written, and before
        # whatever is put from now on.
        every = sorted(set(owners))
        waiting = self._next.drop(frozenset(every))
        self._current.drop(frozenset(every))
        return waiting + await self._ask(self._writer, lambda db: self._forget(db, every))

    @override
    def figures(self) -> TierFigures:
        return replace(self._figures, available=not (self._retry_at_ms or self._closing))

    @override
    async def marked(self) -> int | None:
        return await self._ask(self._reader, disk_rows.marked)

    @override
    async def mark(self, number: int) -> None:
        await self._ask(self._writer, partial(disk_rows.mark, number=number))

    @override
    async def count(self, owner: int) -> int:
        await self.flush()
        return await self._ask(self._reader, partial(disk_rows.count, owner=owner))

    @override
    async def walk(self) -> AsyncIterator[Sequence[Kept]]:
        await self.flush()
        last = await self._ask(self._reader, disk_rows.last)
        after: bytes | None = None
        while batch := await self._ask(
            self._reader, partial(disk_rows.page, after=after, until=last)
        ):
            self._figures.damaged += sum(not kept.intact for kept in batch)
            yield batch
            after = batch[-1].ref

    @override
    async def discard(self, kept: Sequence[Kept]) -> int:
        refs = [one.ref for one in kept]
        return await self._ask(self._writer, partial(disk_rows.discard, refs=refs))

    @override
    async def clear(self) -> None:
        self._next = _Batch()
        self._current.puts.clear()
        await self._ask(self._writer, self._begin_anew)
        await self._ask(self._reader, disk_rows.marked)  # lets go of the old file

    @override
    async def compact(self) -> int:
        await self.flush()
        given_back = 0
        while step := await self._ask(self._writer, disk_rows.give_back):
            given_back += step
        await self._ask(self._writer, disk_rows.empty_log)  # until then the file keeps its length
        return given_back

    @override
    async def extent(self) -> Extent:
        await self.flush()
        return await self._ask(self._reader, partial(disk_rows.extent, limit_bytes=self._max_bytes))

    async def flush(self) -> None:
        """Wait until everything accepted before is written or dropped."""
        self._hurry.set()
        for _ in range(2):  # what is being written, and what waits for that
            if self._writing:
                await asyncio.wait((self._writing,))
        self._hurry.clear()

    @override
    async def aclose(self) -> None:
        if self._closing is None:
            self._closing = asyncio.create_task(self._close())
        await asyncio.shield(self._closing)

    async def _close(self) -> None:
        loop = asyncio.get_running_loop()
        # The reader first: what its last reads found out is still written.
        await loop.run_in_executor(self._reader.thread, self._reader.close)
        await self.flush()
        await loop.run_in_executor(self._writer.thread, self._writer.close)
        self._reader.thread.shutdown()
        self._writer.thread.shutdown()

    def _check_usable(self) -> None:
        if self._closing or self._clock.now_ms() < self._retry_at_ms:
            raise TierUnavailable("The disk tier is closed or cannot use its file")

    def _write_soon(self) -> None:
        if self._writing is None:
            self._writing = asyncio.create_task(self._write())

    async def _write(self) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._hurry.wait(), LINGER_S)
        batch, self._next = self._next, _Batch()
        puts = list(batch.puts.values())  # `forget` may take some out of the batch meanwhile
        self._current, written = batch, 0
        try:
            with suppress(TierUnavailable, Busy):
                written = await self._on(self._writer, lambda db: self._transact(db, batch, puts))
        finally:
            self._figures.dropped += len(puts) - written
            self._current, self._writing = _Batch(), None
            if self._next != _Batch():
                self._write_soon()

    async def _ask(self, at: Connection, call: Callable[[sqlite3.Connection], T]) -> T:
        self._check_usable()
        try:
            return await self._on(at, call)
        except Busy as error:
            raise TierUnavailable("The disk tier's file is busy, or its disk full") from error

    async def _on(self, at: Connection, call: Callable[[sqlite3.Connection], T]) -> T:
        try:
            returned = await asyncio.get_running_loop().run_in_executor(at.thread, at.run, call)
        except (OSError, sqlite3.Error) as error:
            if not self._retry_at_ms:
                logger.warning("The disk tier cannot use %s: %s", self._path, error)
            self._retry_at_ms = self._clock.now_ms() + RETRY_MS
            raise TierUnavailable("The disk tier cannot use its file") from error
        if at is self._writer:
            self._retry_at_ms = 0
        return returned

    def _transact(
        self, db: sqlite3.Connection, batch: _Batch, puts: Sequence[tuple[Label, Picture]]
    ) -> int:
        """Write what there is room for, in the writer's thread, and return the number of pictures."""
        if not self._log_is_clean:
            self._log_is_clean = disk_rows.empty_log(db)
        disk = os.statvfs(self._path.parent)
        if disk.f_bavail < self._min_free_fraction * disk.f_blocks:
            puts = ()
        # Of two neighbouring pages one is at least half full: twice the frames, and some pages for the indexes.
        need_bytes = 2 * sum(_size_bytes(picture) for _, picture in puts) + 8 * PAGE_BYTES
        self._figures.evicted += disk_rows.make_room(
            db, self._max_bytes - (need_bytes if puts else 0)
        )
        disk_rows.write(
            db, puts, touched=batch.touched, damaged=batch.damaged, now_ms=self._clock.now_ms()
        )
        self._figures.writes += len(puts)
        self._figures.used_bytes = disk_rows.used_bytes(db)
        return len(puts)

    def _forget(self, db: sqlite3.Connection, owners: Sequence[int]) -> int:
        self._log_is_clean = False
        deleted = disk_rows.forget(db, owners)
        self._log_is_clean = disk_rows.empty_log(db)
        self._figures.used_bytes = disk_rows.used_bytes(db)
        self._writer.remove_set_aside()
        return deleted

    def _begin_anew(self, db: sqlite3.Connection) -> None:
        number = disk_rows.marked(db)
        self._writer.remove()
        self._writer.remove_set_aside()
        self._figures.used_bytes = 0
        if number is not None:
            self._writer.run(partial(disk_rows.mark, number=number))


def _size_bytes(picture: Picture) -> int:
    return FRAME_BYTES + len(picture.body)
