"""The bulletin of a service that is one process."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Final

from typing_extensions import override

from emoticon.domain.errors import BulletinUnavailable
from emoticon.domain.models import Change
from emoticon.domain.ports import Bulletin

MAX_WAITING: Final = 10_000


class LocalBulletin(Bulletin):
    """Tells every listener in this event loop; one that has `max_waiting` changes still to read has missed the next."""

    def __init__(self, *, max_waiting: int = MAX_WAITING) -> None:
        self._max_waiting = max_waiting
        self._listeners: set[_Listener] = set()
        self._closed = False

    @override
    async def publish(self, change: Change) -> None:
        if self._closed:
            raise BulletinUnavailable
        for listener in tuple(self._listeners):
            if len(listener.waiting) < self._max_waiting:
                listener.hear(change)
            else:  # also one that nobody reads any more: it is forgotten
                listener.end()
                self._listeners.remove(listener)

    @override
    async def subscribe(self) -> AsyncIterator[Change]:
        if self._closed:
            raise BulletinUnavailable
        listener = _Listener()
        self._listeners.add(listener)
        return listener

    @override
    async def aclose(self) -> None:
        self._closed = True
        while self._listeners:
            self._listeners.pop().end()


class _Listener(AsyncIterator[Change]):
    """For one reader."""

    def __init__(self) -> None:
        self.waiting: deque[Change] = deque()
        self._ended = False
        self._stirred = asyncio.Event()

    def hear(self, change: Change) -> None:
        self.waiting.append(change)
        self._stirred.set()

    def end(self) -> None:
        """Let the reader know at once, before what it could still have read."""
        self.waiting.clear()
        self._ended = True
        self._stirred.set()

    @override
    async def __anext__(self) -> Change:
        while not self.waiting:
            if self._ended:
                raise BulletinUnavailable
            self._stirred.clear()
            await self._stirred.wait()
        return self.waiting.popleft()
