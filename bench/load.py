"""Load that costs little: requests of ready-made bytes over raw connections, at a steady rate (open loop)."""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, NamedTuple, TypeVar

import uvloop
from typing_extensions import override

T = TypeVar("T")

CUT_OFF = 0
"""Status of an answer that did not come because there was no connection or it ended."""


class Answer(NamedTuple):
    """What came back, and when by `time.perf_counter`."""

    status: int
    body: bytes
    sent_s: float
    received_s: float


class Wire(asyncio.Protocol):
    """One keep-alive connection with one request at a time."""

    def __init__(self, freed: Callable[["Wire"], None]) -> None:
        self._freed = freed
        self._done: Callable[[Answer], None] | None = None
        self._received = b""
        self._sent_s = 0.0
        self.lost = False

    @override
    def connection_made(self, transport: Any) -> None:
        self._transport: asyncio.Transport = transport

    def ask(self, request: bytes, done: Callable[[Answer], None]) -> None:
        """Send a request; `done` is called once."""
        self._done = done
        self._sent_s = time.perf_counter()
        self._transport.write(request)

    @override
    def data_received(self, data: bytes) -> None:
        self._received += data
        end = self._received.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._received[:end].lower()
        _, found, rest = head.partition(b"\r\ncontent-length:")
        length = int(rest.partition(b"\r\n")[0]) if found else 0
        if len(self._received) - end - 4 >= length:
            status, body = int(head[9:12]), self._received[end + 4 :]
            self._received = b""
            self._answer(status, body)

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self._answer(CUT_OFF, b"")

    def close(self) -> None:
        """Disconnect."""
        self._transport.abort()

    def _answer(self, status: int, body: bytes) -> None:
        done, self._done = self._done, None
        if done is not None:
            done(Answer(status, body, self._sent_s, time.perf_counter()))
            self._freed(self)


class Pool:
    """Connections to a service, at most `size`; requests beyond that wait for their turn."""

    def __init__(self, port: int, size: int) -> None:
        self._port = port
        self._size = size
        self._open = 0
        self._free: list[Wire] = []
        self._waiting: deque[tuple[bytes, Callable[[Answer], None]]] = deque()
        self._opening: set[asyncio.Task[None]] = set()

    @property
    def exhausted(self) -> bool:
        """Whether the next request would have to wait."""
        return not self._free and self._open >= self._size

    def ask(self, request: bytes, done: Callable[[Answer], None]) -> None:
        """Send a request as soon as a connection is free."""
        while self._free:
            wire = self._free.pop()
            if not wire.lost:
                wire.ask(request, done)
                return
            self._open -= 1
        if self._open >= self._size:
            self._waiting.append((request, done))
            return
        self._open += 1
        task = asyncio.create_task(self._ask_new(request, done))
        self._opening.add(task)
        task.add_done_callback(self._opening.discard)

    async def exchange(self, request: bytes) -> Answer:
        """Send a request and return its answer."""
        answered: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self.ask(request, partial(_set, answered))
        return await answered

    def close(self) -> None:
        """Disconnect those that are free."""
        for wire in self._free:
            wire.close()

    async def _ask_new(self, request: bytes, done: Callable[[Answer], None]) -> None:
        now_s = time.perf_counter()
        loop = asyncio.get_running_loop()
        try:
            _, wire = await loop.create_connection(
                lambda: Wire(self._freed), "127.0.0.1", self._port
            )
        except OSError:
            self._open -= 1
            done(Answer(CUT_OFF, b"", now_s, time.perf_counter()))
        else:
            wire.ask(request, done)

    def _freed(self, wire: Wire) -> None:
        if wire.lost:
            self._open -= 1
        else:
            self._free.append(wire)
        if self._waiting:
            self.ask(*self._waiting.popleft())


def _set(answered: asyncio.Future[Answer], answer: Answer) -> None:
    if not answered.cancelled():
        answered.set_result(answer)


async def steadily(per_s: float, send: Callable[[], None]) -> None:
    """Call `send` at a steady rate until cancelled; calls that were missed are made up for at once."""
    began, sent = time.perf_counter(), 0
    while True:
        due = int((time.perf_counter() - began) * per_s) + 1
        for _ in range(due - sent):
            send()
        sent = due
        await asyncio.sleep(max(0.0, began + sent / per_s - time.perf_counter()))


def on_fast_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the event loop that costs least."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
