"""Work that goes on when whoever asked for it has gone away."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


def unbroken(
    method: Callable[P, Coroutine[Any, Any, T]],
) -> Callable[P, Coroutine[Any, Any, T]]:
    """Let a method run to its end even when its caller is cancelled.

    A driver that is cut off half-way abandons its connection: nobody closes it, and in SQLite it may hold the lock. And
    what was written has to be told to the other nodes, also when the client did not wait for its answer.
    """

    @wraps(method)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await asyncio.shield(asyncio.ensure_future(method(*args, **kwargs)))

    return run
