"""PNG as strangers send it (PNG 3rd edition, sections 5 and 11)."""

import struct
import zlib
from typing import Final

MOST_PX: Final = 1024
"""The longest side that is taken."""

_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_LENGTH: Final = struct.Struct(">I")
_KIND_AND_CHECK: Final = 8
_HEADER: Final = struct.Struct(">II5x")
_FIRST: Final = b"IHDR"
_LAST: Final = b"IEND"
_PIXELS: Final = frozenset({_FIRST, b"PLTE", b"tRNS", b"IDAT", _LAST})


class NotPng(Exception):
    """The bytes are no PNG that is taken; says why."""


def pixels_only(data: bytes) -> bytes:
    """Return the PNG with nothing in it but what its pixels need: no text, profile, animation, nothing after its end.

    What is left out is also what could be unpacked to a multiple of its size.

    Raises:
        NotPng: it is none, is damaged or cut off, is not square, or a side is longer than MOST_PX. Whether the pixels
            can be decoded only a decoder can tell.

    """
    if not data.startswith(_SIGNATURE):
        raise NotPng("no PNG")
    kept = [_SIGNATURE]
    at = len(_SIGNATURE)
    kind = b""
    while kind != _LAST:
        kind, chunk = _chunk(data, at)
        if (at == len(_SIGNATURE)) != (kind == _FIRST):
            raise NotPng("a PNG without a header")
        if kind == _FIRST:
            _check_size(chunk)
        if kind in _PIXELS:
            kept.append(chunk)
        elif not kind[0] & 0x20:  # capital: it has to be understood
            raise NotPng("a PNG with parts of another format")
        at += len(chunk)
    return b"".join(kept)


def _chunk(data: bytes, at: int) -> tuple[bytes, bytes]:
    """Return the kind of a chunk, and all of it."""
    if len(data) < at + _LENGTH.size:
        raise NotPng("a PNG that was cut off")
    (length,) = _LENGTH.unpack_from(data, at)
    body_at = at + _LENGTH.size
    end = body_at + length + _KIND_AND_CHECK
    if len(data) < end:
        raise NotPng("a PNG that was cut off")
    check_at = end - _LENGTH.size
    if (zlib.crc32(data[body_at:check_at]),) != _LENGTH.unpack_from(data, check_at):
        raise NotPng("a damaged PNG")
    return data[body_at : body_at + 4], data[at:end]


def _check_size(header: bytes) -> None:
    if len(header) != _LENGTH.size + _KIND_AND_CHECK + _HEADER.size:
        raise NotPng("a PNG without a header")
    width, height = _HEADER.unpack_from(header, _LENGTH.size + 4)
    if width != height or not 1 <= width <= MOST_PX:
        raise NotPng("a PNG of a size that is not taken")
