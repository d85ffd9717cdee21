"""Where files are made before they take their place, all at once or not at all."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emoticon.domain.backups import BackupRefused


@contextmanager
def workplace(target: Path) -> Iterator[Path]:
    """Open a directory beside the target, for its owner only, whose files can be renamed to it.

    It always has the same name, so that what a killed process has left is cleared away by the next one.

    Raises:
        BackupRefused: another process is at it.
        OSError: it cannot be made.

    """
    place = target.with_name(f".{target.name}.partial")
    place.mkdir(mode=0o700, exist_ok=True)
    lock = os.open(place, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BackupRefused(f"another command is at work in {place}") from None
        _empty(place)
        try:
            yield place
        finally:
            _empty(place)
            place.rmdir()
    finally:
        os.close(lock)


def put(file: Path, target: Path) -> None:
    """Let the file take the place of the target, durably; whoever looks sees the old one or the new one."""
    file.chmod(0o600)
    _sync(file)
    file.replace(target)
    _sync(target.parent)


def _empty(place: Path) -> None:
    for entry in place.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
