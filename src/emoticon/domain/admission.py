"""Which pictures are worth a place beyond memory: those asked for twice, and those that took long to draw.

Plain computation without input or output, so that the service and the simulator decide alike.
"""

import struct
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final, Self

DEAR_MS: Final = 20.0
"""Who took as long to draw as this goes to disk at once."""

NOWHERE: Final[frozenset[str]] = frozenset()
DISK: Final = frozenset({"disk"})
SHARED: Final = frozenset({"shared"})
EVERYWHERE: Final = frozenset({"shared", "disk"})

_PICTURE_BYTES: Final = 4096
_WINDOWS: Final = 8
_MOST_FRESH: Final = 100_000

_BITS_PER_KEY: Final = 10
_BYTE: Final = 8
_PROBES: Final = struct.Struct(">4I")


class Doorkeeper:
    """Says whether a key came before, within the last `keys` to twice `keys` different ones (arXiv:1512.00727).

    Two Bloom filters that take turns, of 10 bits and 4 probes for each key: one new key in seventy is taken for an old
    one. A call takes two microseconds.
    """

    def __init__(self, keys: int) -> None:
        self._keys = keys
        self._bits = max(64, keys * _BITS_PER_KEY)
        self._now = bytearray(self._bits // _BYTE + 1)
        self._before = bytearray(self._now)
        self._count = 0

    def came(self, key: bytes) -> bool:
        """Say whether the key (16 evenly distributed bytes) came before, and remember it."""
        bits = self._bits
        places = [word % bits for word in _PROBES.unpack(key)]
        now = self._now
        if _all_set(now, places):
            return True
        known = _all_set(self._before, places)
        for place in places:
            now[place >> 3] |= 1 << (place & 7)
        self._count += 1
        if self._count >= self._keys:
            self._now, self._before = bytearray(len(now)), now
            self._count = 0
        return known


class Admission:
    """Decides where else than in memory a picture is kept.

    Args:
        keys: how many different pictures make a window in which a second request counts as such.
        fresh: how many of those that are in memory alone are watched for their second request.
    """

    def __init__(self, *, keys: int, fresh: int) -> None:
        self._doorkeeper = Doorkeeper(keys)
        self._fresh: OrderedDict[bytes, frozenset[str]] = OrderedDict()
        self._most_fresh = fresh

    @classmethod
    def beside(cls, memory_bytes: int) -> Self:
        """Return one for a memory tier of this size, whose window is eight times the pictures that it holds, about.

        What lies beyond memory is larger. Takes half a hundredth of that size, and 150 bytes for each that is watched.
        """
        pictures = max(1, memory_bytes // _PICTURE_BYTES)
        return cls(keys=_WINDOWS * pictures, fresh=min(pictures, _MOST_FRESH))

    def drawn(self, key: bytes, took_ms: float) -> frozenset[str]:
        """Return where to keep what was just drawn."""
        if self._doorkeeper.came(key):
            self._fresh.pop(key, None)
            return EVERYWHERE
        places, later = (DISK, SHARED) if took_ms >= DEAR_MS else (NOWHERE, EVERYWHERE)
        self._fresh[key] = later
        if len(self._fresh) > self._most_fresh:
            self._fresh.popitem(last=False)
        return places

    def again(self, key: bytes) -> frozenset[str]:
        """Return where to keep what memory had: called for every hit, so it costs next to nothing."""
        if key not in self._fresh:
            return NOWHERE
        return self._fresh.pop(key)

    def found(self, key: bytes, tier: str) -> frozenset[str]:
        """Return where else to keep what an outer tier had."""
        if tier in DISK and self._doorkeeper.came(key):
            return SHARED
        return NOWHERE


def _all_set(bits: bytearray, places: Sequence[int]) -> bool:
    return all(bits[place >> 3] >> (place & 7) & 1 for place in places)
