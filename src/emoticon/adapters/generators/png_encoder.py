"""PNG from pixels (PNG 3rd edition, sections 5, 7 and 11): true colour, no filters, nothing but the pixels.

For small pictures, which libvips hands from thread to thread for longer than it compresses them. Compressing releases
the GIL.
"""

import struct
import zlib
from typing import Final

REVISION: Final = f"z{zlib.ZLIB_RUNTIME_VERSION}"
"""Another compressor gives other bytes for the same pixels."""

_LEVEL: Final = 6
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_COLOUR_TYPES: Final = {1: 0, 2: 4, 3: 2, 4: 6}
_NO_FILTER: Final = b"\0"


def encode(pixels: bytes, width_px: int, height_px: int, bands: int) -> bytes:
    """Return the PNG of pixels with `bands` bytes each (grey, grey and alpha, RGB, RGBA), row by row from the top."""
    stride = width_px * bands
    rows = (pixels[at : at + stride] for at in range(0, height_px * stride, stride))
    data = zlib.compress(_NO_FILTER + _NO_FILTER.join(rows), _LEVEL)
    header = struct.pack(">IIBBBBB", width_px, height_px, 8, _COLOUR_TYPES[bands], 0, 0, 0)
    chunks = (_chunk(b"IHDR", header), _chunk(b"IDAT", data), _chunk(b"IEND", b""))
    return b"".join([_SIGNATURE, *chunks])


def _chunk(kind: bytes, data: bytes) -> bytes:
    check = zlib.crc32(data, zlib.crc32(kind))
    return b"".join([struct.pack(">I", len(data)), kind, data, struct.pack(">I", check)])
