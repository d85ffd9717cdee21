"""Work that goes on when whoever asked for it has gone away."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_running: set[asyncio.Future[Any]] = set()
"""Held here, for an event loop alone does not keep its tasks from being collected."""


def unbroken(
    method: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let a method run to its end even when its caller is cancelled.

    A driver that is cut off half-way abandons its connection: nobody closes it, and in SQLite it may hold the lock. And
    what was written has to be told to the other nodes, also when the client did not wait for its answer.
    """

    @wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        task = asyncio.ensure_future(method(*args, **kwargs))
        _running.add(task)
        task.add_done_callback(_running.discard)
        return await asyncio.shield(task)

    return run


async def finished() -> None:
    """Wait for all that goes on now in this event loop, before something that it needs is closed."""
    here = asyncio.get_running_loop()
    if tasks := [task for task in _running if task.get_loop() is here]:
        await asyncio.wait(tasks)
