"""Decodes each picture in a process of its own, and makes WebP of its pixels in another one."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

from typing_extensions import override

from emoticon.adapters.decoding import headers, messages, refusals
from emoticon.adapters.decoding.keeper import Keeper, NurseryLost
from emoticon.adapters.decoding.messages import Decoding
from emoticon.domain.errors import InvalidPicture, UploadsBusy
from emoticon.domain.media import ImageDecoder
from emoticon.domain.models import Box

log = logging.getLogger(__name__)

_NURSERY: Final = (sys.executable, "-I", "-m", "emoticon.adapters.decoding.nursery")


class ProcessDecoder(ImageDecoder):
    """Starts its nursery with the first picture, and again whenever it has ended.

    Args:
        at_once: how many pictures are decoded side by side.
        waiting: how many more may wait for that.
        memory_bytes: what one picture may take. At 25 megapixels JPEG takes 64 MB, or 320 where it is progressive, PNG
            350, GIF 256, lossy WebP 256, lossless 400, AVIF 450, and 640 where it has ten bits of every colour. With a
            small box lossless WebP takes 700.
        cpu_s: seconds of computing that one picture may take.
        deadline_s: seconds of any kind; longer, as what is over by then is the machine's fault.
        environment: of the processes. They need none.
        nursery: the command that starts the nursery.

    """

    def __init__(
        self,
        *,
        at_once: int = 2,
        waiting: int = 8,
        memory_bytes: int = 640 * 2**20,
        cpu_s: int = 4,
        deadline_s: float = 5.0,
        environment: Mapping[str, str] | None = None,
        nursery: Sequence[str] = _NURSERY,
    ) -> None:
        self._most = at_once + waiting
        self._under_way = 0
        self._slots = asyncio.Semaphore(at_once)
        self._command = (*nursery, str(memory_bytes), str(cpu_s))
        self._environment = environment or {}
        self._deadline_s = deadline_s
        self._starting = asyncio.Lock()
        self._keeper: Keeper | None = None
        self._closed = False

    @override
    async def decode(self, data: bytes, box: Box | None, *, side_px: int) -> bytes:
        header = headers.read(data)
        async with self._turn():
            wish = Decoding(header.kind, box, side_px, data)
            try:
                keeper = await self._nursery()
                async with asyncio.timeout(self._deadline_s):
                    pixels = messages.pixels(await _ask(keeper, wish), side_px)
                    return messages.body(await _ask(keeper, pixels))
            except TimeoutError:
                log.warning("a picture was not decoded within %s s", self._deadline_s)
                raise UploadsBusy from None
            except NurseryLost as error:
                raise UploadsBusy from error

    @override
    async def aclose(self) -> None:
        self._closed = True
        async with self._starting:
            if self._keeper is not None:
                await self._keeper.aclose()

    @asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        if self._under_way >= self._most:
            raise UploadsBusy
        self._under_way += 1
        try:
            async with self._slots:
                yield
        finally:
            self._under_way -= 1

    async def _nursery(self) -> Keeper:
        async with self._starting:
            if self._closed:
                raise NurseryLost
            if self._keeper is None or not self._keeper.alive:
                if self._keeper is not None:
                    await self._keeper.aclose()
                self._keeper = await Keeper.start(self._command, self._environment)
            return self._keeper


async def _ask(keeper: Keeper, wish: messages.Wish) -> bytes:
    """Return the answer of a process that ended as it should."""
    answer, status = await keeper.run(messages.request(wish))
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGKILL:
        log.warning("a process that decodes was killed: does the machine run out of memory?")
        raise UploadsBusy
    if code:
        log.info("a picture has ended its process: %d", code)
        raise InvalidPicture(refusals.TOO_LONG if code == -signal.SIGXCPU else refusals.UNREADABLE)
    return answer
