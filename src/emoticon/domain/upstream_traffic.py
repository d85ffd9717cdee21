"""What is counted of another service that draws."""

from dataclasses import dataclass, field

OUTCOMES = ("drawn", "failed", "timed_out", "busy", "left_alone")
"""What a drawing there can come to; the last two without a request."""


@dataclass(slots=True)
class UpstreamTraffic:
    """Counts since the start of this process."""

    drawings: dict[str, int] = field(default_factory=lambda: dict.fromkeys(OUTCOMES, 0))
    """By outcome."""
    retries: int = 0
    """Requests that were sent a second time."""
    available: bool = True
    """False while it is left alone after failures."""
