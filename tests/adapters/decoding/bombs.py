"""Small files that want much: memory, time, or both. All are below the size of an upload."""

import struct
import zlib
from functools import cache

from PIL import Image
from tests.adapters.decoding.samples import icc, png_chunk, sample, saved

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _RGBA = 0, 6
_MANY = 10_000


def png(
    width_px: int,
    height_px: int,
    pixels: bytes = b"",
    *,
    bits: int = 8,
    colours: int = _GREY,
    interlaced: int = 0,
    extra: bytes = b"",
) -> bytes:
    """A PNG that says what it is told to, with right checksums; `pixels` are not compressed yet."""
    head = struct.pack("!IIBBBBB", width_px, height_px, bits, colours, 0, 0, interlaced)
    body = png_chunk(b"IDAT", zlib.compress(pixels, 9))
    return _SIGNATURE + png_chunk(b"IHDR", head) + extra + body + png_chunk(b"IEND", b"")


def zeros(count_bytes: int) -> bytes:
    """Many zeros, compressed to a thousandth."""
    return zlib.compress(bytes(count_bytes), 9)


def gif_frames(count: int) -> bytes:
    """An animation of many small frames."""
    frame = b"!\xf9\4\0\1\0\0\0" + b",\0\0\0\0\x10\0\x10\0\0" + _gif_pixels()
    return b"GIF89a\x10\0\x10\0\x80\0\0" + b"\xff\0\0\0\0\xff" + frame * count + b";"


def _gif_pixels() -> bytes:
    data = saved(Image.new("P", (16, 16)), "GIF")
    return data[data.index(b",", 13) + 10 : -1]


def webp_frames(count: int) -> bytes:
    """An animation of many small frames."""
    still = saved(Image.new("RGB", (16, 16), (9, 9, 9)), "WEBP", lossless=True)[12:]
    frame = bytes(6) + b"\x0f\0\0\x0f\0\0" + b"\x0a\0\0\0" + still
    chunks = b"VP8X\x0a\0\0\0\2\0\0\0\x0f\0\0\x0f\0\0" + b"ANIM\6\0\0\0" + bytes(6)
    chunks += (b"ANMF" + struct.pack("<I", len(frame)) + frame) * count
    return b"RIFF" + struct.pack("<I", 4 + len(chunks)) + b"WEBP" + chunks


def scans(count: int, side_px: int = 4096) -> bytes:
    """A progressive JPEG whose last scan comes again and again."""
    data = saved(Image.new("L", (side_px, side_px), 90), "JPEG", progressive=True, quality=30)
    last = data.rindex(b"\xff\xda")
    return data[:-2] + data[last:-2] * count + data[-2:]


def jpeg_sized(width_px: int, height_px: int) -> bytes:
    """A JPEG that says it is of another size."""
    data = bytearray(sample("jpeg"))
    frame = data.index(b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack("!HH", height_px, width_px)
    return bytes(data)


def avif_sized(width_px: int, height_px: int) -> bytes:
    """An AVIF that says it is of another size."""
    data = sample("avif")
    size = data.index(b"ispe") + 8
    return data[:size] + struct.pack("!II", width_px, height_px) + data[size + 8 :]


@cache
def floods() -> dict[str, bytes]:
    """What says that it has too many pixels: to be refused by its header."""
    return {
        "png 65535": png(65535, 65535),
        "png 2^31": png(2**31 - 1, 2**31 - 1),
        "png wide": png(1_000_000, 20),
        "png 5001": png(5001, 5000),
        "jpeg 64250": jpeg_sized(64250, 64250),
        "gif 65535": b"GIF89a\xff\xff\xff\xff\0\0\0" + bytes(50),
        "webp 16384": b"RIFF\x1e\0\0\0WEBPVP8X\x0a\0\0\0\0\0\0\0" + b"\xff\x3f\0" * 2 + bytes(8),
        "avif 65536": avif_sized(65536, 65536),
    }


@cache
def bombs() -> dict[str, bytes]:
    """What goes off when it is decoded, within the pixels that are taken."""
    row = bytes(1 + 5000 * 4)
    nested = png_chunk(b"iCCP", b"x\0\0" + zlib.compress(icc() + zeros(50_000_000)))
    return {
        "png 5000": png(5000, 5000, row * 5000, colours=_RGBA),
        "png 5000 without pixels": png(5000, 5000),
        "png 5000 interlaced": png(5000, 5000, row * 5000, colours=_RGBA, interlaced=1),
        "png small with much": png(32, 32, bytes(200_000_000)),
        "png profile": png(
            32, 32, bytes(33 * 32), extra=png_chunk(b"iCCP", b"x\0\0" + zeros(2**28))
        ),
        "png profile in profile": png(32, 32, bytes(33 * 32), extra=nested),
        "png text": png(32, 32, bytes(33 * 32), extra=png_chunk(b"zTXt", b"x\0\0" + zeros(2**28))),
        "png many texts": png(32, 32, bytes(33 * 32), extra=png_chunk(b"tEXt", b"x\0y") * 200_000),
        "jpeg scans": scans(1000),
        "jpeg small as large": jpeg_sized(5000, 5000),
        "gif frames": gif_frames(_MANY),
        "gif many frames": gif_frames(100_000),
        "webp frames": webp_frames(_MANY),
        "webp fewer frames": webp_frames(990),
        "avif small as large": avif_sized(5000, 5000),
    }
