"""The system's clock."""

import time

from typing_extensions import override

from emoticon.domain.ports import Clock


class SystemClock(Clock):
    """Unix time of this machine."""

    @override
    def now_ms(self) -> int:
        return time.time_ns() // 1_000_000
