"""A limiter that counts in this process: an exact moving window, bounded in memory.

`limits` has a store in memory too. It looks through all of its keys after each attempt, in a thread hop each (0.08 ms,
so 8 s of CPU for 100,000 keys), and forgets none of them before their time: whoever makes up names stops the service.
"""

from array import array
from collections import OrderedDict, defaultdict

from typing_extensions import override

from emoticon.domain.models import Limit
from emoticon.domain.ports import Clock, Limiter

MAX_KEYS = 20_000
"""Keys of one limit. With five attempts each they take 9 MB; each further attempt takes 8 bytes."""


class LocalLimiter(Limiter):
    """Remembers the last `count` attempts of each of at most `max_keys` keys of a limit, within its window.

    Whoever comes later pushes out the key that has been quiet for longest: many strangers may get an attacker
    another `count` attempts, but cannot keep others from being counted, nor this process from having memory.
    """

    def __init__(self, clock: Clock, *, max_keys: int = MAX_KEYS) -> None:
        self._clock = clock
        self._max_keys = max_keys
        # One table for each limit: within it the order of the last attempts is the order in which keys expire.
        self._tables: defaultdict[Limit, OrderedDict[str, array[int]]] = defaultdict(OrderedDict)

    @override
    async def hit(self, limit: Limit, key: str) -> int:
        wait_s = self.wait_s(limit, key)
        if wait_s == 0:
            self._count(limit, key)
        return wait_s

    @override
    async def clear(self, limit: Limit, key: str) -> None:
        self._tables[limit].pop(key, None)

    @override
    async def aclose(self) -> None:
        self._tables.clear()

    def wait_s(self, limit: Limit, key: str) -> int:
        """Return what `hit` would, but count nothing."""
        times = self._tables[limit].get(key, ())
        if len(times) < limit.count:
            return 0
        # What is refused is not counted, so who keeps trying waits no longer than who does not.
        left_ms = times[-limit.count] + limit.window_s * 1000 - self._clock.elapsed_ms()
        return max(0, -(-left_ms // 1000))

    def _count(self, limit: Limit, key: str) -> None:
        now_ms = self._clock.elapsed_ms()
        table = self._tables[limit]
        times = table.setdefault(key, array("q"))
        times.append(now_ms)
        del times[: -limit.count]
        table.move_to_end(key)
        for _ in range(
            2
        ):  # two leave for each that comes, so that none waits for a great clearance
            oldest, its_times = next(iter(table.items()))
            if len(table) > self._max_keys or its_times[-1] + limit.window_s * 1000 <= now_ms:
                del table[oldest]
