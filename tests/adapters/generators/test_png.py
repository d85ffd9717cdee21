"""Facts about what is left of a PNG that comes from elsewhere."""

import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.upstream import SIGNATURE, chunk, header, png

from emoticon.adapters.generators.png import MOST_PX, NotPng, pixels_only

END = chunk(b"IEND", b"")
PIXELS = chunk(b"IDAT", zlib.compress(b"\0\0\0\0\0"))


def test_a_plain_png_stays_as_it_is() -> None:
    assert pixels_only(png(200)) == png(200)


def test_palette_and_transparency_stay() -> None:
    body = b"".join(
        (
            SIGNATURE,
            header(1, 1, colour=3),
            chunk(b"PLTE", b"\1\2\3"),
            chunk(b"tRNS", b"\x80"),
            chunk(b"IDAT", zlib.compress(b"\0\0")),
            END,
        )
    )
    assert pixels_only(body) == body


@pytest.mark.parametrize(
    "extra",
    [
        chunk(b"tEXt", b"Comment\0somebody was here"),
        chunk(b"zTXt", b"Comment\0\0" + zlib.compress(bytes(10_000_000), 9)),
        chunk(b"iCCP", b"profile\0\0" + zlib.compress(bytes(10_000_000), 9)),
        chunk(b"eXIf", b"II*\0"),
        chunk(b"acTL", struct.pack(">II", 1000, 0)),
    ],
    ids=["text", "packed-text", "profile", "exif", "animation"],
)
def test_what_is_no_pixel_goes(extra: bytes) -> None:
    assert pixels_only(png(16, extra=extra)) == png(16)


def test_what_stands_after_the_end_goes() -> None:
    assert pixels_only(png(16) + b"<script>alert(1)</script>") == png(16)


@pytest.mark.parametrize("side", [1, MOST_PX])
def test_sides_within_the_bounds_are_taken(side: int) -> None:
    assert pixels_only(SIGNATURE + header(side, side) + PIXELS + END)


@pytest.mark.parametrize(
    ("width", "height"),
    [(0, 0), (MOST_PX + 1, MOST_PX + 1), (2**31 - 1, 2**31 - 1), (128, 127), (1, MOST_PX)],
)
def test_other_sides_are_not_taken(width: int, height: int) -> None:
    with pytest.raises(NotPng, match="size"):
        pixels_only(SIGNATURE + header(width, height) + PIXELS + END)


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "no PNG"),
        (b"<!doctype html>", "no PNG"),
        (b"\xff\xd8\xff\xe0" + bytes(100), "no PNG"),
        (SIGNATURE, "cut off"),
        (SIGNATURE + PIXELS + END, "without a header"),
        (SIGNATURE + chunk(b"IHDR", b"\0\0\0\1") + END, "without a header"),
        (SIGNATURE + header(1, 1) + header(1, 1) + PIXELS + END, "without a header"),
        (SIGNATURE + header(1, 1) + chunk(b"CgBI", b"\0\0\0\0") + PIXELS + END, "another format"),
        (SIGNATURE + header(1, 1) + struct.pack(">I", 2**32 - 1) + b"IDAT", "cut off"),
        (SIGNATURE + header(1, 1) + PIXELS, "cut off"),
    ],
)
def test_what_is_no_png_is_refused_and_it_is_said_why(body: bytes, why: str) -> None:
    with pytest.raises(NotPng, match=why):
        pixels_only(body)


@given(st.integers(0, len(png(16)) - 1))
def test_a_png_that_was_cut_off_is_refused(length: int) -> None:
    with pytest.raises(NotPng):
        pixels_only(png(16)[:length])


@given(st.integers(0, len(png(16)) * 8 - 1))
def test_a_png_with_a_wrong_bit_is_refused(bit: int) -> None:
    body = bytearray(png(16))
    body[bit // 8] ^= 1 << bit % 8
    with pytest.raises(NotPng):
        pixels_only(bytes(body))
