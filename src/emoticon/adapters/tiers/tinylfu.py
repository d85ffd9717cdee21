"""A W-TinyLFU cache that knows how popular things are that it does not hold."""

from collections.abc import Callable
from typing import Any, Final, Generic, TypeVar

from moka_py import Moka

K = TypeVar("K")
V = TypeVar("V")

_COUNTED: Final = 2
"""Entries whose uses are counted, for each that finds room."""
_MEAN_BYTES: Final = 4096
_MOST_COUNTED: Final = 1 << 17
_AT_ONCE: Final = 32
_PARTS: Final = 16
"""moka weighs nothing as more than 4 GiB."""


class TinyLfu(Generic[K, V]):
    """moka's cache of `max_bytes` by `weigh`; a dictionary while it is less than an eighth full.

    moka sizes its sketch of popularity once, by what is in it when it is half full: with weights a quarter of the
    entries that it is going to hold. By Zipf's law that is too few to tell the popular from the lucky. So it is first
    filled with entries that weigh nothing, whose number it takes for its size, some with each put, and emptied again.
    That takes room which it would need later, too; a cache that is little used does without.

    Keys are no negative numbers. `gone` hears what has left the cache, and why, as moka says it.
    """

    def __init__(
        self,
        max_bytes: int,
        weigh: Callable[[K, V], int],
        gone: Callable[[K, V, str], None] | None = None,
    ) -> None:
        def weigh_all(key: K, value: V | _Filler) -> int:
            return value.weight if isinstance(value, _Filler) else weigh(key, value)

        def tell(key: K, value: V | _Filler, cause: str) -> None:
            if not isinstance(value, _Filler) and gone is not None:
                gone(key, value, cause)

        self._max_bytes = max_bytes
        self._weigh = weigh
        self._tell = tell
        self._cache: Moka[Any, Any] = Moka(max_bytes, weigher=weigh_all, eviction_listener=tell)
        self._fillers = 0
        self._few: dict[K, V] | None = {}
        self._few_bytes = 0
        self._find: Callable[[K], V | None] = self._few.get

    def get(self, key: K) -> V | None:
        """Return the value of a key, or None."""
        return self._find(key)

    def put(self, key: K, value: V) -> None:
        """Keep the value, unless others are more popular."""
        if self._few is not None:
            self._take(key, "replaced")
            size_bytes = self._weigh(key, value)
            if self._few_bytes + size_bytes <= self._max_bytes // 8:
                self._few[key] = value
                self._few_bytes += size_bytes
                self._fill(_AT_ONCE)
                return
            self._grow(self._few)
        self._cache.set(key, value)
        # Otherwise up to 64 entries wait beyond the limit for the next maintenance; half a microsecond more.
        self._cache.run_pending_tasks()

    def remove(self, key: K) -> None:
        """Forget a key; one that is not there is no mistake."""
        if self._few is None:
            self._cache.remove(key)
        else:
            self._take(key, "explicit")

    def clear(self) -> None:
        """Forget everything."""
        for key in tuple(self._few or ()):
            self.remove(key)
        self._cache.clear()
        self._cache.run_pending_tasks()

    @property
    def used_bytes(self) -> int:
        """What all entries weigh."""
        return self._cache.weighted_size() if self._few is None else self._few_bytes

    def __len__(self) -> int:
        return self._cache.count() if self._few is None else len(self._few)

    def _take(self, key: K, cause: str) -> None:
        value = None if self._few is None else self._few.pop(key, None)
        if value is not None:
            self._few_bytes -= self._weigh(key, value)
            self._tell(key, value, cause)

    def _fill(self, most: int) -> None:
        wanted = min(_COUNTED * self._max_bytes // _MEAN_BYTES, _MOST_COUNTED)
        filled = min(self._fillers + most, wanted)
        for number in range(self._fillers, filled):
            self._cache.set(-1 - number, _NOTHING)
        self._fillers = filled

    def _grow(self, few: dict[K, V]) -> None:
        cache = self._cache
        self._fill(_MOST_COUNTED)
        cache.run_pending_tasks()
        heavy = _Filler(self._max_bytes // _PARTS)
        for part in range(1, _PARTS + 1):
            cache.set(-self._fillers - part, heavy)
        cache.run_pending_tasks()
        cache.clear()
        while cache.count():
            cache.run_pending_tasks()
        for key, value in few.items():
            cache.set(key, value)
        cache.run_pending_tasks()
        self._few = None
        self._find = cache.get


class _Filler:
    """Takes up a place and so much weight."""

    def __init__(self, weight: int) -> None:
        self.weight = weight


_NOTHING: Final = _Filler(0)
