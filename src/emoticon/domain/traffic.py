"""What is counted on the way of pictures through the tiers."""

from collections import defaultdict
from dataclasses import dataclass, field

from emoticon.domain.models import Format

RESULTS = ("hit", "miss", "unavailable")
"""What a search in a tier can come to."""


def _by_format() -> dict[Format, int]:
    return dict.fromkeys(Format, 0)


def _by_tier() -> dict[str, int]:
    return defaultdict(int)


@dataclass(slots=True)
class Traffic:
    """Counts since the start of this process."""

    hits: dict[str, dict[Format, int]] = field(default_factory=lambda: defaultdict(_by_format))
    """By tier and format."""
    misses: dict[str, int] = field(default_factory=_by_tier)
    unavailable: dict[str, int] = field(default_factory=_by_tier)
    joined: int = 0
    """Callers who waited for a search that another one had begun."""
    drawings: dict[Format, int] = field(default_factory=_by_format)
    drawing_s: dict[Format, float] = field(default_factory=lambda: dict.fromkeys(Format, 0.0))
    promotions: dict[str, int] = field(default_factory=_by_tier)
    """Pictures handed to an outer tier because admission or another node's turn asks for it."""
    dropped: int = 0
    """Deliveries that were not made, for too many were under way."""
    refused: int = 0
    """Callers who were told of a failure that was remembered."""
    turns_lost: int = 0
    """Drawings that waited for another node."""
    turns_waited_out: int = 0
    """Those of them that were made here in the end, for nothing had come."""
    barred: int = 0
    """Pictures that were not put, for their owner's were erased meanwhile."""

    @property
    def lookups(self) -> dict[tuple[str, str], int]:
        """Searches by tier and result, as far as there were any."""
        hits = {tier: sum(by_format.values()) for tier, by_format in self.hits.items()}
        counts = zip(RESULTS, (hits, self.misses, self.unavailable), strict=True)
        return {
            (tier, result): count for result, by_tier in counts for tier, count in by_tier.items()
        }

    @property
    def hit_ratio(self) -> float:
        """Pictures that some tier had, of those and the drawn ones; 0 when there were none."""
        found = sum(sum(by_format.values()) for by_format in self.hits.values())
        return found / max(1, found + sum(self.drawings.values()))

    @property
    def saved_s(self) -> float:
        """CPU seconds that hits have saved: an estimate, their number times the mean drawing of their format so far.

        A format that was not drawn yet in this process counts nothing.
        """
        return sum(
            by_format[drawn] * self.drawing_s[drawn] / count
            for by_format in self.hits.values()
            for drawn, count in self.drawings.items()
            if count
        )
