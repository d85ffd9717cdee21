"""The system's clock."""

import time

from typing_extensions import override

from emoticon.domain.ports import Clock

# Linux' CLOCK_MONOTONIC stands still while the machine sleeps, so a node would wake up trusting what it knew.
_ELAPSED = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock(Clock):
    """Time of this machine."""

    @override
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000

    @override
    def elapsed_ms(self) -> int:
        return time.clock_gettime_ns(_ELAPSED) // 1_000_000
