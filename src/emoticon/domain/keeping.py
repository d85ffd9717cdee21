"""What tiers keep pictures under, and what they say of it."""

from dataclasses import dataclass
from typing import NamedTuple


class Label(NamedTuple):
    """What a picture is kept under. Made by `emoticon.domain.pictures.label` for every request, hence a tuple."""

    key: bytes
    """16 bytes; equal for all who look the same."""
    owner: int = 0
    """Account id, 0 for nobody."""
    style_tag: int = 0
    """Stands for the style, see `emoticon.domain.pictures.style_tag`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture as it was found by whoever looks a tier through; `ref` is how that tier finds it again.

    What is not `intact` may have any other value here.
    """

    ref: bytes
    label: Label
    drawn_at_s: int
    size_bytes: int
    intact: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a tier is; None is not known. `limit_bytes` 0 is without a limit."""

    pictures: int | None
    used_bytes: int
    limit_bytes: int


@dataclass(slots=True)
class TierFigures:
    """Counts since this process opened a tier. `used_bytes` is None where only the tier's server knows."""

    writes: int = 0
    dropped: int = 0
    """Not written: too many waited, too large, no room, not available."""
    evicted: int = 0
    damaged: int = 0
    """Read and found not to be as it was written."""
    used_bytes: int | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Erasure:
    """All pictures of an account are to go. Numbers grow in the order in which erasures become visible."""

    number: int
    owner: int


@dataclass(frozen=True, slots=True)
class ErasureLog:
    """What a store has of erasures: numbers of the oldest and newest, and of the newest that is settled; 0 is none."""

    oldest: int
    newest: int
    settled: int
