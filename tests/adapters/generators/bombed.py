"""`python -m tests.adapters.generators.bombed TEMPLATE...` asks hostile services and says what it took, in KiB."""

import asyncio
import re
import sys
from dataclasses import replace
from pathlib import Path

from tests.adapters.generators.asking import LOOK, asking

from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingFailed, DrawingTimedOut
from emoticon.domain.models import Format

AT_ONCE = 8


def peak_kb() -> int:
    """Return the most memory so far; `getrusage` would count that of the process before this one, too."""
    (peak,) = re.findall(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    return int(peak)


async def main(templates: list[str]) -> None:
    empty = b"<svg xmlns='http://www.w3.org/2000/svg' width='9' height='9'/>"
    VipsRasteriser().rasterise(empty, 9, Format.PNG, lossless=True)  # loads what is no growth
    before_kb = peak_kb()
    for template in templates:
        async with asking(template, deadline_s=0.5, failures=1000) as use:
            looks = [replace(LOOK, seed=str(number)) for number in range(AT_ONCE)]
            ends = await asyncio.gather(*map(use.png, looks), return_exceptions=True)
        assert all(isinstance(end, DrawingFailed | DrawingTimedOut) for end in ends), ends
    sys.stdout.write(str(peak_kb() - before_kb))


asyncio.run(main(sys.argv[1:]))
