"""What is counted of requests: how many came to which end, and how long they took."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import Final

from starlette.types import Scope

from emoticon.web.errors import STATUS

BUCKETS_S: Final = (
    *(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025),
    *(0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0),
)
METHODS: Final = frozenset({"DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"})
OTHER: Final = "other"
CLASSES: Final = ("1xx", "2xx", "3xx", "4xx", "5xx")
_LAST_CLASS: Final = len(CLASSES)


class Series:
    """The requests of one method to one route."""

    __slots__ = ("buckets", "statuses", "total_s")

    def __init__(self) -> None:
        self.statuses = [0] * len(CLASSES)
        self.buckets = [0] * (len(BUCKETS_S) + 1)
        """By duration; each holds what is above the bound before it, the last one what is above them all."""
        self.total_s = 0.0


class Requests:
    """Counts since the start of this process.

    Whatever strangers send, the number of series is bounded: by the templates of the routes, a fixed set of methods,
    and the codes of our own errors.
    """

    def __init__(self) -> None:
        self.series: dict[tuple[str, str], Series] = {}
        """By route and method."""
        self.errors: dict[str, int] = dict.fromkeys(sorted(error.code for error in STATUS), 0)
        """Answers that said no, by the code in their body."""

    def count(self, route: str, method: str, status: int, took_s: float, answers: int = 1) -> None:
        """Count answers that took so long each; `method` may be any text, `route` is from `route_of`."""
        series = self.series.get((route, method))
        if series is None:
            key = (route, method if method in METHODS else OTHER)
            series = self.series.setdefault(key, Series())
        series.statuses[min(max(1, status // 100), _LAST_CLASS) - 1] += answers
        series.buckets[bisect_left(BUCKETS_S, took_s)] += answers
        series.total_s += took_s * answers

    def failed(self, code: str) -> None:
        """Count an answer with this code; it has to be one of our own."""
        self.errors[code] = self.errors.get(code, 0) + 1

    def items(self) -> Iterable[tuple[str, str, Series]]:
        """Yield route, method and counts."""
        return ((route, method, series) for (route, method), series in self.series.items())


def route_of(scope: Scope) -> str:
    """Return the template of the route that was found for a request, without the slash at its end."""
    path: str = getattr(scope.get("route"), "path", OTHER)
    return path.rstrip("/") or "/"
