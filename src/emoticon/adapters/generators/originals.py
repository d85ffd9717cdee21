"""Uploaded pictures in the sizes and formats that are asked for."""

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Final

from typing_extensions import override

from emoticon.domain import blobs
from emoticon.domain.errors import (
    DrawingBusy,
    DrawingFailed,
    DrawingTimedOut,
    NoVector,
    OriginalsUnavailable,
    UnknownStyle,
)
from emoticon.domain.media import BlobStore, Generator, Rasteriser
from emoticon.domain.models import ORIGINAL, Drawing, Format, Look, Style
from emoticon.domain.workers import Workers

log = logging.getLogger(__name__)

_VERSION: Final = 1
_EDITION: Final = 1
"""Raised when a change of this module gives other bytes."""


class OriginalGenerator(Generator):
    """Reads an original and makes it smaller in `workers`, for at most `deadline_s` seconds with all waits.

    At most `most_reads` are read at once; one more is refused.
    """

    def __init__(
        self,
        store: BlobStore,
        rasteriser: Rasteriser,
        workers: Workers,
        *,
        deadline_s: float,
        most_reads: int,
    ) -> None:
        self._store = store
        self._rasteriser = rasteriser
        self._workers = workers
        self._deadline_s = deadline_s
        self._most_reads = most_reads
        self._reads = 0

    @property
    @override
    def version(self) -> int:
        return _VERSION

    @property
    @override
    def revision(self) -> str:
        return f"{ORIGINAL}+{self._rasteriser.revision}.{_EDITION}"

    @property
    @override
    def style_names(self) -> Sequence[str]:
        return ()

    @override
    def style(self, name: str) -> Style:
        raise UnknownStyle

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        if picture_format is Format.SVG:
            raise NoVector
        try:
            async with asyncio.timeout(self._deadline_s):
                data, read_ms = await self._read(look.original)
                body, took_ms = await self._workers.run(self._draw, data, size_px, picture_format)
        except TimeoutError:
            log.warning("an uploaded picture took longer than %g s", self._deadline_s)
            raise DrawingTimedOut from None
        # Read is a part of what it costs to have it again.
        return Drawing(body, read_ms + took_ms)

    async def _read(self, name: str) -> tuple[bytes, float]:
        if self._reads >= self._most_reads:
            raise DrawingBusy
        began_s = time.perf_counter()
        self._reads += 1
        try:
            data = await blobs.read(self._store, name)
        except OriginalsUnavailable as error:
            raise DrawingFailed(error.detail) from error
        finally:
            self._reads -= 1
        return data, (time.perf_counter() - began_s) * 1000

    def _draw(self, data: bytes, size_px: int, picture_format: Format) -> tuple[bytes, float]:
        began_s = time.perf_counter()
        body = self._rasteriser.resize(data, size_px, picture_format)
        return body, (time.perf_counter() - began_s) * 1000
