"""Blobs as files of a directory. obstore has such a store, too, but does not see to it that a file is on the disk."""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from itertools import islice
from pathlib import Path
from typing import ParamSpec, TypeVar

from typing_extensions import override

from emoticon.adapters.blobs.names import checked, directory
from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.media import BlobStore

log = logging.getLogger(__name__)

_BATCH = 1000
_DRAFT = ".partial"
_PROBE = ".originals-probe"

P = ParamSpec("P")
T = TypeVar("T")


class LocalBlobStore(BlobStore):
    """Files under `root`, for their owner only. A name is put once at a time.

    A file is written beside its place and renamed when it is on the disk. What a killed process has left of one has
    its name, so that it goes with it and is found with the others.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @override
    async def put(self, name: str, data: bytes) -> None:
        await _said(self._put, self._root / checked(name), data)

    @override
    async def get(self, name: str, *, max_bytes: int) -> bytes | None:
        return await _said(_read, self._root / checked(name), max_bytes)

    @override
    async def delete(self, name: str) -> None:
        await _said(_delete, self._root / checked(name))

    @override
    async def walk(self, prefix: str) -> AsyncIterator[Sequence[tuple[str, int]]]:
        found = _names(self._root / directory(prefix), prefix)
        while batch := await _said(lambda: list(islice(found, _BATCH))):
            yield batch

    @override
    async def ping(self) -> None:
        await _said(self._try)

    @override
    async def aclose(self) -> None:
        """There is nothing to let go of."""

    def _put(self, path: Path, data: bytes) -> None:
        self._make(path.parent)
        draft = _draft(path)
        try:
            with os.fdopen(
                os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb"
            ) as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        except OSError:
            draft.unlink(missing_ok=True)
            raise
        _sync(path.parent)

    def _make(self, place: Path) -> None:
        if not place.is_dir():
            self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
            place.mkdir(mode=0o700, parents=True, exist_ok=True)
            _sync(self._root)

    def _try(self) -> None:
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        probe = self._root / _PROBE
        probe.touch(mode=0o600)
        probe.unlink(missing_ok=True)  # another process may be trying, too


def _read(path: Path, max_bytes: int) -> bytes | None:
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
    except FileNotFoundError:
        return None
    return data if len(data) <= max_bytes else None


def _delete(path: Path) -> None:
    path.unlink(missing_ok=True)
    _draft(path).unlink(missing_ok=True)


def _names(place: Path, prefix: str) -> Iterator[tuple[str, int]]:
    if not place.is_dir():
        return
    with os.scandir(place) as entries:
        for entry in entries:
            with suppress(FileNotFoundError):  # deleted since
                put_ms = int(entry.stat(follow_symlinks=False).st_mtime * 1000)
                yield f"{prefix}{entry.name.removeprefix('.').removesuffix(_DRAFT)}", put_ms


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}{_DRAFT}")


def _sync(place: Path) -> None:
    descriptor = os.open(place, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


async def _said(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it in a thread, and turn what the system says no with into the domain's own."""
    try:
        return await asyncio.to_thread(call, *args, **kwargs)
    except OSError as error:
        log.warning("uploaded pictures: %s", error.strerror or type(error).__name__)
        raise OriginalsUnavailable from None
