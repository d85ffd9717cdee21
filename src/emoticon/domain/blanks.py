"""Pictures with nothing on them."""

import struct
import zlib

from emoticon.domain import pictures
from emoticon.domain.models import Format, Picture

_SIGNATURE = b"\x89PNG\r\n\x1a\n"


def blank(size_px: int) -> Picture:
    """Return a transparent PNG of this size: one bit for each pixel and a palette whose one colour is transparent.

    Raises InvalidSize as `pictures.check_size` does.
    """
    side = pictures.check_size(size_px)
    line = bytes(1 + (side + 7) // 8)  # its filter, none, and its pixels
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", side, side, 1, 3, 0, 0, 0)),
        (b"PLTE", bytes(3)),
        (b"tRNS", bytes(1)),
        (b"IDAT", zlib.compress(line * side, 9)),
        (b"IEND", b""),
    )
    body = _SIGNATURE + b"".join(_chunk(name, data) for name, data in parts)
    return pictures.picture(body, Format.PNG, side)


def _chunk(name: bytes, data: bytes) -> bytes:
    """RFC 2083 section 3.2."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
