"""What a drawing costs, style by style: composing the SVG against turning it into pixels."""

import asyncio
import time
from statistics import median

from bench.report import Report, percentile
from emoticon.domain.models import Format, Look
from emoticon.settings import Settings
from emoticon.wiring import open_studio

SEEDS = 10
SIZE_PX = 128
CASES = {"SVG": Format.SVG, "PNG": Format.PNG, "WebP": Format.WEBP, "AVIF": Format.AVIF}


async def measure() -> list[list[str]]:
    """Return a row for each format, over all styles; the formats alternate within each style."""
    took_ms: dict[str, dict[str, float]] = {name: {} for name in CASES}
    sizes: dict[str, list[int]] = {name: [] for name in CASES}
    async with open_studio(Settings(draw_threads=1)) as studio:
        for style in studio.generator.style_names:
            await studio.generator.draw(Look(style, "warm"), SIZE_PX, Format.SVG)
            samples: dict[str, list[float]] = {name: [] for name in CASES}
            for number in range(SEEDS):
                for name, picture_format in CASES.items():
                    began = time.perf_counter()
                    drawing = await studio.generator.draw(
                        Look(style, f"seed {number}"), SIZE_PX, picture_format
                    )
                    samples[name].append((time.perf_counter() - began) * 1000)
                    sizes[name].append(len(drawing.body))
            for name, values in samples.items():
                took_ms[name][style] = median(values)
    rows = []
    baseline = median(took_ms["SVG"].values())
    for name, by_style in took_ms.items():
        values = list(by_style.values())
        slowest = max(by_style, key=lambda style: by_style[style])
        rows.append(
            [
                name,
                f"{median(values):.2f}",
                f"{median(values) / baseline:.1f}",
                f"{percentile(values, 0.9):.2f}",
                f"{by_style[slowest]:.1f} ({slowest})",
                f"{sum(sizes[name]) / len(sizes[name]):.0f}",
            ]
        )
    return rows


def run() -> Report:
    """Measure in this process."""
    return Report(
        f"Drawing a picture of {SIZE_PX} px",
        f"61 styles, {SEEDS} seeds each, one thread, wall time in ms; of each style the median counts. The baseline is"
        " the SVG, which every other format starts from.",
        ["format", "median", "to SVG", "p90", "slowest style", "mean bytes"],
        asyncio.run(measure()),
    )


if __name__ == "__main__":
    print(run().markdown())
