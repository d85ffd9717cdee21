"""A limiter that counts in Valkey or Redis for all nodes, and for this process alone while it does not answer."""

import logging
import math
import time
from collections.abc import Awaitable, Callable
from hashlib import blake2b
from typing import Final

from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import MovingWindowRateLimiter
from typing_extensions import override

from emoticon.adapters.limiter.local import LocalLimiter
from emoticon.adapters.valkey.server import Server, Unanswered
from emoticon.domain.models import Limit
from emoticon.domain.ports import Clock, Limiter

TIMEOUT_S: Final = 0.1
RETRY_S: Final = 1.0
PREFIX: Final = "emoticon:limit"
_QUIET_MS = 60_000

logger = logging.getLogger(__name__)


class RedisLimiter(Limiter):
    """Counts in the server of `url`, in one script for each attempt; never waits longer than `timeout_s` for it.

    This process counts along, so that it lets through no more than `count` within a window also when Valkey is lost or
    comes back empty, and refuses without asking whom it knows to be over the limit. What another node clears
    it still remembers: there, the old attempts count until they are as old as the window.

    A moving window: the sliding window counter of `limits` needs two numbers for each key where this needs a list of
    times, but lets one and a half times `count` through between the end of a window and the middle of the next.
    """

    def __init__(
        self, url: str, clock: Clock, *, timeout_s: float = TIMEOUT_S, retry_s: float = RETRY_S
    ) -> None:
        self._server = Server(url, timeout_s=timeout_s, retry_s=retry_s)
        self._pool = self._server.pool
        self._clock = clock
        self._local = LocalLimiter(clock)
        self._window = MovingWindowRateLimiter(
            RedisStorage(
                "redis://",
                implementation="redispy",
                key_prefix=PREFIX,
                connection_pool=self._pool,  # type: ignore[arg-type]  # documented, not annotated
            )
        )
        self._quiet_until_ms = 0

    @override
    async def hit(self, limit: Limit, key: str) -> int:
        return (
            self._local.wait_s(limit, key)
            or await self._ask(lambda: self._hit(limit, key))
            or await self._local.hit(limit, key)
        )

    @override
    async def clear(self, limit: Limit, key: str) -> None:
        await self._local.clear(limit, key)
        await self._ask(lambda: self._clear(limit, key))

    @override
    async def aclose(self) -> None:
        await self._server.aclose()

    async def _ask(self, question: Callable[[], Awaitable[int]]) -> int:
        """Return the answer, or 0 when Valkey gives none in time or has given none lately."""
        try:
            async with self._server.turn():
                return await question()
        except Unanswered as error:
            self._report(error)
            return 0

    async def _hit(self, limit: Limit, key: str) -> int:
        item, name = _item(limit), _name(limit, key)
        if await self._window.hit(item, name):
            return 0
        stats = await self._window.get_window_stats(item, name)
        wait_s = math.ceil(stats.reset_time - time.time())  # `limits` reads this clock
        return min(max(wait_s, 1), limit.window_s)

    async def _clear(self, limit: Limit, key: str) -> int:
        await self._window.clear(_item(limit), _name(limit, key))
        return 0

    def _report(self, error: Unanswered) -> None:
        now_ms = self._clock.elapsed_ms()
        if now_ms >= self._quiet_until_ms:
            self._quiet_until_ms = now_ms + _QUIET_MS
            logger.warning("Valkey counts no attempts, each process does so alone: %s", error)


def _item(limit: Limit) -> RateLimitItemPerSecond:
    return RateLimitItemPerSecond(limit.count, limit.window_s, namespace="")


def _name(limit: Limit, key: str) -> str:
    """Return a name that no other pair has, of plain characters and of one length."""
    return blake2b(ascii((limit.name, key)).encode(), digest_size=16).hexdigest()
