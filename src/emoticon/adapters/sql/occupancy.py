"""Who has a SQLite file open: whoever would replace it has to know, since the others would go on in the old one."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

from sqlalchemy import make_url


class Occupied(Exception):
    """A service or another command uses the file."""


def using(url: str) -> AbstractContextManager[None]:
    """Keep the file of a SQLite database in its place; nothing to do for a server, which looks after its own.

    Raises Occupied, on entering, when it is just being replaced.
    """
    address = make_url(url)
    if address.get_backend_name() != "sqlite" or address.database is None:
        return nullcontext()
    try:
        lock = _open(Path(address.database))
    except OSError:  # SQLite will say what is wrong with the directory
        return nullcontext()
    return _held(lock, fcntl.LOCK_SH)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Keep everybody else out, so that the file can be replaced. Raises Occupied, OSError."""
    with _held(_open(path), fcntl.LOCK_EX):
        yield


def _open(path: Path) -> int:
    return os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


@contextmanager
def _held(lock: int, how: int) -> Iterator[None]:
    try:
        try:
            fcntl.flock(lock, how | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Occupied from None
        yield
    finally:
        os.close(lock)
