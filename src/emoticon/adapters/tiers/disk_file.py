"""The file of the disk tier: opened, begun anew, set aside when it is damaged."""

import fcntl
import logging
import os
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from emoticon.adapters.tiers.disk_rows import PAGE_BYTES, other_version, prepare
from emoticon.domain.ports import Clock

logger = logging.getLogger(__name__)

T = TypeVar("T")

_PASSING = {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL}
_DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_ERROR}


class Busy(Exception):
    """Another has the file to itself, or the disk is full: the same call may work in a moment."""


class Connection:
    """A thread with a connection to whatever file is at the path now; without one it begins a new one.

    Args:
        path: the file. Beside it lie its log, a lock, and the last damaged file, named `.corrupt-<unix time>`.
        clock: for that name.
        max_bytes: the file grows no further.
        busy_s: how long a call waits for others.
    """

    def __init__(self, path: Path, clock: Clock, *, max_bytes: int, busy_s: float) -> None:
        self._path = path
        self._clock = clock
        self._max_pages = max_bytes // PAGE_BYTES
        self._busy_s = busy_s
        self.thread = ThreadPoolExecutor(1, "disk-tier")
        self._db: sqlite3.Connection | None = None
        self._file: tuple[int, int] | None = None

    def run(self, call: Callable[[sqlite3.Connection], T], *, again: bool = True) -> T:
        """Return what the call returns. A damaged file is set aside, then the call sees a new one.

        Raises:
            Busy: see there.
            OSError, sqlite3.Error: the file cannot be used now.

        """
        try:
            return call(self._open())
        except sqlite3.Error as error:
            # An error of the module itself has no code: a value that cannot be read, so damage.
            code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT) & 0xFF
            if code in _PASSING:
                raise Busy from error
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

    def remove(self) -> None:
        """Delete the file; whoever uses it next begins a new one."""
        self.close()
        with self._alone():
            self._unlink()

    def remove_set_aside(self) -> None:
        """Delete damaged files, whose pictures nobody can tell apart."""
        for old in self._all_set_aside():
            old.unlink(missing_ok=True)
            logger.warning("Deleted %s: it may have held pictures that are to be erased", old)

    def _open(self) -> sqlite3.Connection:
        if self._db and _identity(self._path) == self._file:
            return self._db
        self.close()  # somebody has removed or replaced the file
        with self._alone(), ExitStack() as undo:
            undo.callback(self.close)
            db = self._connect()
            if other_version(db):
                logger.info("The disk tier begins anew: another version has written its file")
                self.close()
                self._unlink()
                db = self._connect()
            prepare(db, self._max_pages)
            undo.pop_all()
        return db

    def _connect(self) -> sqlite3.Connection:
        if not (_identity(self._path) and self._path.stat().st_size):
            self._unlink()
        self._db = sqlite3.connect(self._path, timeout=self._busy_s, isolation_level=None)
        self._path.chmod(0o600)  # before the first byte; the log inherits it
        self._file = _identity(self._path)
        return self._db

    def _unlink(self) -> None:
        for suffix in ("", "-wal", "-shm"):  # a log without its file is not the new file's
            Path(f"{self._path}{suffix}").unlink(missing_ok=True)

    def _set_aside(self, error: sqlite3.Error) -> None:
        with self._alone():
            if _identity(self._path) != self._file:
                return  # another thread or process was faster
            for old in self._all_set_aside():
                old.unlink(missing_ok=True)
            aside = self._path.rename(f"{self._path}.corrupt-{self._clock.now_ms() // 1000}")
        logger.error("The disk tier begins anew; its damaged file is now %s: %s", aside, error)

    def _all_set_aside(self) -> Iterator[Path]:
        return self._path.parent.glob(f"{self._path.name}.corrupt-*")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Keep other threads and processes from opening, renaming or deleting the file meanwhile."""
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT, 0o600)) as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _identity(path: Path) -> tuple[int, int] | None:
    with suppress(FileNotFoundError):
        return (status := path.stat()).st_dev, status.st_ino
    return None
