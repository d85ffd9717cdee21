"""How long drawings take, by what was seen so far."""

from collections import OrderedDict
from typing import Final

from emoticon.domain.models import Format

_MEMORY: Final = 8
"""A new time weighs at least an eighth, so that a first one with the loading of a style does not stay."""


class DrawingTimes:
    """Running means by style, format and size, of the `most` such that were drawn last."""

    def __init__(self, *, most: int = 4096) -> None:
        self._most = most
        self._means: OrderedDict[tuple[str, Format, int], tuple[float, int]] = OrderedDict()

    def add(self, style: str, picture_format: Format, size_px: int, took_ms: float) -> None:
        """Note a drawing."""
        kind = (style, picture_format, size_px)
        mean_ms, count = self._means.pop(kind, (0.0, 0))
        count = min(count + 1, _MEMORY)
        self._means[kind] = (mean_ms + (took_ms - mean_ms) / count, count)
        if len(self._means) > self._most:
            self._means.popitem(last=False)

    def expected_ms(self, style: str, picture_format: Format, size_px: int) -> float:
        """Return the mean, 0 for what was not drawn yet."""
        return self._means.get((style, picture_format, size_px), (0.0, 0))[0]
