"""Pictures that could not be drawn a moment ago, so that not every caller waits to see it fail again."""

from collections import OrderedDict
from typing import Final, NamedTuple

from emoticon.domain.errors import DrawingFailed, DrawingTimedOut
from emoticon.domain.ports import Clock

_FIRST_MS: Final = 2000
_LONGEST_MS: Final = 60_000
_DOUBLINGS: Final = 5


class _Failure(NamedTuple):
    error: type[DrawingFailed | DrawingTimedOut]
    detail: str
    doublings: int
    until_ms: int


class Failures:
    """At most `most` keys that failed last; each is left alone for 2 s, after each further failure twice as long.

    That ends at 60 s. Every process learns it by itself.
    """

    def __init__(self, clock: Clock, *, most: int = 10_000) -> None:
        self._clock = clock
        self._most = most
        self._known: OrderedDict[bytes, _Failure] = OrderedDict()

    def check(self, key: bytes) -> None:
        """Raise the error of the last drawing again, with the seconds that are left, while it is too early to retry."""
        failure = self._known.get(key)
        if failure is None:
            return
        left_ms = failure.until_ms - self._clock.elapsed_ms()
        if left_ms > 0:
            raise failure.error(failure.detail, retry_after_s=-(-left_ms // 1000))

    def add(self, key: bytes, error: DrawingFailed | DrawingTimedOut) -> None:
        """Remember a failure, and let its error say how long."""
        before = self._known.pop(key, None)
        doublings = 0 if before is None else min(before.doublings + 1, _DOUBLINGS)
        pause_ms = min(_FIRST_MS << doublings, _LONGEST_MS)
        self._known[key] = _Failure(
            type(error), error.detail, doublings, self._clock.elapsed_ms() + pause_ms
        )
        error.retry_after_s = pause_ms // 1000
        if len(self._known) > self._most:
            self._known.popitem(last=False)

    def forget(self, key: bytes) -> None:
        """Say that the key was drawn."""
        self._known.pop(key, None)
