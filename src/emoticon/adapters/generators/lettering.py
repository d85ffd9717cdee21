"""Styles that write the first letters of the seed, with the fonts that come with the service."""

import re
from typing import Final

FONT_FAMILY: Final = "Noto Sans, system-ui, sans-serif"
"""The rasteriser has only the first; browsers, which show SVG with their own fonts, choose."""

LETTERED: Final = frozenset({"initial-face", "initials"})

_TEXTS = re.compile(r"<text[^>]*>([^<]*)</text>")
_EUROPEAN = "A-Z\u00aa-\u024f\u02bc\u0300-\u03e1\u03f0-\u052f\u1e00-\u1fff"
_EAST_ASIAN = (
    "\u3005\u3006\u3041-\u3094\u30a1-\u30f6\u30fc\u3105-\u3129\u3131-\u318e"
    "\u4e00-\u9fa5\uac00-\ud7a3\uf900-\ufa2d\uff21-\uff3a\uff66-\uff9d"
)
_LEGIBLE = re.compile(f"[{_EUROPEAN}{_EAST_ASIAN}]+")
"""Letters and marks of the fonts: Latin, Greek, Cyrillic; bopomofo, kana, Hangul, Han; as in `tools/subset-fonts`."""


def legible(svg: str) -> bool:
    """Say whether the drawing of a lettered style has letters, and the fonts have them all.

    Seeds of digits or emoji give none; letters of other scripts would be drawn as empty boxes.
    """
    texts = _TEXTS.findall(svg)
    return bool(texts) and all(_LEGIBLE.fullmatch(text) for text in texts)
