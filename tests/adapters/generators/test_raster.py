"""Facts about pixels."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import pyvips

from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingFailed
from emoticon.domain.models import Format

RASTER = [Format.PNG, Format.WEBP, Format.AVIF]
DISC = b"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 100 100" width="128" height="128">
<radialGradient id="g"><stop stop-color="#f84"/><stop offset="1" stop-color="#36c"/></radialGradient>
<circle cx="50" cy="50" r="45" fill="url(#g)"/></svg>"""
WIDE = b"""<svg xmlns="http://www.w3.org/2000/svg" width="200" height="100">
<rect width="200" height="100" fill="red"/></svg>"""


@pytest.fixture(scope="module")
def rasteriser() -> VipsRasteriser:
    return VipsRasteriser()


def opened(body: bytes) -> Any:
    return pyvips.Image.new_from_buffer(body, "")


def drawn(rasteriser: VipsRasteriser, svg: bytes, size_px: int = 64) -> Any:
    return opened(rasteriser.rasterise(svg, size_px, Format.PNG, lossless=True))


@pytest.mark.parametrize("picture_format", RASTER)
@pytest.mark.parametrize("size_px", [16, 77, 128, 511, 512])
def test_a_picture_has_exactly_the_size_that_was_asked_for(
    rasteriser: VipsRasteriser, picture_format: Format, size_px: int
) -> None:
    image = opened(rasteriser.rasterise(DISC, size_px, picture_format, lossless=False))
    assert (image.width, image.height) == (size_px, size_px)
    assert image.get("vips-loader").startswith(
        {"png": "png", "webp": "webp", "avif": "heif"}[picture_format]
    )


@pytest.mark.parametrize("picture_format", RASTER)
def test_what_is_not_painted_is_transparent(
    rasteriser: VipsRasteriser, picture_format: Format
) -> None:
    image = opened(rasteriser.rasterise(DISC, 128, picture_format, lossless=True))
    assert image.bands == 4
    assert image.getpoint(0, 0)[3] == 0
    assert image.getpoint(64, 64)[3] == 255


@pytest.mark.parametrize("picture_format", RASTER)
def test_a_picture_carries_no_metadata(rasteriser: VipsRasteriser, picture_format: Format) -> None:
    svg = DISC.replace(b"<circle", b"<title>Anna</title><metadata>Anna</metadata><circle")
    body = rasteriser.rasterise(svg, 128, picture_format, lossless=True)
    fields = set(opened(body).get_fields())
    assert not {"exif-data", "xmp-data", "iptc-data", "icc-profile-data"} & fields
    assert not [field for field in fields if "comment" in field]
    assert b"Anna" not in body


@pytest.mark.parametrize("picture_format", RASTER)
def test_the_same_drawing_gives_the_same_bytes(
    rasteriser: VipsRasteriser, picture_format: Format
) -> None:
    first, second = (
        rasteriser.rasterise(DISC, 96, picture_format, lossless=False) for _ in range(2)
    )
    assert first == second


def test_webp_is_exact_or_small(rasteriser: VipsRasteriser) -> None:
    exact, small = (
        rasteriser.rasterise(DISC, 128, Format.WEBP, lossless=lossless)
        for lossless in (True, False)
    )
    painted = drawn(rasteriser, DISC, 128)
    visible = painted[3] > 0  # colours under full transparency mean nothing
    assert len(small) < len(exact)
    assert ((opened(exact) != painted) & visible).max() == 0
    assert ((opened(small) != painted) & visible).max() > 0


@pytest.mark.parametrize("size_px", [64, 128, 129, 256])
def test_png_is_exact_whoever_encodes_it(rasteriser: VipsRasteriser, size_px: int) -> None:
    """Small pictures are encoded here, larger ones by libvips."""
    painted = pyvips.Image.svgload_buffer(DISC, scale=size_px / 128)
    assert (drawn(rasteriser, DISC, size_px) != painted).max() == 0


def test_a_drawing_that_is_not_square_is_in_the_middle(rasteriser: VipsRasteriser) -> None:
    image = drawn(rasteriser, WIDE, 64)
    assert (image.width, image.height) == (64, 64)
    assert [image.getpoint(32, y)[3] for y in (8, 32, 56)] == [0, 255, 0]
    assert image.getpoint(1, 32) == [255, 0, 0, 255]


@pytest.mark.parametrize("size_px", [16, 512])
def test_a_drawing_without_a_size_of_its_own_is_drawn(
    rasteriser: VipsRasteriser, size_px: int
) -> None:
    image = drawn(rasteriser, DISC.replace(b'width="128" height="128"', b""), size_px)
    assert (image.width, image.height) == (size_px, size_px)
    assert image.getpoint(size_px // 2, size_px // 2)[3] == 255


@pytest.mark.parametrize("svg", [b"", b"Anna", b"<svg", b"<html/>", b"\x89PNG\r\n\x1a\n", b"\x00"])
def test_what_is_no_svg_fails(rasteriser: VipsRasteriser, svg: bytes) -> None:
    with pytest.raises(DrawingFailed):
        rasteriser.rasterise(svg, 64, Format.PNG, lossless=True)


def test_other_image_types_are_not_read_as_svg(rasteriser: VipsRasteriser) -> None:
    png = rasteriser.rasterise(DISC, 64, Format.PNG, lossless=True)
    with pytest.raises(DrawingFailed):
        rasteriser.rasterise(png, 64, Format.PNG, lossless=True)


def test_svg_is_no_raster_format(rasteriser: VipsRasteriser) -> None:
    with pytest.raises(DrawingFailed):
        rasteriser.rasterise(DISC, 64, Format.SVG, lossless=True)


def test_a_drawing_cannot_show_files(rasteriser: VipsRasteriser, tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(rasteriser.rasterise(WIDE, 64, Format.PNG, lossless=True))
    svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><image width="64" href="%s"/></svg>'
    assert drawn(rasteriser, svg % secret.as_uri().encode())[3].max() == 0


def test_loaders_that_libvips_does_not_trust_are_closed(
    rasteriser: VipsRasteriser, tmp_path: Path
) -> None:
    """Such as the one that reads SVG from a file, and so may follow its references."""
    rasteriser.rasterise(DISC, 16, Format.PNG, lossless=True)
    file = tmp_path / "disc.svg"
    file.write_bytes(DISC)
    with pytest.raises(pyvips.Error, match="blocked"):
        pyvips.Image.svgload(str(file))


def test_the_revision_names_the_libvips_that_draws(rasteriser: VipsRasteriser) -> None:
    drawing = ".".join(str(pyvips.version(part)) for part in range(3))
    assert rasteriser.revision.startswith(f"vips{drawing}.")


def test_threads_may_draw_their_first_picture_at_the_same_moment() -> None:
    """A new process: libvips is set up once in each."""
    script = """
import concurrent.futures, sys, threading
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.models import Format
start = threading.Barrier(8)
svg = b'<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><rect width="9" height="9"/></svg>'
def draw(_):
    start.wait()
    return VipsRasteriser().rasterise(svg, 64, Format.PNG, lossless=True)
assert "pyvips" not in sys.modules
with concurrent.futures.ThreadPoolExecutor(8) as threads:
    print(len(set(threads.map(draw, range(8)))))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("1\n", "")
