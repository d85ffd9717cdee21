"""The file of a backup: a compressed tar of the manifest and the parts that it names, in its order.

It is read with less trust than a tar deserves: plain files only, exactly those names and sizes, nothing before, between
or after them. What a name says is never used as a path.
"""

import gzip
import hashlib
import io
import shutil
import tarfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from typing_extensions import override

from emoticon.domain.backups import (
    MAX_MANIFEST_BYTES,
    BackupRefused,
    Manifest,
    OnProgress,
    Part,
)

MANIFEST_NAME = "manifest.json"
_BLOCK_BYTES = tarfile.BLOCKSIZE
_SHORTEST_END_BYTES = 2 * _BLOCK_BYTES
_LONGEST_END_BYTES = tarfile.RECORDSIZE + _BLOCK_BYTES
_CHUNK_BYTES = 1 << 20
_LEVEL = 6


def described(path: Path) -> Part:
    """Return the file as a part."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return Part(path.name, path.stat().st_size, digest)


def pack(manifest: Manifest, directory: Path, out: BinaryIO, on_progress: OnProgress) -> None:
    """Write the manifest and its parts, which lie in the directory. Raises OSError."""
    done = 0

    def count(chunk_bytes: int) -> None:
        nonlocal done
        done += chunk_bytes
        on_progress("packing", done, manifest.size_bytes)

    with (
        gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=_LEVEL) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.GNU_FORMAT) as tar,
    ):
        text = manifest.encode()
        tar.addfile(file_header(MANIFEST_NAME, len(text)), io.BytesIO(text))
        for part in manifest.parts:
            with (directory / part.name).open("rb", buffering=0) as file:
                tar.addfile(file_header(part.name, part.size_bytes), _Counted(file, count))


def unpack(
    source: BinaryIO,
    directory: Path,
    accept: Callable[[Manifest], None],
    on_progress: OnProgress,
) -> Manifest:
    """Read a backup to its end and leave its parts in the directory, verified.

    `accept` may refuse the manifest before anything is written.

    Raises:
        BackupRefused: it is not one, damaged, or larger than the room that there is.
        OSError: it cannot be read, or the directory cannot be written.

    """
    try:
        with gzip.GzipFile(fileobj=source, mode="rb") as unpacked:
            stream = _Stream(unpacked)
            size_bytes = stream.header(MANIFEST_NAME)
            if size_bytes > MAX_MANIFEST_BYTES:
                raise BackupRefused("the manifest of the backup is too long")
            manifest = Manifest.decode(b"".join(stream.content(size_bytes)))
            accept(manifest)
            if manifest.size_bytes > shutil.disk_usage(directory).free:
                raise BackupRefused(
                    f"the backup needs {manifest.size_bytes} bytes beside {directory}: not so many are free"
                )
            done = 0
            for part in manifest.parts:
                if stream.header(part.name) != part.size_bytes:
                    raise _damaged()
                digest = hashlib.sha256()
                with (directory / part.name).open("xb") as file:
                    for chunk in stream.content(part.size_bytes):
                        digest.update(chunk)
                        file.write(chunk)
                        done += len(chunk)
                        on_progress("verifying", done, manifest.size_bytes)
                if digest.hexdigest() != part.sha256:
                    raise BackupRefused(f"the sum of {part.name} is wrong: the backup is damaged")
            stream.end()
    except (EOFError, zlib.error, gzip.BadGzipFile, tarfile.HeaderError):
        raise _damaged() from None
    return manifest


class _Stream:
    """Plain files one after the other. `tarfile` would obey headers of any length that hold names of any kind."""

    def __init__(self, source: gzip.GzipFile) -> None:
        self._source = source

    def header(self, name: str) -> int:
        """Return the size of the next file, which must have this name."""
        found = tarfile.TarInfo.frombuf(self._exactly(_BLOCK_BYTES), "utf-8", "surrogateescape")
        if found.type != tarfile.REGTYPE or found.name != name or found.size < 0:
            raise BackupRefused("there is something in the backup that its manifest does not name")
        return found.size

    def content(self, size_bytes: int) -> Iterator[bytes]:
        """Return what is in the file, and skip what fills its last block."""
        left_bytes = size_bytes
        while left_bytes:
            chunk = self._exactly(min(left_bytes, _CHUNK_BYTES))
            left_bytes -= len(chunk)
            yield chunk
        self._exactly(-size_bytes % _BLOCK_BYTES)

    def end(self) -> None:
        """Return when nothing but the end of a tar is left."""
        rest = self._source.read(_LONGEST_END_BYTES + 1)
        if not _SHORTEST_END_BYTES <= len(rest) <= _LONGEST_END_BYTES or rest.strip(b"\0"):
            raise BackupRefused("there is something in the backup that its manifest does not name")

    def _exactly(self, size_bytes: int) -> bytes:
        found = self._source.read(size_bytes)
        if len(found) != size_bytes:
            raise _damaged()
        return found


class _Counted(io.RawIOBase):
    """A file that tells how much of it is read."""

    def __init__(self, file: io.FileIO, count: Callable[[int], None]) -> None:
        self._file = file
        self._count = count

    @override
    def read(self, size: int = -1, /) -> bytes:
        chunk = self._file.read(size)
        self._count(len(chunk))
        return chunk


def file_header(name: str, size_bytes: int) -> tarfile.TarInfo:
    """Return the header of a plain file."""
    header = tarfile.TarInfo(name)
    header.size = size_bytes
    header.mode = 0o600
    return header


def _damaged() -> BackupRefused:
    return BackupRefused("the backup is cut short or damaged, or is none")
