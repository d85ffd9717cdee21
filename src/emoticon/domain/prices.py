"""What pictures cost by the month: measured bytes and milliseconds, times prices that are assumptions."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from emoticon.domain.models import Format
from emoticon.domain.pictures import DEFAULT_PX

MONTH_S: Final = 30 * 86400
_GB: Final = 1e9

# Measured with bodies of the sizes of real PNGs of 128 px, 3352 bytes on average (docs/benchmarks.md): Valkey takes
# 3814 bytes under a key of its own, 3842 in the hash of its owner, as the shared tier keeps it; the disk tier 4119.
VALKEY_ENTRY_BYTES: Final = 462
SHARED_ENTRY_BYTES: Final = 490
DISK_FACTOR: Final = 4119 / 3352
BODY_BYTES: Final[Mapping[Format, int]] = {
    Format.PNG: 3352,
    Format.SVG: 4412,
    Format.WEBP: 1821,
    Format.AVIF: 1518,
}
"""Mean of all styles at 128 px, like DRAW_MS from docs/benchmarks.md."""
DRAW_MS: Final[Mapping[Format, float]] = {
    Format.PNG: 3.33,
    Format.SVG: 1.18,
    Format.WEBP: 3.83,
    Format.AVIF: 10.26,
}
HIT_US: Final[Mapping[str, float]] = {"memory": 2.0, "shared": 65.0, "disk": 175.0}
"""CPU time of a hit by tier, with its verification, without what every request costs."""


@dataclass(frozen=True, slots=True)
class Prices:
    """Assumptions, in any currency, to be replaced by the reader's own. Decimal GB; replicas are not included."""

    ram_gb_month: float = 4.0
    ssd_gb_month: float = 0.10
    vcpu_month: float = 20.0
    busy_share: float = 0.3
    """How much of the processors that are paid for is used on average; the rest is for peaks."""

    @property
    def cpu_s(self) -> float:
        """The price of a second of CPU time."""
        return self.vcpu_month / (MONTH_S * self.busy_share)


@dataclass(frozen=True, slots=True)
class Bill:
    """A month."""

    ram: float
    disk: float
    cpu: float

    @property
    def total(self) -> float:
        """All of it."""
        return self.ram + self.disk + self.cpu


def bill(prices: Prices, *, ram_bytes: float, disk_bytes: float, cpu_s: float) -> Bill:
    """Return what room, and seconds of CPU time within a month, cost."""
    return Bill(
        ram_bytes / _GB * prices.ram_gb_month,
        disk_bytes / _GB * prices.ssd_gb_month,
        cpu_s * prices.cpu_s,
    )


def cpu_s(hits: Mapping[str, float], drawings: float, draw_ms: float) -> float:
    """Return the CPU seconds of so many hits by tier and so many drawings."""
    return drawings * draw_ms / 1000 + sum(HIT_US[tier] * n for tier, n in hits.items()) / 1e6


def break_even(prices: Prices, *, kept_bytes: float, gb_month: float, saved_us: float) -> float:
    """Return from how many requests a month on a place for a picture costs less than the CPU time it saves."""
    return kept_bytes / _GB * gb_month / (saved_us / 1e6 * prices.cpu_s)


def body_bytes(size_px: int, picture_format: Format) -> int:
    """Return the mean size of a picture. Files of pixels grow with the width, SVG is the same for every size."""
    at_default = BODY_BYTES[picture_format]
    if picture_format is Format.SVG:
        return at_default
    return max(1, round(at_default * size_px / DEFAULT_PX))
