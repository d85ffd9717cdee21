"""The log of requests: a share of all, and always the failed and the slow ones, but never a flood."""

import random
from collections.abc import Callable
from typing import Final
from urllib.parse import quote

import structlog
from starlette.types import Scope

from emoticon.telemetry import Throttle, redacted

log = structlog.get_logger("emoticon.request")

LINES_PER_S: Final = 5
"""Of failed requests, and of slow ones; how many more there were stands on the next line of their kind."""
_ERROR_STATUS: Final = 500
_MAX_PATH: Final = 200
_PLAIN: Final = "/~:@!$&'()*+,;="


class AccessLog:
    """Writes one line for a request, without its query.

    Args:
        share: of the requests that are neither failed nor slow, 0 to 1.
        slow_ms: from here on a request is slow.
        address: tells the client's address.
    """

    def __init__(self, share: float, slow_ms: int, address: Callable[[Scope], str]) -> None:
        self._share = share
        self._slow_ms = slow_ms
        self._address = address
        self._throttle = Throttle(LINES_PER_S)

    def write(self, scope: Scope, status: int, took_s: float, sent_bytes: int) -> None:
        """Log the request if it is one of those that are logged."""
        took_ms = took_s * 1000
        if status >= _ERROR_STATUS:
            self._throttled("request failed", scope, status, took_ms, sent_bytes)
        elif took_ms >= self._slow_ms:
            self._throttled("request was slow", scope, status, took_ms, sent_bytes)
        elif self.chosen():
            self.say(scope, status, took_s, sent_bytes)

    def chosen(self) -> bool:
        """Draw the lot of a request."""
        return random.random() < self._share  # noqa: S311 - no secret hangs on it

    def say(self, scope: Scope, status: int, took_s: float, sent_bytes: int) -> None:
        """Log a request that was chosen."""
        log.info("request", **self._about(scope, status, took_s * 1000, sent_bytes))

    def _throttled(
        self, event: str, scope: Scope, status: int, took_ms: float, sent_bytes: int
    ) -> None:
        left_out = self._throttle.left_out(event)
        if left_out is None:
            return
        more = {"left_out": left_out} if left_out else {}
        log.warning(event, **self._about(scope, status, took_ms, sent_bytes), **more)

    def _about(
        self, scope: Scope, status: int, took_ms: float, sent_bytes: int
    ) -> dict[str, object]:
        return {
            "method": _plain(scope["method"]),
            "path": _plain(scope["path"]),
            "status": status,
            "took_ms": round(took_ms, 1),
            "sent_bytes": sent_bytes,
            "client": self._address(scope),
        }


def _plain(text: str) -> str:
    """Return text that cannot end a line or pass for another field; secrets go before it is cut."""
    return redacted(quote(text, safe=_PLAIN, errors="replace"))[:_MAX_PATH]
