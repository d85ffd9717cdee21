"""What one place that keeps pictures does, and the plainest: the least recently used one goes."""

from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol

from typing_extensions import override


class Store(Protocol):
    """Keeps pictures, known by their numbers in a trace, within a capacity in bytes."""

    inserts: int
    """How often something was put into it."""

    def get(self, key: int, minute: int) -> bool:
        """Say whether it is there; this counts as a use."""
        ...

    def put(self, key: int, minute: int) -> None:
        """Keep it, and let others go for it; may decide not to."""
        ...

    @property
    def used_bytes(self) -> int:
        """What is in it now."""
        ...

    @property
    def evictions(self) -> int:
        """How many went, or were not let in, for want of room."""
        ...


class Least(Store):
    """LRU: the least recently used go. Without a capacity none does."""

    def __init__(self, capacity_bytes: int | None, weights: Sequence[int]) -> None:
        self._capacity = float("inf") if capacity_bytes is None else capacity_bytes
        self._weights = weights
        self._order: OrderedDict[int, None] = OrderedDict()
        self._used = 0
        self._evictions = 0
        self.inserts = 0

    @override
    def get(self, key: int, minute: int) -> bool:
        if key not in self._order:
            return False
        self._order.move_to_end(key)
        return True

    @override
    def put(self, key: int, minute: int) -> None:
        self.inserts += 1
        if key not in self._order:
            self._used += self._weights[key]
        self._order[key] = None
        self._order.move_to_end(key)
        while self._used > self._capacity:
            gone, _ = self._order.popitem(last=False)
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
