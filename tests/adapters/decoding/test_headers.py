"""Facts about what is known of a picture before it is decoded."""

import struct
import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from tests.adapters.decoding import bombs, strangers
from tests.adapters.decoding.samples import SAMPLES, sample, saved

from emoticon.adapters.decoding import headers
from emoticon.domain.errors import InvalidPicture, UnsupportedPicture

STARTS = [
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"RIFF\0\0\0\0WEBPVP8 ",
    b"RIFF\0\0\0\0WEBPVP8L",
    b"RIFF\0\0\0\0WEBPVP8X",
    b"RIFF\0\0\0\0WEBPwhat",
    b"GIF89a",
    b"\0\0\0\x14ftypavif\0\0\0\0avif",
]
MUCH = 5 * 2**20


def meta(content: bytes) -> bytes:
    """An AVIF whose meta box has this content."""
    return STARTS[-1] + struct.pack("!I", 12 + len(content)) + b"meta\0\0\0\0" + content


@pytest.mark.parametrize("name", SAMPLES)
def test_the_format_and_the_size_of_a_picture_are_read(name: str) -> None:
    assert headers.read(sample(name)) == (name.split("-", maxsplit=1)[0], 96, 64)


@pytest.mark.parametrize("name", SAMPLES)
def test_nothing_but_the_beginning_of_a_picture_is_read(name: str) -> None:
    data = sample(name)
    assert headers.read(data[:-30]) == headers.read(data)


def test_a_large_box_of_avif_is_walked_over() -> None:
    size = struct.pack("!I4sIII", 20, b"ispe", 0, 90, 80)
    box = struct.pack("!I4sQ", 1, b"free", 24) + bytes(8)
    iprp = struct.pack("!I4s", 0, b"iprp") + box + struct.pack("!I4s", 0, b"ipco") + size
    assert headers.read(meta(iprp)) == (headers.Kind.AVIF, 90, 80)


def test_the_largest_of_the_sizes_of_avif_counts() -> None:
    sizes = b"".join(
        struct.pack("!I4sIII", 20, b"ispe", 0, *size) for size in ((20, 20), (9000, 9000))
    )
    container = struct.pack("!I4s", 8 + len(sizes), b"ipco") + sizes
    with pytest.raises(InvalidPicture, match="too many pixels"):
        headers.read(meta(struct.pack("!I4s", 8 + len(container), b"iprp") + container))


def test_bytes_that_fill_a_jpeg_are_walked_over() -> None:
    data = sample("jpeg")
    assert headers.read(b"\xff\xd8\xff\xff\xff\x01" + data[2:]) == headers.read(data)


@pytest.mark.parametrize("name", strangers.unknown())
def test_what_is_of_no_format_that_is_taken_is_unsupported(name: str) -> None:
    with pytest.raises(UnsupportedPicture):
        headers.read(strangers.unknown()[name])


@pytest.mark.parametrize("name", bombs.floods())
def test_a_flood_of_pixels_is_refused_by_its_header(name: str) -> None:
    with pytest.raises(InvalidPicture, match="too many pixels"):
        headers.read(bombs.floods()[name])


def test_a_webp_of_very_many_frames_is_refused() -> None:
    assert headers.read(bombs.webp_frames(990))[1:] == (16, 16)
    with pytest.raises(InvalidPicture, match="too many frames"):
        headers.read(bombs.webp_frames(10_000))


@pytest.mark.parametrize(
    ("width_px", "height_px"), [(5000, 5000), (16, 16), (16_384, 1525), (1525, 16_384)]
)
def test_the_greatest_and_the_least_sizes_are_taken(width_px: int, height_px: int) -> None:
    assert headers.read(bombs.png(width_px, height_px))[1:] == (width_px, height_px)


@pytest.mark.parametrize(("width_px", "height_px"), [(15, 16), (16, 15), (0, 100), (100, 0)])
def test_a_side_below_16_px_is_refused(width_px: int, height_px: int) -> None:
    with pytest.raises(InvalidPicture, match="too few pixels"):
        headers.read(bombs.png(width_px, height_px))


@pytest.mark.parametrize(("width_px", "height_px"), [(16_385, 16), (5000, 5001)])
def test_a_size_above_the_greatest_is_refused(width_px: int, height_px: int) -> None:
    with pytest.raises(InvalidPicture, match="too many pixels"):
        headers.read(bombs.png(width_px, height_px))


@pytest.mark.parametrize("start", STARTS)
def test_a_picture_that_ends_in_its_header_is_refused(start: bytes) -> None:
    with pytest.raises(InvalidPicture):
        headers.read(start)


@pytest.mark.parametrize("name", ["png", "jpeg", "webp", "webp-lossless", "gif", "avif"])
def test_every_cut_of_a_header_is_refused_or_read(name: str) -> None:
    data = saved(Image.new("RGB", (32, 32)), name.split("-", maxsplit=1)[0], lossless="-" in name)
    assert headers.read(data)[1:] == (32, 32)
    for end in range(300):
        with suppress(InvalidPicture, UnsupportedPicture):
            assert headers.read(data[:end])[1:] == (32, 32)


def test_a_png_with_a_wrong_checksum_is_refused() -> None:
    data = bytearray(sample("png"))
    data[19] ^= 1
    with pytest.raises(InvalidPicture):
        headers.read(bytes(data))


@pytest.mark.parametrize(
    "marker", [b"\xff\xda", b"\xff\xd9", b"\0\0"], ids=["pixels", "end", "no marker"]
)
def test_a_jpeg_without_a_size_before_its_pixels_is_refused(marker: bytes) -> None:
    with pytest.raises(InvalidPicture):
        headers.read(b"\xff\xd8\xff\xe0\0\4ab" + marker + bytes(100))


@given(st.sampled_from(STARTS), st.binary(max_size=200))
def test_whatever_follows_the_first_bytes_is_read_or_refused(start: bytes, rest: bytes) -> None:
    try:
        found = headers.read(start + rest)
    except InvalidPicture:
        return
    assert found.width_px * found.height_px <= headers.MAX_PIXELS


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xd8" + b"\xff\xe1\0\2" * (MUCH // 4),
        b"\xff\xd8" + b"\xff" * MUCH,
        b"\xff\xd8" + b"\xff\xd0" * (MUCH // 2),
        struct.pack("!I", MUCH) + b"ftypmif1" + b"mif1" * (MUCH // 4),
        struct.pack("!I", MUCH) + b"ftypavif" + b"avif" * (MUCH // 4),
        STARTS[-1] + b"\0\0\0\x08free" * (MUCH // 8),
        meta(b"\0\0\0\x08iprp" * (MUCH // 8)),
        meta(struct.pack("!I4sI4s", 0, b"iprp", 0, b"ipco") + b"\0\0\0\x08ispe" * (MUCH // 8)),
        STARTS[-1] + b"\0\0\0\1free" + bytes(MUCH),
        b"RIFF\0\0\0\0WEBPVP8X" + bytes(MUCH),
        STARTS[-1] + b"\0\0\0\4meta" + bytes(MUCH),
    ],
    ids=[
        "segments",
        "fill",
        "marks",
        "brands",
        "same brands",
        "boxes",
        "iprp",
        "ispe",
        "none",
        "chunks",
        "short",
    ],
)
def test_five_megabytes_of_header_are_refused_after_a_few_steps(data: bytes) -> None:
    start = time.thread_time()
    with pytest.raises((InvalidPicture, UnsupportedPicture)):
        headers.read(data)
    # A walk over all of it takes about a second; the bounded one below a millisecond.
    assert time.thread_time() - start < 0.1
