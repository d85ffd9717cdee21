"""Why a picture is not taken, as sentences for people and, between processes, as their place in a list."""

from typing import Final

UNREADABLE: Final = "This picture cannot be decoded"
TOO_LARGE: Final = "This picture has too many pixels"
TOO_SMALL: Final = "This picture has too few pixels"
TOO_MANY_FRAMES: Final = "This picture has too many frames"
BOX_OUTSIDE: Final = "The box is not in this picture"
TOO_LONG: Final = "This picture takes too long to decode"

_ALL: Final = (UNREADABLE, TOO_LARGE, TOO_SMALL, TOO_MANY_FRAMES, BOX_OUTSIDE, TOO_LONG)


def code(sentence: str) -> int:
    """Return the number, from 1, that stands for a sentence of this module."""
    return _ALL.index(sentence) + 1


def sentence(number: int) -> str:
    """Return the sentence of a number that a process has sent, which may be any."""
    return _ALL[number - 1] if 0 < number <= len(_ALL) else UNREADABLE
