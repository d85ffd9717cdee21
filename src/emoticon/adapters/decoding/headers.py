"""What a picture is, by its first bytes: the format, and how large it says it is. Nothing is decoded.

The work is bounded whatever the bytes are: every walk has a greatest number of steps. What a header says is checked
again when the picture is opened, since a decoder may understand it in another way.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from enum import StrEnum
from typing import Final, NamedTuple

from emoticon.adapters.decoding import refusals
from emoticon.domain.errors import InvalidPicture, UnsupportedPicture

MIN_SIDE_PX: Final = 16
MAX_SIDE_PX: Final = 16_384
MAX_PIXELS: Final = 25_000_000

_MAX_STEPS: Final = 512
"""JPEG segments, or AVIF boxes in one box. A camera writes about ten, with a large colour profile fifty."""


class Kind(StrEnum):
    """The formats that are taken."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"
    GIF = "gif"
    AVIF = "avif"


class Header(NamedTuple):
    """What a picture says of itself. The sides are as stored, before it is turned upright."""

    kind: Kind
    width_px: int
    height_px: int


def read(data: bytes) -> Header:
    """Return the header of a picture whose size can be taken.

    Raises:
        UnsupportedPicture: the first bytes are of no format that is taken.
        InvalidPicture: they are, but the header is broken, or the size is out of bounds.

    """
    kind = _kind(data)
    try:
        width_px, height_px = _SIZES[kind](data)
    except (struct.error, IndexError):
        raise InvalidPicture(refusals.UNREADABLE) from None
    check(width_px, height_px)
    return Header(kind, width_px, height_px)


def check(width_px: int, height_px: int) -> None:
    """Raise InvalidPicture when a picture of this size is not taken."""
    if max(width_px, height_px) > MAX_SIDE_PX or width_px * height_px > MAX_PIXELS:
        raise InvalidPicture(refusals.TOO_LARGE)
    if min(width_px, height_px) < MIN_SIDE_PX:
        raise InvalidPicture(refusals.TOO_SMALL)


def _kind(data: bytes) -> Kind:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return Kind.PNG
    if data.startswith(b"\xff\xd8\xff"):
        return Kind.JPEG
    if data.startswith(b"RIFF") and data[8:12] == b"WEBP":
        return Kind.WEBP
    if data.startswith((b"GIF87a", b"GIF89a")):
        return Kind.GIF
    if data[4:8] == b"ftyp" and not _AVIF_BRANDS.isdisjoint(_brands(data)):
        return Kind.AVIF
    raise UnsupportedPicture


def _png_size(data: bytes) -> tuple[int, int]:
    length, name, width_px, height_px = struct.unpack_from("!I4sII", data, 8)
    (checksum,) = struct.unpack_from("!I", data, 29)
    if (length, name) != (13, b"IHDR") or checksum != zlib.crc32(data[12:29]):
        raise InvalidPicture(refusals.UNREADABLE)
    return width_px, height_px


_ALONE: Final = {0x01, *range(0xD0, 0xD8)}
"""JPEG markers without a segment."""
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of the segment that has the size."""
_SCAN, _END, _FILL = 0xDA, 0xD9, 0xFF


def _jpeg_size(data: bytes) -> tuple[int, int]:
    position = 2
    for _ in range(_MAX_STEPS):
        prefix, marker = data[position], data[position + 1]
        if prefix != _FILL or marker in {_SCAN, _END}:
            break
        if marker in _FRAMES:
            height_px, width_px = struct.unpack_from("!HH", data, position + 5)
            return width_px, height_px
        if marker == _FILL:
            position += 1
        elif marker in _ALONE:
            position += 2
        else:
            position += 2 + struct.unpack_from("!H", data, position + 2)[0]
    raise InvalidPicture(refusals.UNREADABLE)


def _webp_size(data: bytes) -> tuple[int, int]:
    chunk = data[12:16]
    if chunk == b"VP8X":
        _check_frames(data)
        low_width, high_width, low_height, high_height = struct.unpack_from("<HBHB", data, 24)
        return (high_width << 16 | low_width) + 1, (high_height << 16 | low_height) + 1
    if chunk == b"VP8L" and data[20] == _LOSSLESS_SIGNATURE:
        (bits,) = struct.unpack_from("<I", data, 21)
        return (bits & _14_BITS) + 1, (bits >> 14 & _14_BITS) + 1
    if chunk == b"VP8 " and data[23:26] == b"\x9d\x01\x2a":
        width_px, height_px = struct.unpack_from("<HH", data, 26)
        return width_px & _14_BITS, height_px & _14_BITS
    raise InvalidPicture(refusals.UNREADABLE)


def _check_frames(data: bytes) -> None:
    """Refuse a WebP of very many frames: libvips walks from the first to each of them before it gives one."""
    position = _WEBP_CHUNKS
    for _ in range(_MAX_FRAMES):
        if position + _HEADER_BYTES > len(data):
            return
        (length,) = struct.unpack_from("<I", data, position + 4)
        position += _HEADER_BYTES + length + length % 2
    raise InvalidPicture(refusals.TOO_MANY_FRAMES)


_WEBP_CHUNKS, _MAX_FRAMES = 12, 1000
_LOSSLESS_SIGNATURE: Final = 0x2F
_14_BITS: Final = 0x3FFF


def _gif_size(data: bytes) -> tuple[int, int]:
    width_px, height_px = struct.unpack_from("<HH", data, 6)
    return width_px, height_px


_AVIF_BRANDS: Final = {b"avif", b"avis"}
_HEADER_BYTES, _LARGE_HEADER_BYTES, _VERSION_BYTES = 8, 16, 4
_WAY_TO_SIZES: Final = ((b"meta", 0), (b"iprp", _VERSION_BYTES), (b"ipco", 0))
"""Boxes, one in the other, and what is to be skipped before the first box in the one before."""


def _brands(data: bytes) -> set[bytes]:
    """Return the brands of a file of the ISO base media kind, of which HEIC is one too."""
    end = min(int.from_bytes(data[:4]), len(data), 4 * _MAX_STEPS)
    return {data[8:12], *(data[start : start + 4] for start in range(16, end, 4))}


def _avif_size(data: bytes) -> tuple[int, int]:
    """Return the largest of the sizes that the file declares: of the picture, its tiles, its alpha channel."""
    content, end = 0, len(data)
    for name, skipped_bytes in _WAY_TO_SIZES:
        content, end = next(_boxes(data, name, content + skipped_bytes, end), (end, end))
    sizes = [
        struct.unpack_from("!II", data, size + _VERSION_BYTES)
        for size, _ in _boxes(data, b"ispe", content, end)
    ]
    if not sizes:
        raise InvalidPicture(refusals.UNREADABLE)
    width_px, height_px = max(sizes, key=lambda size: size[0] * size[1])
    return width_px, height_px


def _boxes(data: bytes, name: bytes, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield where the content of each box of a name begins and ends."""
    for _ in range(_MAX_STEPS):
        if start + _HEADER_BYTES > end:
            return
        length, found = struct.unpack_from("!I4s", data, start)
        content = start + _HEADER_BYTES
        if length == 1:
            (length,) = struct.unpack_from("!Q", data, content)
            content = start + _LARGE_HEADER_BYTES
        box_end = min(start + length, end) if length else end
        if box_end < content:
            return
        if found == name:
            yield content, box_end
        start = box_end


_SIZES: Final[dict[Kind, Callable[[bytes], tuple[int, int]]]] = {
    Kind.PNG: _png_size,
    Kind.JPEG: _jpeg_size,
    Kind.WEBP: _webp_size,
    Kind.GIF: _gif_size,
    Kind.AVIF: _avif_size,
}
