"""Requests in a compact form, and a sample of them when there are too many."""

from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

NAME_BYTES: Final = 16
MOST_REQUESTS: Final = 500_000
_SPACE: Final = 1 << 32


def name_of(username: str, size_px: int, picture_format: str) -> bytes:
    """Return 16 evenly distributed bytes that stand for a picture."""
    identity = f"{size_px} {picture_format} {username}".encode("utf-8", "surrogatepass")
    return blake2b(identity, digest_size=NAME_BYTES).digest()


@dataclass(frozen=True, slots=True)
class Trace:
    """Requests in their order: number of the picture and minute of each, name and bytes of each picture.

    With a `rate` below 1 these are all requests of that share of the pictures, out of `total` requests. A cache that is
    smaller by the same factor has about the same misses on them, by the same factor (SHARDS, Waldspurger et al.,
    FAST 2015).
    """

    keys: Sequence[int]
    minutes: Sequence[int]
    names: Sequence[bytes]
    body_bytes: Sequence[int]
    total: int
    rate: float = 1.0

    @property
    def span_minutes(self) -> int:
        """From the earliest to the latest request, 0 when no time is known."""
        return max(self.minutes) - min(self.minutes) if self.minutes else 0

    @property
    def pictures(self) -> int:
        """How many different ones were asked for, about."""
        return round(len(self.names) / self.rate)

    @property
    def working_set_bytes(self) -> int:
        """The bodies of all that were asked for, about."""
        return round(sum(self.body_bytes) / self.rate)

    def weights(self, extra_bytes: int, factor: float = 1.0) -> Sequence[int]:
        """Return what each picture takes where each costs so much beside its body."""
        return array("Q", (round(body * factor) + extra_bytes for body in self.body_bytes))


class Recorder:
    """Collects requests, in bounded memory: it halves the sample as often as there are more than `most` in it."""

    def __init__(self, most: int = MOST_REQUESTS) -> None:
        self._most = most
        self._below = _SPACE
        self._total = 0
        self._timed = False
        self._minute = 0
        self._numbers: dict[bytes, int] = {}
        self._bytes = array("I")
        self._keys = array("I")
        self._minutes = array("I")

    def add(self, name: bytes, minute: int | None, body_bytes: int) -> None:
        """Note a request; None is a time that is not known. The last size of a picture counts."""
        self._total += 1
        if minute is not None:
            self._minute, self._timed = minute, True
        if int.from_bytes(name[:4], "big") >= self._below:
            return
        number = self._numbers.setdefault(name, len(self._bytes))
        if number == len(self._bytes):
            self._bytes.append(body_bytes)
        else:
            self._bytes[number] = body_bytes
        self._keys.append(number)
        self._minutes.append(self._minute)
        if len(self._keys) > self._most:
            self._halve()

    def trace(self, span_minutes: int) -> Trace:
        """Return all of it; where no request had a time, they are spread over `span_minutes`."""
        minutes = self._minutes
        if not self._timed:
            count = len(minutes)
            minutes = array("I", (at * span_minutes // count for at in range(count)))
        rate = self._below / _SPACE
        return Trace(self._keys, minutes, list(self._numbers), self._bytes, self._total, rate)

    def _halve(self) -> None:
        """Forget the half of the pictures, by their names, and their requests."""
        self._below //= 2
        before, sizes = self._numbers, self._bytes
        stays = [int.from_bytes(name[:4], "big") < self._below for name in before]
        self._numbers = {name: 0 for name, stay in zip(before, stays, strict=True) if stay}
        renumbered = array("I", bytes(4 * len(before)))
        self._bytes = array("I")
        for new, name in enumerate(self._numbers):
            renumbered[before[name]] = self._numbers[name] = new
            self._bytes.append(sizes[before[name]])
        kept = [(k, m) for k, m in zip(self._keys, self._minutes, strict=True) if stays[k]]
        self._keys = array("I", (renumbered[key] for key, _ in kept))
        self._minutes = array("I", (minute for _, minute in kept))
