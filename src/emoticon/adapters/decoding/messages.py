"""What the service asks of a process that has one picture, and what it is told.

A message ends where its sender stops sending. A request is a line of JSON, then bytes: a process may trust the
service. An answer is one byte and what it stands for: the service trusts nobody who has seen a stranger's picture.
"""

import json
import struct
from dataclasses import asdict
from typing import Final, NamedTuple

from emoticon.adapters.decoding import refusals
from emoticon.adapters.decoding.headers import MIN_SIDE_PX, Kind
from emoticon.domain.errors import InvalidPicture
from emoticon.domain.models import Box

MAX_ANSWER_BYTES: Final = 4 * 2**20
"""A square of 1024 px with alpha; an answer that is longer is none."""

_DONE: Final = 0
_SHAPE: Final = struct.Struct("!HB")
_RGB, _RGBA = 3, 4


class Pixels(NamedTuple):
    """A square of 8-bit sRGB, with alpha when there are four bands. Asks for WebP made of it."""

    side_px: int
    bands: int
    data: bytes


class Decoding(NamedTuple):
    """Asks for the pixels of a picture: of the box, or where it is None of the square in the middle."""

    kind: Kind
    box: Box | None
    side_px: int
    data: bytes


Wish = Decoding | Pixels


def request(wish: Wish) -> bytes:
    """Return the message that asks for it."""
    if isinstance(wish, Pixels):
        head: dict[str, object] = {"bands": wish.bands}
    else:
        head = {"kind": wish.kind, "box": asdict(wish.box) if wish.box else None}
    line = json.dumps({**head, "side_px": wish.side_px}).encode()
    return line + b"\n" + wish.data


def wish(message: bytes) -> Wish:
    """Return what `request` was given. Raises ValueError or KeyError for a message that was cut off."""
    line, _, data = message.partition(b"\n")
    head = json.loads(line)
    if "bands" in head:
        return Pixels(head["side_px"], head["bands"], data)
    box = Box(**head["box"]) if head["box"] else None
    return Decoding(Kind(head["kind"]), box, head["side_px"], data)


def done(result: Pixels | bytes) -> bytes:
    """Return the answer that brings what was asked for."""
    if isinstance(result, Pixels):
        result = _SHAPE.pack(result.side_px, result.bands) + result.data
    return bytes([_DONE]) + result


def refused(error: InvalidPicture) -> bytes:
    """Return the answer that says why the picture is not taken."""
    return bytes([refusals.code(error.detail)])


def body(answer: bytes) -> bytes:
    """Return what an answer brings. Raises InvalidPicture for a refusal, and for an answer that is none."""
    if not answer or answer[0] != _DONE:
        raise InvalidPicture(refusals.sentence(answer[0] if answer else 0))
    return answer[1:]


def pixels(answer: bytes, side_px: int) -> Pixels:
    """Return the square of an answer, of at most `side_px`. Raises InvalidPicture for a refusal and what is none."""
    content = body(answer)
    shape, data = content[: _SHAPE.size], content[_SHAPE.size :]
    if len(shape) == _SHAPE.size:
        found_px, bands = _SHAPE.unpack(shape)
        if (
            MIN_SIDE_PX <= found_px <= side_px
            and bands in {_RGB, _RGBA}
            and len(data) == found_px**2 * bands
        ):
            return Pixels(found_px, bands, data)
    raise InvalidPicture(refusals.UNREADABLE)
