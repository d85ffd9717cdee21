"""A bounded pool of threads for work that would hold up the event loop."""

import asyncio
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

from emoticon.domain.errors import Unavailable

P = ParamSpec("P")
T = TypeVar("T")


class Workers:
    """At most `threads` calls run and `queue` wait; one more is refused at once with `busy`.

    `niceness` lowers the threads' priority (0..19, Linux only, where it is a property of the thread): the event loop
    then keeps answering while they work. A caller that goes away does not stop a call that has begun.
    """

    def __init__(
        self, name: str, *, threads: int, queue: int, busy: type[Unavailable], niceness: int = 0
    ) -> None:
        self._limit = threads + queue
        self._busy = busy
        self._pending = 0
        self._executor = ThreadPoolExecutor(
            threads, thread_name_prefix=name, initializer=_be_nice, initargs=(niceness,)
        )

    @property
    def pending(self) -> int:
        """Calls that run or wait."""
        return self._pending

    async def run(self, call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what the call returns. Raises `busy` without running it when the queue is full."""
        if self._pending >= self._limit:
            raise self._busy
        self._pending += 1
        loop = asyncio.get_running_loop()
        future = self._executor.submit(call, *args, **kwargs)
        future.add_done_callback(lambda done: self._count_down(loop, done))
        return await asyncio.wrap_future(future)

    def close(self) -> None:
        """Wait for the running calls and drop the waiting ones. Idempotent."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _count_down(self, loop: asyncio.AbstractEventLoop, _done: Future[T]) -> None:
        try:
            loop.call_soon_threadsafe(self._decrement)
        except RuntimeError:  # the loop closed while the call ran; nobody counts any more
            return

    def _decrement(self) -> None:
        self._pending -= 1


def _be_nice(niceness: int) -> None:
    if niceness and hasattr(os, "setpriority"):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
