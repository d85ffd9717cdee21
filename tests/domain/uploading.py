"""A shelf of originals for tests: a directory with a switch, a decoder that takes everything, and who uses them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.domain.nodes import Node
from typing_extensions import override

from emoticon.adapters.blobs.local import LocalBlobStore
from emoticon.adapters.sql.engine import reading
from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.adapters.sql.originals import SqlOriginalStore
from emoticon.adapters.sql.tables import originals
from emoticon.domain.blobs import PREFIX
from emoticon.domain.errors import InvalidPicture, OriginalsUnavailable
from emoticon.domain.media import BlobStore, ImageDecoder
from emoticon.domain.models import Box, Limit
from emoticon.domain.originals import Originals
from emoticon.domain.ports import Clock, Limiter
from emoticon.domain.sweeping import Sweeping

UPLOADS = Limit("uploads", 2, 3600)


class Shelf(BlobStore):
    """Blobs in a directory; away, or waiting for `opens`, as a test wishes."""

    def __init__(self, root: Path) -> None:
        self._real = LocalBlobStore(root)
        self.away = False
        self.opens = asyncio.Event()
        self.opens.set()
        self.puts = 0

    async def _ready(self) -> None:
        await self.opens.wait()
        if self.away:
            raise OriginalsUnavailable

    @override
    async def put(self, name: str, data: bytes) -> None:
        self.puts += 1
        await self._ready()
        await self._real.put(name, data)

    @override
    async def get(self, name: str, *, max_bytes: int) -> bytes | None:
        await self._ready()
        return await self._real.get(name, max_bytes=max_bytes)

    @override
    async def delete(self, name: str) -> None:
        await self._ready()
        await self._real.delete(name)

    @override
    async def walk(self, prefix: str) -> AsyncIterator[Sequence[tuple[str, int]]]:
        await self._ready()
        async for batch in self._real.walk(prefix):
            yield batch

    @override
    async def ping(self) -> None:
        await self._ready()

    @override
    async def aclose(self) -> None:
        await self._real.aclose()

    async def names(self) -> list[str]:
        """Return what is there, without the directory."""
        found = [name async for batch in self._real.walk(PREFIX) for name, _ in batch]
        return sorted(name.removeprefix(PREFIX) for name in found)


class AnyPicture(ImageDecoder):
    """Returns what it is given, with the box that was asked for; refuses what begins with `no`."""

    @override
    async def decode(self, data: bytes, box: Box | None, *, side_px: int) -> bytes:
        if data.startswith(b"no"):
            raise InvalidPicture
        cut = "" if box is None else f"{box.left_px},{box.top_px},{box.side_px} "
        return f"{side_px} {cut}".encode() + data

    @override
    async def aclose(self) -> None:
        return


def originals_of(
    node: Node, engine: AsyncEngine, shelf: Shelf, clock: Clock, limiter: Limiter | None = None
) -> Originals:
    """Return what takes pictures in on this node."""
    sweeping = Sweeping(SqlOriginalStore(engine), shelf, clock)
    return Originals(
        sweeping,
        SqlLookStore(engine),
        AnyPicture(),
        node.revocation,
        limiter=limiter,
        limit=UPLOADS,
    )


@dataclass
class Body:
    """What a client sends; counts how often it is asked for."""

    data: bytes
    asked: int = 0
    arrives: asyncio.Event | None = None

    async def receive(self) -> bytes:
        self.asked += 1
        if self.arrives is not None:
            await self.arrives.wait()
        return self.data


def sending(data: bytes) -> Callable[[], Awaitable[bytes]]:
    """Return what receives this."""
    return Body(data).receive


async def states(engine: AsyncEngine) -> dict[str, str]:
    """Return the state of each original."""
    async with reading(engine) as connection:
        rows = await connection.execute(select(originals.c.name, originals.c.state))
        return {row.name: row.state for row in rows}
