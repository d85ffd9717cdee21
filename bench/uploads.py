"""What it costs to decode uploads of 12 megapixels in processes of their own, beside libvips in one's own process."""

import asyncio
import multiprocessing
import os
import re
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from statistics import median
from typing import Any, Final

import pyvips

from bench.report import Report
from emoticon.adapters.decoding.decoder import ProcessDecoder

SIDE_PX: Final = 512
_WIDTH_PX, _HEIGHT_PX = 4000, 3000
_ROUNDS: Final = 7
_LOOK_S: Final = 0.003
_MB: Final = 2**20
_FORMATS: Final[dict[str, tuple[str, dict[str, Any]]]] = {
    "JPEG": (".jpg", {"Q": 85}),
    "JPEG, progressive": (".jpg", {"Q": 85, "interlace": True}),
    "PNG": (".png", {"compression": 6}),
    "WebP": (".webp", {"Q": 80, "effort": 0}),
    "GIF": (".gif", {"effort": 1}),
    "AVIF": (".avif", {"Q": 50, "effort": 0}),
}


def run() -> Report:
    """Decode each format by turns here and there."""
    return asyncio.run(_measure())


async def _measure() -> Report:
    photo = _photo()
    decoder = ProcessDecoder(deadline_s=60, cpu_s=60)
    rows = []
    for name, (suffix, options) in _FORMATS.items():
        data = photo.write_to_buffer(suffix, **options)
        ours_ms, naive_ms = [], []
        # A new process for each format, for memory that was taken once is kept.
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as naive:
            before_bytes = naive.submit(_warm).result()
            peaks: list[int] = []
            watching = asyncio.create_task(_watch(peaks))
            await decoder.decode(data, None, side_px=SIDE_PX)
            watching.cancel()
            for _ in range(_ROUNDS):
                start = time.perf_counter()
                await decoder.decode(data, None, side_px=SIDE_PX)
                ours_ms.append(1000 * (time.perf_counter() - start))
                took_ms, most_bytes = naive.submit(_decode_here, data).result()
                naive_ms.append(took_ms)
        rows.append(
            [
                name,
                f"{len(data) / 1e6:.1f}",
                f"{median(ours_ms):.0f}",
                f"{median(naive_ms):.0f}",
                f"{median(ours_ms) / median(naive_ms):.2f}",
                f"{max(peaks) / _MB:.0f}",
                f"{(most_bytes - before_bytes) / _MB:.0f}",
            ]
        )
    await decoder.aclose()
    return Report(
        "Uploads",
        f"A picture of {_WIDTH_PX} x {_HEIGHT_PX} px like a photo becomes WebP of {SIDE_PX} px, one at a time, median"
        f" of {_ROUNDS}. Ours: one process decodes, another makes WebP, both forked for the picture, confined, and"
        " nicer than other work, so the ratio is that of a machine with nothing else to do. The baseline:"
        " libvips' thumbnail in the own process, where a fault of a decoder is one of the service. Memory: the most"
        " that a process of a picture had, and how much the baseline's process grew, and stayed.",
        (
            "format",
            "MB",
            "ours, ms",
            "in process, ms",
            "ratio",
            "ours, MB until it ends",
            "in process, MB for good",
        ),
        rows,
    )


async def _watch(peaks: list[int]) -> None:
    """Note the most memory of the processes that have a picture: children of the nursery, which is a child of ours."""
    while True:
        for nursery in _children(os.getpid()):
            peaks.extend(_peak_bytes(child) for child in _children(nursery))
        await asyncio.sleep(_LOOK_S)


def _children(process_id: int) -> list[int]:
    listed = Path(f"/proc/{process_id}/task/{process_id}/children").read_text(encoding="ascii")
    return [int(number) for number in listed.split()]


def _peak_bytes(process_id: int | str) -> int:
    """Return the most memory that a process had so far; 0 for one that has ended."""
    try:
        status = Path(f"/proc/{process_id}/status").read_text(encoding="ascii")
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return 1024 * sum(int(found) for found in re.findall(r"VmHWM:\s+(\d+) kB", status))


def _photo() -> Any:
    """Return soft shapes under noise, which compress about as photos do."""
    bands = [
        pyvips.Image.perlin(_WIDTH_PX, _HEIGHT_PX, cell_size=64 << band, seed=band)
        .linear(90, 128)
        .add(pyvips.Image.gaussnoise(_WIDTH_PX, _HEIGHT_PX, sigma=4, mean=0, seed=9 + band))
        .cast("uchar")
        for band in range(3)
    ]
    return bands[0].bandjoin(bands[1:]).copy(interpretation="srgb").copy_memory()


def _warm() -> int:
    """Load libvips in the baseline's process; return its memory."""
    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    return _peak_bytes("self")


def _decode_here(data: bytes) -> tuple[float, int]:
    """Decode as one would without a second thought; return the milliseconds and the most memory so far."""
    start = time.perf_counter()
    image = pyvips.Image.thumbnail_buffer(data, SIDE_PX, height=SIDE_PX, crop="centre")
    image.webpsave_buffer(Q=90, effort=2)
    return 1000 * (time.perf_counter() - start), _peak_bytes("self")
