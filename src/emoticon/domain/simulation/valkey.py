"""Valkey with `maxmemory-policy allkeys-lfu`, as its source has it (src/evict.c)."""

import random
from array import array
from bisect import insort
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from emoticon.domain.simulation.stores import Store

SAMPLES: Final = 10
DECAY_MINUTES: Final = 1440
"""`maxmemory-samples` and `lfu-decay-time` of deploy/valkey.conf."""
_FIRST: Final = 5
_MOST: Final = 255
_LOG_FACTOR: Final = 10
_POOL: Final = 16


class ValkeyLfu(Store):
    """Counts uses on a logarithmic scale up to 255, one less for every `decay_minutes` without a use.

    Who goes is the one least used among SAMPLES at random and what earlier samples left in a pool of 16. Time is that
    of the trace, so that a month of it may pass in seconds.
    """

    def __init__(
        self,
        capacity_bytes: int,
        weights: Sequence[int],
        *,
        decay_minutes: int,
        samples: int = SAMPLES,
        seed: int = 0,
    ) -> None:
        self._capacity = capacity_bytes
        self._weights = weights
        self._decay = decay_minutes
        self._samples = samples
        self._random = random.Random(seed).random  # noqa: S311 - a model of chance, no secret
        self._counters = bytearray(len(weights))
        self._touched = array("I", bytes(4 * len(weights)))
        self._places = array("q", [-1]) * len(weights)
        self._resident: list[int] = []
        self._pool: list[tuple[int, int]] = []
        self._used = 0
        self._evictions = 0
        self.inserts = 0

    @override
    def get(self, key: int, minute: int) -> bool:
        if self._places[key] < 0:
            return False
        counter = self._decayed(key, minute)
        above = counter - _FIRST
        if counter < _MOST and (above <= 0 or self._random() * (above * _LOG_FACTOR + 1) < 1):
            counter += 1
        self._counters[key] = counter
        self._touched[key] = minute
        return True

    @override
    def put(self, key: int, minute: int) -> None:
        weight = self._weights[key]
        if weight > self._capacity:
            return
        self.inserts += 1
        if self._places[key] >= 0:
            return
        while self._used + weight > self._capacity:
            self._evict(minute)
        self._places[key] = len(self._resident)
        self._resident.append(key)
        self._counters[key] = _FIRST
        self._touched[key] = minute
        self._used += weight

    @property
    @override
    def used_bytes(self) -> int:
        return self._used

    @property
    @override
    def evictions(self) -> int:
        return self._evictions

    def _decayed(self, key: int, minute: int) -> int:
        # A log may be a little out of order.
        idle = max(0, minute - self._touched[key]) // self._decay
        return max(0, self._counters[key] - idle)

    def _evict(self, minute: int) -> None:
        resident, chance = self._resident, self._random
        pool = [entry for entry in self._pool if self._places[entry[1]] >= 0]
        for _ in range(self._samples):
            key = resident[int(chance() * len(resident))]
            unused = _MOST - self._decayed(key, minute)
            if len(pool) < _POOL:
                insort(pool, (unused, key))
            elif unused > pool[0][0]:
                del pool[0]
                insort(pool, (unused, key))
        self._pool = pool
        self._remove(pool.pop()[1])

    def _remove(self, key: int) -> None:
        last = self._resident.pop()
        if last != key:
            self._resident[self._places[key]] = last
            self._places[last] = self._places[key]
        self._places[key] = -1
        self._used -= self._weights[key]
        self._evictions += 1
