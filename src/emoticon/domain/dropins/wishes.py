"""What anybody may ask for without an account, in the words of this service."""

import re
from dataclasses import dataclass

from emoticon.domain.errors import InvalidSize
from emoticon.domain.models import Format, Look
from emoticon.domain.pictures import MAX_PX, MIN_PX, check_size
from emoticon.domain.styles import Catalogue

_WHOLE = re.compile("[0-9]{1,20}")
_PLAIN = re.compile("[1-9][0-9]{0,3}")
_NOT_WHOLE = "A size is a whole number of pixels in plain digits"


@dataclass(frozen=True, slots=True)
class Wish:
    """A picture of a look that belongs to nobody."""

    look: Look
    size_px: int
    format: Format


def exact_size(text: str) -> int:
    """Return the size that this says; there is one way to write each. Raises InvalidSize as `check_size` does."""
    if not _PLAIN.fullmatch(text):
        raise InvalidSize(_NOT_WHOLE)
    return check_size(int(text))


def nearest_size(text: str, default_px: int) -> int:
    """Return the size that is drawn for what a client of another service writes, `default_px` for nothing.

    Those services have other bounds, so a size beyond ours is the nearest of ours.

    Raises:
        InvalidSize: it is no whole number in plain digits.
    """
    if not text:
        return default_px
    if not _WHOLE.fullmatch(text):
        raise InvalidSize(_NOT_WHOLE)
    return min(max(int(text), MIN_PX), MAX_PX)


def first_choice(catalogue: Catalogue, style: str) -> str:
    """Return the style, or the default one where it may not be chosen."""
    return style if style in catalogue.names else catalogue.default_style
