"""Facts about PNG made from pixels."""

import os
import zlib

import pytest
import pyvips

from emoticon.adapters.generators import png_encoder
from emoticon.adapters.generators.png import pixels_only


@pytest.mark.parametrize("bands", [1, 2, 3, 4])
@pytest.mark.parametrize(("width_px", "height_px"), [(1, 1), (16, 16), (33, 7), (512, 512)])
def test_a_png_has_the_pixels_that_it_was_made_of(
    width_px: int, height_px: int, bands: int
) -> None:
    pixels = os.urandom(width_px * height_px * bands)
    png = png_encoder.encode(pixels, width_px, height_px, bands)
    image = pyvips.Image.new_from_buffer(png, "")
    assert (image.width, image.height, image.bands) == (width_px, height_px, bands)
    assert image.write_to_memory() == pixels


def test_there_is_nothing_but_pixels_in_a_png() -> None:
    """`pixels_only` also looks at the check of every part."""
    png = png_encoder.encode(bytes(64 * 64 * 4), 64, 64, 4)
    assert pixels_only(png) == png
    assert [png.count(kind) for kind in (b"IHDR", b"IDAT", b"IEND")] == [1, 1, 1]


def test_the_revision_names_the_compressor() -> None:
    assert zlib.ZLIB_RUNTIME_VERSION in png_encoder.REVISION
