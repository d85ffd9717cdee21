"""A generator that has another service draw, which may be slow, wrong, away or hostile."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from hashlib import blake2b
from typing import Final

from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import CLOSED, OpenedState
from typing_extensions import override

from emoticon.adapters.generators.png import NotPng, pixels_only
from emoticon.adapters.generators.upstream_server import Unanswered, UpstreamServer
from emoticon.domain.errors import (
    DrawingBusy,
    DrawingFailed,
    DrawingTimedOut,
    NoVector,
    UnknownStyle,
)
from emoticon.domain.media import Generator, Rasteriser
from emoticon.domain.models import UPSTREAM, Drawing, Format, Look, Style
from emoticon.domain.pictures import KEPT_PX
from emoticon.domain.upstream_traffic import UpstreamTraffic
from emoticon.domain.workers import Workers

log = logging.getLogger(__name__)

_EDITION: Final = 1
"""Raised when a change of this module gives other bytes."""
_WAITING_PER_REQUEST: Final = 8


class _LeftAlone(Exception):
    """After failures it is not asked for a while."""


class UpstreamGenerator(Generator):
    """Asks `server` for at most `deadline_s` seconds, and has what comes drawn anew in `workers` within that time.

    At most `requests` are under way; eight times as many wait for a turn, as long as a request may take. Looks of
    earlier versions are drawn as well, as the server draws them now.

    After `failures` in a row, of whatever kind, the server is left alone for `pause_s`; then one drawing is a try.
    """

    def __init__(
        self,
        server: UpstreamServer,
        rasteriser: Rasteriser,
        workers: Workers,
        traffic: UpstreamTraffic,
        *,
        version: int,
        deadline_s: float,
        requests: int,
        failures: int = 5,
        pause_s: float = 5.0,
    ) -> None:
        self._server = server
        self._rasteriser = rasteriser
        self._workers = workers
        self._traffic = traffic
        self._version = version
        self._deadline_s = deadline_s
        self._turns = asyncio.Semaphore(requests)
        self._most_waiting = _WAITING_PER_REQUEST * requests
        self._waiting = 0
        self._under_way = 0
        self._breaker = SyncCircuitBreakerFactory(
            default_threshold=failures,
            default_ttl=pause_s,
            exclude=[asyncio.CancelledError, DrawingBusy],
        ).get_breaker(UPSTREAM)

    @property
    @override
    def version(self) -> int:
        return self._version

    @property
    @override
    def revision(self) -> str:
        return f"{self._version}.{self._server.digest}+{self._rasteriser.revision}.{_EDITION}"

    @property
    @override
    def style_names(self) -> Sequence[str]:
        return (UPSTREAM,)

    @override
    def style(self, name: str) -> Style:
        if name != UPSTREAM:
            raise UnknownStyle
        return Style(name, "Upstream", "", "", "", "", "")

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        if look.generator != UPSTREAM:
            raise DrawingFailed("The look belongs to another generator")
        if look.style != UPSTREAM:
            raise UnknownStyle
        if picture_format is Format.SVG:
            raise NoVector("The style upstream has no SVG")
        outcome = "failed"
        try:
            drawing = await self._in_turn(look, size_px, picture_format)
            outcome = "drawn"
        except _LeftAlone:
            outcome = "left_alone"
            raise DrawingBusy from None
        except DrawingBusy:
            outcome = "busy"
            raise
        except DrawingTimedOut:
            outcome = "timed_out"
            raise
        finally:
            self._traffic.drawings[outcome] += 1
        return drawing

    async def _in_turn(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        async with self._turn():
            began_s = time.perf_counter()
            try:
                with self._breaker:
                    body = await self._in_time(look, size_px, picture_format)
            except OpenedState as error:
                error.__traceback__ = (
                    None  # the same object for every caller: it would grow with each
                )
                raise _LeftAlone from None
            finally:
                self._traffic.available = self._breaker.context.state == CLOSED
        return Drawing(body, (time.perf_counter() - began_s) * 1000)

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        self._check()
        if self._waiting >= self._most_waiting:
            raise DrawingBusy
        self._waiting += 1
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._turns.acquire()
        except TimeoutError:
            raise DrawingBusy from None
        finally:
            self._waiting -= 1
        try:
            self._check()  # once more: others may have failed meanwhile
            self._under_way += 1
            try:
                yield
            finally:
                self._under_way -= 1
        finally:
            self._turns.release()

    def _check(self) -> None:
        """Raise _LeftAlone after failures, unless nothing is under way: then the breaker may let one try."""
        if self._under_way and self._breaker.context.state != CLOSED:
            raise _LeftAlone

    async def _in_time(self, look: Look, size_px: int, picture_format: Format) -> bytes:
        try:
            async with asyncio.timeout(self._deadline_s):
                answer = await self._server.ask(_seed(look), _asked_px(size_px))
                png = pixels_only(answer)
                return await self._workers.run(
                    self._rasteriser.resize, png, size_px, picture_format
                )
        except TimeoutError:
            log.warning("the upstream generator took longer than %g s", self._deadline_s)
            raise DrawingTimedOut from None
        except (NotPng, Unanswered) as error:
            log.warning("the upstream generator gave no picture: %s", error)
            raise DrawingFailed(f"The upstream generator gave no picture: {error}") from None


def _seed(look: Look) -> str:
    """Return what the server is told of a look, in the place of its seed: 32 hex digits."""
    digest = blake2b(digest_size=16, person=b"emoticon upseed")
    for part in (look.style, look.seed, look.options, str(look.generator_version)):
        data = part.encode()
        digest.update(len(data).to_bytes(4) + data)
    return digest.hexdigest()


def _asked_px(size_px: int) -> int:
    """Return the next size that is kept, so that the server has few to draw."""
    return min(kept for kept in KEPT_PX if kept >= size_px)
