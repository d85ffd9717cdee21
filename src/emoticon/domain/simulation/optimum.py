"""What a cache could do that knows the future (Belady, 1966)."""

from array import array
from collections.abc import Sequence
from heapq import heapify, heappop, heappush

from typing_extensions import override

from emoticon.domain.simulation.stores import Store
from emoticon.domain.simulation.traces import Trace

_NEVER = (1 << 40) - 1
_SLACK = 1024


class Optimum(Store):
    """Lets go whose next use is farthest away, and never takes what is not used again.

    Optimal for pictures of one size; for pictures of many sizes, where the optimum is NP-hard, a close approximation.
    It has to be asked for the requests of its trace in their order.
    """

    def __init__(self, capacity_bytes: int, weights: Sequence[int], trace: Trace) -> None:
        self._capacity = capacity_bytes
        self._weights = weights
        self._following = _following(trace)
        self._at = -1
        self._next: dict[int, int] = {}
        self._farthest: list[tuple[int, int]] = []
        self._used = 0
        self._evictions = 0
        self.inserts = 0

    @override
    def get(self, key: int, minute: int) -> bool:
        self._at += 1
        if key not in self._next:
            return False
        self._note(key)
        return True

    @override
    def put(self, key: int, minute: int) -> None:
        if self._following[self._at] == _NEVER:
            return
        self.inserts += 1
        self._used += self._weights[key]
        self._note(key)
        while self._used > self._capacity:
            # What was noted before a later use is nearer than all that is in the store.
            _, gone = heappop(self._farthest)
            del self._next[gone]
            self._used -= self._weights[gone]
            self._evictions += 1

    @property
    @override
    def used_bytes(self) -> int:
        return self._used

    @property
    @override
    def evictions(self) -> int:
        return self._evictions

    def _note(self, key: int) -> None:
        after = self._following[self._at]
        self._next[key] = after
        heappush(self._farthest, (-after, key))
        if len(self._farthest) > 2 * len(self._next) + _SLACK:
            self._farthest = [(-after, key) for key, after in self._next.items()]
            heapify(self._farthest)


def _following(trace: Trace) -> Sequence[int]:
    """Return for each request the place of the next one for the same picture."""
    upcoming = array("q", [_NEVER]) * len(trace.names)
    following = array("q", bytes(8 * len(trace.keys)))
    for at in range(len(trace.keys) - 1, -1, -1):
        key = trace.keys[at]
        following[at] = upcoming[key]
        upcoming[key] = at
    return following
