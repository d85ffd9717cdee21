"""Facts about pictures that are made of an original."""

from typing import Any

import pytest
import pyvips

from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingFailed
from emoticon.domain.models import Format

RASTER = [Format.PNG, Format.WEBP, Format.AVIF]
RED, BLUE = [220, 20, 20], [20, 20, 220]


@pytest.fixture(scope="module")
def rasteriser() -> VipsRasteriser:
    return VipsRasteriser()


def plain(colour: list[int], side_px: int) -> Any:
    black = pyvips.Image.black(side_px, side_px, bands=len(colour))
    return (black + colour).cast("uchar").copy(interpretation="srgb")


def original(side_px: int = 512) -> bytes:
    """Red, with a blue right half, as a decoder would have made it."""
    picture = plain(RED, side_px).insert(plain(BLUE, side_px), side_px // 2, 0)
    return bytes(picture.webpsave_buffer(Q=90))


def resized(
    rasteriser: VipsRasteriser, webp: bytes, size_px: int, picture_format: Format = Format.PNG
) -> Any:
    return pyvips.Image.new_from_buffer(rasteriser.resize(webp, size_px, picture_format), "")


@pytest.mark.parametrize("picture_format", RASTER)
@pytest.mark.parametrize("size_px", [16, 77, 128, 511, 512])
@pytest.mark.parametrize("side_px", [512, 100])
def test_a_picture_has_exactly_the_size_and_the_format_that_were_asked_for(
    rasteriser: VipsRasteriser, picture_format: Format, size_px: int, side_px: int
) -> None:
    image = resized(rasteriser, original(side_px), size_px, picture_format)
    assert (image.width, image.height) == (size_px, size_px)
    assert image.get("vips-loader").startswith(
        {"png": "png", "webp": "webp", "avif": "heif"}[picture_format]
    )


@pytest.mark.parametrize("picture_format", RASTER)
def test_its_colours_stay_where_they_were(
    rasteriser: VipsRasteriser, picture_format: Format
) -> None:
    image = resized(rasteriser, original(), 64, picture_format)
    assert image.getpoint(8, 32)[:3] == pytest.approx(RED, abs=6)
    assert image.getpoint(56, 32)[:3] == pytest.approx(BLUE, abs=6)


@pytest.mark.parametrize("picture_format", RASTER)
def test_what_shines_through_goes_on_doing_so(
    rasteriser: VipsRasteriser, picture_format: Format
) -> None:
    webp = bytes(plain([20, 120, 220, 100], 200).webpsave_buffer(Q=90))
    image = resized(rasteriser, webp, 50, picture_format)
    assert image.bands == 4
    assert image.getpoint(25, 25)[3] == pytest.approx(100, abs=3)


@pytest.mark.parametrize("picture_format", RASTER)
def test_it_carries_no_metadata(rasteriser: VipsRasteriser, picture_format: Format) -> None:
    marked = plain(RED, 100).copy()
    marked.set_type(pyvips.GValue.blob_type, "xmp-data", b"<x>Anna</x>")
    webp = bytes(marked.webpsave_buffer(keep="all"))
    assert b"Anna" in webp
    assert b"Anna" not in rasteriser.resize(webp, 64, picture_format)


def test_the_same_original_gives_the_same_bytes(rasteriser: VipsRasteriser) -> None:
    first, second = (rasteriser.resize(original(), 96, Format.WEBP) for _ in range(2))
    assert first == second


def test_pixels_have_no_svg(rasteriser: VipsRasteriser) -> None:
    with pytest.raises(DrawingFailed):
        rasteriser.resize(original(), 64, Format.SVG)


@pytest.mark.parametrize("webp", [b"", b"hello", original()[:-200]], ids=["empty", "text", "cut"])
def test_what_is_no_whole_picture_cannot_be_drawn(rasteriser: VipsRasteriser, webp: bytes) -> None:
    with pytest.raises(DrawingFailed):
        rasteriser.resize(webp, 64, Format.PNG)
