"""Uploaded pictures as one part of a backup: a tar of plain files, each under its name, which says what is in it.

Like the backup itself it is read with less trust than a tar deserves.
"""

import io
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emoticon.adapters.backups.archive import file_header
from emoticon.domain.backups import BackupRefused
from emoticon.domain.blobs import MAX_BLOB_BYTES, is_original

_BLOCK_BYTES = tarfile.BLOCKSIZE


class Collection:
    """A part in the making."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.names: set[str] = set()

    def add(self, name: str, data: bytes) -> None:
        """Write an original. Raises OSError."""
        self._tar.addfile(file_header(name, len(data)), io.BytesIO(data))
        self.names.add(name)


@contextmanager
def collecting(path: Path) -> Iterator[Collection]:
    """Begin the part. Raises OSError."""
    with tarfile.open(path, mode="x", format=tarfile.GNU_FORMAT) as tar:
        yield Collection(tar)


def collected(path: Path) -> Iterator[tuple[str, bytes]]:
    """Return names and contents of a part. Raises BackupRefused when anything of it is not as it was made."""
    with path.open("rb") as file:
        while (block := file.read(_BLOCK_BYTES)).strip(b"\0"):
            try:
                found = tarfile.TarInfo.frombuf(block, "ascii", "strict")
            except (tarfile.HeaderError, UnicodeDecodeError):
                raise _damaged(path) from None
            if found.type != tarfile.REGTYPE or not 0 <= found.size <= MAX_BLOB_BYTES:
                raise _damaged(path)
            data = file.read(found.size)
            if not is_original(found.name, data):
                raise _damaged(path)
            file.seek(-found.size % _BLOCK_BYTES, io.SEEK_CUR)
            yield found.name, data


def _damaged(path: Path) -> BackupRefused:
    return BackupRefused(f"{path.name} is damaged")
