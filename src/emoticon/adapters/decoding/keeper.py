"""The service's side of a nursery: starts it, hands it requests, and ends it."""

import asyncio
import logging
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from itertools import count
from typing import Final, Self

from emoticon.adapters.decoding.messages import MAX_ANSWER_BYTES
from emoticon.adapters.decoding.orders import BEAR, KILL, ORDER, READY, REPORT

log = logging.getLogger(__name__)

_START_S: Final = 10.0
_ENDING_S: Final = 5.0
"""How long a nursery may take to end a process, or itself, before it is ended."""
_PIECE_BYTES: Final = 2**18
_MOST_REPORTS: Final = 64


class NurseryLost(Exception):
    """The nursery has ended, could not be started, or does not do what it is told."""


class Keeper:
    """Keeps one running nursery. Belongs to the event loop in which it was started."""

    def __init__(self, control: socket.socket, process: Process) -> None:
        self._control = control
        self._process = process
        self._numbers = count(READY + 1)
        self._ends: dict[int, asyncio.Future[int | None]] = {}
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(control, self._hear)
        self.alive = True

    @classmethod
    async def start(cls, command: Sequence[str], environment: Mapping[str, str]) -> Self:
        """Start a nursery and wait until it is ready. It inherits nothing but what is given. Raises NurseryLost."""
        control, theirs = socket.socketpair()
        control.settimeout(0)
        try:
            with theirs, ExitStack() as unused:
                unused.enter_context(control)
                process = await asyncio.create_subprocess_exec(
                    *command, stdin=theirs.fileno(), stdout=DEVNULL, env=environment
                )
                unused.pop_all()
        except OSError as error:
            raise NurseryLost from error
        keeper = cls(control, process)
        ready = keeper._expect(READY)
        try:
            await asyncio.wait([ready], timeout=_START_S)
        finally:
            if not ready.done():
                keeper.abandon()
            if not keeper.alive:
                await keeper.aclose()
        if not keeper.alive:
            raise NurseryLost
        return keeper

    async def run(self, request: bytes) -> tuple[bytes, int]:
        """Return what a new process answers to a request, and the status it ended with.

        Whatever ends the wait, the process has ended, too, when this returns. A longer answer than there can be is
        cut off, and its process killed. Raises NurseryLost.
        """
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                number, end = self._bear(theirs)
            try:
                answer = await _exchange(ours, request)
                if len(answer) <= MAX_ANSWER_BYTES:
                    await asyncio.wait([end])
            finally:
                await self._end(number, end)
        status = end.result()
        if status is None:
            raise NurseryLost
        return answer, status

    def abandon(self) -> None:
        """Kill a nursery that is of no use any more. Idempotent; `aclose` waits for its end."""
        self._let_go()
        with suppress(ProcessLookupError):
            self._process.kill()

    async def aclose(self) -> None:
        """End the nursery and its processes, and wait for that. Idempotent."""
        self._let_go()
        with suppress(TimeoutError):
            async with asyncio.timeout(_ENDING_S):
                await self._process.wait()
        self.abandon()
        await self._process.wait()

    def _let_go(self) -> None:
        """A nursery that nobody speaks to ends its processes and itself."""
        if self.alive:
            self.alive = False
            self._loop.remove_reader(self._control)
            self._control.close()
            for end in self._ends.values():
                end.set_result(None)
            self._ends.clear()

    def _bear(self, connection: socket.socket) -> tuple[int, asyncio.Future[int | None]]:
        number = next(self._numbers)
        self._order(BEAR, number, connection.fileno())
        return number, self._expect(number)

    async def _end(self, number: int, end: asyncio.Future[int | None]) -> None:
        if not end.done():
            with suppress(NurseryLost):
                self._order(KILL, number)
            await asyncio.wait([end], timeout=_ENDING_S)
        if not end.done():
            log.error("the nursery does not end its processes: it is started anew")
            self.abandon()

    def _order(self, order: bytes, number: int, *descriptors: int) -> None:
        try:
            socket.send_fds(self._control, [ORDER.pack(order, number)], descriptors)
        except OSError as error:
            self.abandon()
            raise NurseryLost from error

    def _expect(self, number: int) -> asyncio.Future[int | None]:
        self._ends[number] = self._loop.create_future()
        return self._ends[number]

    def _hear(self) -> None:
        reports = b""
        with suppress(ConnectionResetError):
            reports = self._control.recv(_MOST_REPORTS * REPORT.size)
        for number, status in REPORT.iter_unpack(reports):
            self._ends.pop(number).set_result(status)
        if not reports:
            log.error("the nursery has ended")
            self.abandon()


async def _exchange(connection: socket.socket, request: bytes) -> bytes:
    """Send a request and return the answer, as much of it as came: the status tells whether that is all."""
    connection.settimeout(0)
    loop = asyncio.get_running_loop()
    answer = bytearray()
    with suppress(BrokenPipeError, ConnectionResetError):
        await loop.sock_sendall(connection, request)
        connection.shutdown(socket.SHUT_WR)
        while len(answer) <= MAX_ANSWER_BYTES:
            piece = await loop.sock_recv(connection, _PIECE_BYTES)
            if not piece:
                break
            answer += piece
    return bytes(answer)
