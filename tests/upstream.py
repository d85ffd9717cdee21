"""Another service that draws: as the real dnmonster does, or as badly as a test wishes.

Whatever it does is a `Behaviour`, which may be exchanged at any time. Nothing here imports the application.
"""

import asyncio
import gzip
import itertools
import ssl
import struct
import threading
import zlib
from asyncio import StreamReader, StreamWriter
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Self
from urllib.parse import parse_qs, unquote, urlsplit

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MEGABYTE = b"\0" * 2**20


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    target: str
    headers: list[tuple[str, str]] = field(default_factory=list)

    @property
    def seed(self) -> str:
        """The last part of the path."""
        return urlsplit(self.target).path.rpartition("/")[2]

    @property
    def size(self) -> str:
        """The parameter, "" without one."""
        return parse_qs(urlsplit(self.target).query).get("size", [""])[0]


Behaviour = Callable[[Asked, StreamReader, StreamWriter], Awaitable[bool]]
"""Answers a request; True: the connection may be used again."""


class Upstream:
    """A server on 127.0.0.1 in a thread of its own."""

    def __init__(
        self, behaviour: Behaviour | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self._tls = tls
        self.behaviour: Behaviour = behaviour or dnmonster
        self.asked: list[Asked] = []
        self.connections = 0
        self.most_at_once = 0
        self.at_once = 0
        self._loop = asyncio.new_event_loop()
        self._open = asyncio.Event()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._server: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}"

    @property
    def template(self) -> str:
        """What a service has to be told, as for the real dnmonster."""
        return f"{self.url}/monster/{{seed}}?size={{size}}"

    def __enter__(self) -> Self:
        self._thread.start()
        self._run(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._run(self._stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def refuse(self) -> None:
        """Listen no longer; connections that are there stay."""
        self._run(self._close())

    def listen(self) -> None:
        """Listen again, at the same port."""
        self._run(self._start())

    @contextmanager
    def held(self) -> Iterator[None]:
        """Answer nothing until the end of this."""
        self._open = asyncio.Event()
        before, self.behaviour = self.behaviour, self._hold
        try:
            yield
        finally:
            self.behaviour = before
            self._loop.call_soon_threadsafe(self._open.set)

    async def _hold(self, asked: Asked, reader: StreamReader, writer: StreamWriter) -> bool:
        await self._open.wait()
        return await self.behaviour(asked, reader, writer)

    def _run(self, work: Awaitable[None]) -> None:
        async def working() -> None:
            await work

        asyncio.run_coroutine_threadsafe(working(), self._loop).result(10)

    async def _start(self) -> None:
        self._server = await asyncio.start_server(
            self._connected, "127.0.0.1", self.port, limit=2**20, ssl=self._tls
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        assert self._server is not None
        self._server.close()

    async def _stop(self) -> None:
        await self._close()
        here = asyncio.current_task()
        others = [task for task in asyncio.all_tasks() if task is not here]
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _connected(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections += 1
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                if not await self._answer(_parse(head), reader, writer):
                    return
        except (asyncio.CancelledError, asyncio.IncompleteReadError, OSError):
            return
        finally:
            writer.close()

    async def _answer(self, asked: Asked, reader: StreamReader, writer: StreamWriter) -> bool:
        self.asked.append(asked)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            go_on = await self.behaviour(asked, reader, writer)
            await writer.drain()
        finally:
            self.at_once -= 1
        return go_on


def _parse(head: bytes) -> Asked:
    first, *lines = head.decode("latin-1").split("\r\n")[:-2]
    headers = [(name, value.strip()) for name, _, value in (line.partition(":") for line in lines)]
    return Asked(first.split(" ")[1], headers)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk of a PNG."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int, *, depth: int = 8, colour: int = 6) -> bytes:
    """Return the first chunk of a PNG; colour 6 is RGBA."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png(
    side: int, pixel: bytes = b"\x20\x80\x40\xff", *, height: int | None = None, extra: bytes = b""
) -> bytes:
    """Return a PNG of one colour, with extra chunks before its pixels."""
    rows = (b"\0" + pixel * side) * (side if height is None else height)
    body = chunk(b"IDAT", zlib.compress(rows))
    first = header(side, side if height is None else height)
    return SIGNATURE + first + extra + body + chunk(b"IEND", b"")


def colour_of(seed: str) -> bytes:
    """Return the one colour that pictures of a seed have here."""
    return sha256(seed.encode()).digest()[:3] + b"\xff"


def respond(
    writer: StreamWriter, status: str, body: bytes, media_type: str = "image/png", *more: str
) -> None:
    """Write a whole answer; `more` are lines of the head."""
    lines = [f"HTTP/1.1 {status}", f"Content-Type: {media_type}", *more]
    if not any(line.lower().startswith(("content-length", "transfer-encoding")) for line in more):
        lines.append(f"Content-Length: {len(body)}")
    writer.write("\r\n".join([*lines, "", ""]).encode() + body)


async def dnmonster(asked: Asked, _: StreamReader, writer: StreamWriter) -> bool:
    """Do what the real one does, its faults included: they come as image/png with status 200."""
    path = unquote(urlsplit(asked.target).path)
    if path.count("/") > 2:
        respond(writer, "200 OK", b"TypeError: undefined\n    at Object.<anonymous>\n" * 15)
    elif not (asked.size or "200").isdecimal():
        respond(writer, "200 OK", b"")
    else:
        respond(writer, "200 OK", png(int(asked.size or "200"), colour_of(asked.seed)))
    return True


def answering(
    body: bytes, *more: str, status: str = "200 OK", media_type: str = "image/png"
) -> Behaviour:
    """Answer this, whatever is asked."""

    async def behave(_: Asked, _reader: StreamReader, writer: StreamWriter) -> bool:
        respond(writer, status, body, media_type, *more)
        return True

    return behave


def redirecting(to: str) -> Behaviour:
    """Send the client elsewhere."""
    return answering(b"", f"Location: {to}", status="302 Found")


def failing_first(times: int, behaviour: Behaviour) -> Behaviour:
    """Do this some times, then draw as dnmonster does."""
    count = itertools.count()

    async def behave(asked: Asked, reader: StreamReader, writer: StreamWriter) -> bool:
        chosen = behaviour if next(count) < times else dnmonster
        return await chosen(asked, reader, writer)

    return behave


def endlessly(head: bytes, part: bytes) -> Behaviour:
    """Begin an answer, then send the same again and again until the client has enough."""

    async def behave(_: Asked, _reader: StreamReader, writer: StreamWriter) -> bool:
        writer.write(head)
        while True:
            writer.write(part)
            await writer.drain()

    return behave


_OK = b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n"
_CHUNKED = _OK + b"Transfer-Encoding: chunked\r\n\r\n"

a_gigabyte = endlessly(_OK + b"Content-Length: 1073741824\r\n\r\n" + SIGNATURE, _MEGABYTE)
endless_chunks = endlessly(_CHUNKED, b"100000\r\n" + _MEGABYTE + b"\r\n")
endless_small_chunks = endlessly(_CHUNKED, b"1\r\n\0\r\n" * 10_000)
endless_chunk_extension = endlessly(_CHUNKED + b"1;", b"x" * 10_000)
endless_trailers = endlessly(_CHUNKED + b"0\r\n", b"X-Trailer: x\r\n" * 1000)
endless_headers = endlessly(_OK, b"X-Header: x\r\n" * 1000)
endless_status = endlessly(b"HTTP/1.1 200 ", b"O" * 10_000)
endless_first_answers = endlessly(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
no_http = endlessly(b"", b"\0" * 1000)


async def many_headers(_: Asked, _reader: StreamReader, writer: StreamWriter) -> bool:
    """Answer a picture with 10,000 headers before it."""
    more = [f"X-Header-{number}: {number}" for number in range(10_000)]
    respond(writer, "200 OK", png(128), "image/png", *more)
    return True


def bomb() -> Behaviour:
    """Answer 256 MiB of a PNG, packed to a thousandth."""
    packed = gzip.compress(SIGNATURE + _MEGABYTE * 256, 1)
    return answering(packed, "Content-Encoding: gzip")


async def silent(_: Asked, reader: StreamReader, _writer: StreamWriter) -> bool:
    """Never answer, until the client goes."""
    await reader.read()
    return False


async def one_byte_a_second(_: Asked, _reader: StreamReader, writer: StreamWriter) -> bool:
    """Answer as slowly as nobody waits for."""
    body = png(128)
    writer.write(_OK + b"Content-Length: %d\r\n\r\n" % len(body))
    for byte in body:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(1)
    return True


async def closes_midway(_: Asked, _reader: StreamReader, writer: StreamWriter) -> bool:
    """End after half of the body."""
    body = png(128)
    writer.write(_OK + b"Content-Length: %d\r\n\r\n" % len(body) + body[: len(body) // 2])
    return False


async def closes_at_once(_: Asked, _reader: StreamReader, _writer: StreamWriter) -> bool:
    """End without a word."""
    return False
