"""The disk tier: pictures of one machine in one SQLite database, which any accident may destroy without harm.

A picture is a row and rowids grow with time: pages fill in order, and what is evicted together lies together. Several
processes may share the file. Every frame is verified when it is read: damage costs a drawing, never a wrong picture.
"""

import asyncio
import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from typing_extensions import override

from emoticon.domain.errors import TierUnavailable
from emoticon.domain.models import Picture
from emoticon.domain.pictures import FRAME_BYTES, frame, unframe
from emoticon.domain.ports import Clock, Tier

logger = logging.getLogger(__name__)

T = TypeVar("T")
_Row = tuple[int, bool, Picture | None]

PAGE_BYTES = (
    16384  # the mean picture of 3.4 KB takes 4.1 KB of disk; with 65536 3.7 KB, read a third slower
)
MIN_LIMIT_BYTES = 64 * PAGE_BYTES
RETRY_MS = 30_000  # how long a file that cannot be used is left alone
LINGER_S = 0.25  # how long a picture waits for others to be written with
MAX_READS = 256  # how many may wait for the one thread that reads
_MAX_WAITING_BYTES = 8 << 20
_DAY_MS = 86_400_000

_SCHEMA_ID = int.from_bytes(b"EMO1", "big")
_SCHEMA = f"""
    CREATE TABLE pictures (seq INTEGER PRIMARY KEY, key BLOB UNIQUE, owner INTEGER, day INTEGER, frame BLOB);
    CREATE INDEX pictures_day ON pictures (day);
    CREATE INDEX pictures_owner ON pictures (owner);
    PRAGMA user_version = {_SCHEMA_ID}
""".split(";")
# No mmap: it would let a file that is cut short kill the process.
_PRAGMAS = f"""
    page_size={PAGE_BYTES} journal_mode=WAL synchronous=NORMAL secure_delete=ON
    wal_autocheckpoint=256 journal_size_limit={256 * PAGE_BYTES} cache_size=-4096 mmap_size=0
""".split()
_FIND = "SELECT seq, day < ?, frame FROM pictures WHERE key = ?"
_PUT = "REPLACE INTO pictures (key, owner, day, frame) VALUES (?, ?, ?, ?)"
_TOUCH = "UPDATE pictures SET day = ?1 WHERE seq = ?2 AND day < ?1"
_EVICT = "DELETE FROM pictures WHERE seq IN (SELECT seq FROM pictures ORDER BY day, seq LIMIT ?)"
_PAGES = "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count"

_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


@dataclass(slots=True)
class DiskStats:
    """Counts since the tier was made. `bytes` is what the database uses of its limit; 0 before the first use."""

    hits: int = 0
    misses: int = 0
    writes: int = 0
    dropped: int = 0
    evicted: int = 0
    quarantined: int = 0
    bytes: int = 0


@dataclass(slots=True)
class _Batch:
    """For one transaction: pictures with their owners, and rows that were used again or found damaged."""

    puts: dict[bytes, tuple[Picture, int]] = field(default_factory=dict)
    size_bytes: int = 0
    touched: set[int] = field(default_factory=set)
    damaged: set[int] = field(default_factory=set)


class DiskTier(Tier):
    """Keeps at most `max_bytes` (MIN_LIMIT_BYTES or more) in the file `path`; a log of about 4 MiB lies beside it.

    The least recently used days go first. A picture is written within LINGER_S, many in one transaction; until then it
    is read from memory. It is dropped when too many wait, when it is larger than an eighth of the limit, and while less
    than `min_free_fraction` of the filesystem is free. A damaged file is renamed to `.corrupt-<unix time>`, the last of
    which is kept, and a new one begun. A lowered limit evicts, but the file keeps its length; deleting it does no harm.
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
        self._reader = _Connection(path, max_bytes, clock, busy_s=0)  # drawing beats waiting
        self._writer = _Connection(path, max_bytes, clock, busy_s=1)
        self._stats = DiskStats()
        self._reads = 0
        self._next = _Batch()
        self._current = _Batch()
        self._writing: asyncio.Task[None] | None = None
        self._hurry = asyncio.Event()
        self._closing: asyncio.Task[None] | None = None
        self._retry_at_ms = 0  # not 0: the file cannot be used, and that has been logged

    @property
    @override
    def name(self) -> str:
        return "disk"

    def stats(self) -> DiskStats:
        """Return a copy of the counts."""
        return replace(self._stats)

    @override
    async def get(self, key: bytes) -> Picture | None:
        waiting = self._next.puts.get(key) or self._current.puts.get(key)
        if waiting is not None:
            self._stats.hits += 1
            return waiting[0]
        self._check_usable()
        if self._reads >= MAX_READS:
            raise TierUnavailable("Too many reads of the disk tier are waiting")
        if self._retry_at_ms or not self._stats.bytes:
            self._write_soon()  # tells whether writing works, and obeys a lowered limit without any put
        self._reads += 1
        try:
            row = await self._on(self._reader, lambda db: _find(db, key, self._clock.now_ms()))
        finally:
            self._reads -= 1
        seq, stale, picture = row or (0, False, None)
        self._stats.hits += picture is not None
        self._stats.misses += picture is None
        if row and picture is None:
            logger.warning("Row %d of the disk tier is damaged and will be deleted", seq)
            self._stats.quarantined += 1
            self._next.damaged.add(seq)
            self._write_soon()
        elif stale:
            self._next.touched.add(seq)
            self._write_soon()
        return picture

    @override
    async def put(self, key: bytes, picture: Picture, *, owner: int) -> None:
        self._check_usable()
        size_bytes = self._next.size_bytes + FRAME_BYTES + len(picture.body)
        if size_bytes > self._max_waiting_bytes:
            self._stats.dropped += 1
            return
        self._next.puts[key] = (picture, owner)
        self._next.size_bytes = size_bytes
        self._write_soon()

    async def flush(self) -> None:
        """Wait until everything accepted is written or dropped."""
        self._hurry.set()
        while self._writing:
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
        self._current, written = batch, None
        try:
            with suppress(TierUnavailable):
                written = await self._on(self._writer, lambda db: self._transact(db, batch))
                self._retry_at_ms = 0
        finally:
            self._stats.dropped += len(batch.puts) - (written or 0)
            self._current, self._writing = _Batch(), None
            if self._next != _Batch():
                self._write_soon()

    async def _on(self, at: "_Connection", call: Callable[[sqlite3.Connection], T]) -> T | None:
        try:
            return await asyncio.get_running_loop().run_in_executor(at.thread, at.run, call)
        except (OSError, sqlite3.Error) as error:
            if not self._retry_at_ms:
                logger.warning("The disk tier cannot use %s: %s", self._path, error)
            self._retry_at_ms = self._clock.now_ms() + RETRY_MS
            raise TierUnavailable("The disk tier cannot use its file") from error

    def _transact(self, db: sqlite3.Connection, batch: _Batch) -> int:
        """Write what there is room for, in the writer's thread, and return the number of pictures."""
        disk = os.statvfs(self._path.parent)
        puts = batch.puts if disk.f_bavail >= self._min_free_fraction * disk.f_blocks else {}
        # Of two neighbouring pages one is at least half full: twice the frames, and some pages for the indexes.
        need_bytes = 2 * batch.size_bytes + 8 * PAGE_BYTES if puts else 0
        self._stats.evicted += _make_room(db, self._max_bytes - need_bytes)
        now_ms = self._clock.now_ms()
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.executemany("DELETE FROM pictures WHERE seq = ?", ((n,) for n in batch.damaged))
            db.executemany(_TOUCH, ((now_ms // _DAY_MS, seq) for seq in batch.touched))
            for key, (picture, owner) in puts.items():
                data = frame(key, picture, owner=owner, drawn_at_s=now_ms // 1000)
                db.execute(_PUT, (key, owner, now_ms // _DAY_MS, data))
        self._stats.writes += len(puts)
        self._stats.bytes = _used_bytes(db)
        return len(puts)


class _Connection:
    """A thread with a connection to whatever file is at the path now; without one it begins a new one."""

    def __init__(self, path: Path, max_bytes: int, clock: Clock, *, busy_s: float) -> None:
        self._path = path
        self._busy_s = busy_s
        self._max_pages = max_bytes // PAGE_BYTES
        self._clock = clock
        self.thread = ThreadPoolExecutor(1, "disk-tier")
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def run(self, call: Callable[[sqlite3.Connection], T], *, again: bool = True) -> T | None:
        """Return what the call returns; None when the file is busy or the disk full. Sets a damaged file aside.

        Raises OSError or sqlite3.Error when the file cannot be used now.
        """
        try:
            return call(self._open())
        except sqlite3.Error as error:
            # An error of the module itself has no code: a value that cannot be read, so damage.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code in _PASSING:
                return None
            self.close()
            if code not in _DAMAGED or not again:
                raise
            self._set_aside(error)
        return self.run(call, again=False)

    def close(self) -> None:
        """Let go of the file. Idempotent."""
        if self._db:
            self._db.close()
        self._db = None

    def _open(self) -> sqlite3.Connection:
        if self._db and _identity(self._path) == self._file:
            return self._db
        self.close()  # somebody has removed or replaced the file
        with self._alone(), ExitStack() as undo:
            undo.callback(self.close)
            if not (_identity(self._path) and self._path.stat().st_size):
                for suffix in ("", "-wal", "-shm"):  # a log without its file is not the new file's
                    Path(f"{self._path}{suffix}").unlink(missing_ok=True)
            self._db = sqlite3.connect(self._path, timeout=self._busy_s, isolation_level=None)
            self._path.chmod(0o600)  # before the first byte; the log inherits it
            self._file = _identity(self._path)
            _prepare(self._db, self._max_pages)
            undo.pop_all()
        return self._db

    def _set_aside(self, error: sqlite3.Error) -> None:
        with self._alone():
            if _identity(self._path) != self._file:
                return  # another thread or process was faster
            for old in self._path.parent.glob(f"{self._path.name}.corrupt-*"):
                old.unlink(missing_ok=True)
            aside = self._path.rename(f"{self._path}.corrupt-{self._clock.now_ms() // 1000}")
        logger.error("The disk tier begins anew; its damaged file is now %s: %s", aside, error)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and processes from opening or renaming the file meanwhile."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        return (status := path.stat()).st_dev, status.st_ino
    return None


def _prepare(db: sqlite3.Connection, max_pages: int) -> None:
    db.text_factory = bytes
    empty = db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None
    if not empty and db.execute("PRAGMA user_version").fetchone() != (_SCHEMA_ID,):
        raise sqlite3.DatabaseError("another program or version has written it")
    for pragma in (*_PRAGMAS, f"max_page_count={max_pages}"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    if empty:
        with db:
            db.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                db.execute(statement)


def _find(db: sqlite3.Connection, key: bytes, now_ms: int) -> _Row | None:
    """Return the row's number, whether it was not used yet today, and the picture unless it is damaged."""
    row = db.execute(_FIND, (now_ms // _DAY_MS, key)).fetchone()
    if row is None:
        return None
    seq, stale, data = row
    return seq, bool(stale), unframe(key, data) if isinstance(data, bytes) else None


def _make_room(db: sqlite3.Connection, room_bytes: int) -> int:
    """Evict until `room_bytes` or less are used, in small transactions between which others get their turn."""
    evicted = 0
    while (excess_bytes := _used_bytes(db) - room_bytes) > 0 and (
        rows := db.execute(_EVICT, (min(512, excess_bytes // 4096 + 1),)).rowcount
    ):
        evicted += rows
    return evicted


def _used_bytes(db: sqlite3.Connection) -> int:
    pages, free = db.execute(_PAGES).fetchone()
    return int(pages - free) * PAGE_BYTES
