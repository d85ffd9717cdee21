"""`python -m tests.adapters.decoding.hostile N [SEED]`: N hostile uploads through the real decoder.

Every answer has to be a small square WebP without anything of what was sent but pixels, or one of the three errors.
Prints what came of them, the time, and the most memory that this process, the nursery and its children had. Ends with
status 1 when an answer is anything else.
"""

import asyncio
import os
import re
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import pyvips
from tests.adapters.decoding import bombs
from tests.adapters.decoding.corpus import uploads
from tests.adapters.decoding.samples import MARKER

from emoticon.adapters.decoding.decoder import ProcessDecoder
from emoticon.domain.errors import InvalidPicture, UnsupportedPicture, UploadsBusy

SIDE_PX = 128
_AT_ONCE = 2
_LOOK_S = 0.01
_CHUNKS = {b"VP8 ", b"VP8L", b"VP8X", b"ALPH"}


@dataclass
class Outcome:
    """What came of the uploads."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    slowest_ms: dict[str, float] = field(default_factory=dict)
    most_rss_bytes: Counter[str] = field(default_factory=Counter)


def fault(answer: bytes, side_px: int) -> str | None:
    """Say what is wrong with an answer, None when it is a square WebP with pixels alone."""
    if MARKER in answer:
        return "the marker is in it"
    if not answer.startswith(b"RIFF") or answer[8:12] != b"WEBP":
        return "it is no WebP"
    if int.from_bytes(answer[4:8], "little") + 8 != len(answer):
        return "there is something behind its end"
    strange = set(_chunks(answer)) - _CHUNKS
    if strange:
        return f"it has {strange}"
    image = pyvips.Image.webpload_buffer(answer)
    if image.width != image.height or not 16 <= image.width <= side_px:
        return f"it is {image.width} x {image.height}"
    image.avg()
    return None


def _chunks(answer: bytes) -> Iterator[bytes]:
    place = 12
    while place < len(answer):
        yield answer[place : place + 4]
        length = int.from_bytes(answer[place + 4 : place + 8], "little")
        place += 8 + length + length % 2


async def run(decoder: ProcessDecoder, count: int, seed: int) -> Outcome:
    """Send uploads, two at a time."""
    outcome = Outcome()
    bombs.bombs()  # Making them takes seconds, in which nothing else would happen.
    corpus = islice(uploads(seed), count)

    async def send() -> None:
        for name, data in corpus:
            start = time.perf_counter()
            try:
                found = fault(await decoder.decode(data, None, side_px=SIDE_PX), SIDE_PX)
                outcome.counts["pictures"] += 1
                if found:
                    outcome.faults.append(f"{name}: {found}")
            except (UnsupportedPicture, InvalidPicture, UploadsBusy) as error:
                outcome.counts[error.code] += 1
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what is looked for
                outcome.faults.append(f"{name}: {error!r}")
            outcome.slowest_ms[name] = 1000 * (time.perf_counter() - start)

    watching = asyncio.create_task(_watch(outcome))
    await asyncio.gather(*(send() for _ in range(_AT_ONCE)))
    watching.cancel()
    with suppress(asyncio.CancelledError):
        await watching
    slowest = sorted(outcome.slowest_ms.items(), key=lambda item: -item[1])[:5]
    outcome.slowest_ms = dict(slowest)
    return outcome


async def _watch(outcome: Outcome) -> None:
    while True:
        await asyncio.sleep(_LOOK_S)
        _note(outcome, "service", os.getpid())
        for nursery in _children(os.getpid()):
            _note(outcome, "nursery", nursery)
            for child in _children(nursery):
                _note(outcome, "child", child)


def _note(outcome: Outcome, name: str, process_id: int) -> None:
    """Take down the most memory that a process had so far, if it is still there."""
    with suppress(FileNotFoundError, ProcessLookupError):
        status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
        for peak in re.findall(r"VmHWM:\s+(\d+) kB", status):
            most_bytes = outcome.most_rss_bytes[name]
            outcome.most_rss_bytes[name] = max(most_bytes, 1024 * int(peak))


def _children(process_id: int) -> list[int]:
    with suppress(FileNotFoundError, ProcessLookupError):
        path = Path(f"/proc/{process_id}/task/{process_id}/children")
        return [int(number) for number in path.read_text(encoding="ascii").split()]
    return []


async def _main(count: int, seed: int) -> int:
    decoder = ProcessDecoder()
    start = time.perf_counter()
    outcome = await run(decoder, count, seed)
    seconds = time.perf_counter() - start
    await decoder.aclose()
    left = _children(os.getpid())
    lines = (
        f"{count} uploads, seed {seed}, {seconds:.0f} s, {count / seconds:.0f} a second",
        f"answers: {dict(outcome.counts)}",
        f"slowest, ms: { {name: round(ms) for name, ms in outcome.slowest_ms.items()} }",
        f"most RSS, MB: { {name: rss >> 20 for name, rss in outcome.most_rss_bytes.items()} }",
        f"processes left: {len(left)}",
        f"faults: {len(outcome.faults)}",
        *outcome.faults[:20],
    )
    sys.stdout.write("\n".join((*lines, "")))
    return 1 if outcome.faults or left else 0


if __name__ == "__main__":
    sys.exit(asyncio.run(_main(int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 1)))
