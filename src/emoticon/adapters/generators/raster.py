"""SVG to pixels with libvips (librsvg inside), which releases the GIL while it works.

What the encoders are asked for was chosen by measurement over all styles at 128 px, in CPU time per picture; drawing
itself takes 1.6 ms:

- PNG: true colour, no filters, zlib 6: 0.6 ms, 3.7 KB. Up to 128 px `png_encoder` takes 0.3 ms less; beyond, the
  compressor of libvips is the faster one. Level 4 saves 0.1 ms and costs 5 % of bytes, level 9 saves 7 % for 3 ms more.
  A palette saves 38 % for 2 ms more and changes pixels.
- WebP: effort 2: 1.1 ms, 1.8 KB lossy; 2.4 ms, 2.2 KB lossless. Effort 4 saves 2 to 5 % for 2 to 3 times that.
- AVIF: effort 2: 9 ms, 1.5 KB; at 512 px 44 ms, at most 100 ms. Effort 4 saves 4 % for 6 times that.
"""

import logging
import os
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import Lock
from typing import Any, Final

from typing_extensions import override

from emoticon.adapters.generators import png_encoder
from emoticon.domain.errors import DrawingFailed
from emoticon.domain.media import Rasteriser
from emoticon.domain.models import Format

log = logging.getLogger(__name__)

_FONTS: Final = Path(__file__).with_name("fonts") / "fonts.conf"
_EDITION: Final = 2
"""Raised when a change of this module or of the fonts gives other bytes."""
_SMALL_PX: Final = 128
_TRANSPARENT: Final = (0, 0, 0, 0)
_LOADING = Lock()


class VipsRasteriser(Rasteriser):
    """Threads may share it. The first picture takes about 0.1 s longer, as it loads libvips.

    Sets up libvips and fontconfig for the whole process: `_load` says how.
    """

    @property
    @override
    def revision(self) -> str:
        # The binary package carries the version of its libvips, and asking it loads nothing.
        return f"vips{version('pyvips-binary')}.{_EDITION}.{png_encoder.REVISION}"

    @override
    def rasterise(
        self, svg: bytes, size_px: int, picture_format: Format, *, lossless: bool
    ) -> bytes:
        vips = _libvips()
        try:
            return _encode(_draw(vips, svg, size_px), picture_format, lossless=lossless)
        except vips.Error as error:
            log.warning("libvips: %s", error)
            raise DrawingFailed from error

    @override
    def resize(self, webp: bytes, size_px: int, picture_format: Format) -> bytes:
        vips = _libvips()
        try:
            # The option is the loader's: without it what was cut off is drawn as far as it goes.
            image = vips.Image.thumbnail_buffer(webp, size_px, option_string="[fail_on=error]")
            return _encode(image, picture_format, lossless=False)
        except vips.Error as error:
            log.warning("libvips: %s", error)
            raise DrawingFailed from error


def _libvips() -> Any:
    # `cache` alone would let a second thread close the SVG loader again while the first one draws.
    with _LOADING:
        return _load()


@cache
def _load() -> Any:
    """Load libvips once, set up for a server that draws small pictures of what it may not trust.

    One thread per picture, as pictures are drawn side by side; no cache of operations, as none comes twice. Loaders
    that libvips calls untrusted stay closed in this process, except the one for SVG.

    Fontconfig gets our fonts and no others, by the only way it has: FONTCONFIG_FILE in the environment, read when the
    first letter is drawn. It replaces what the operator may have set, since a look is the same on every machine.
    """
    os.environ["FONTCONFIG_FILE"] = str(_FONTS)
    import pyvips  # noqa: PLC0415 - 50 ms and 10 MB that commands without pictures do not pay

    pyvips.concurrency_set(1)
    pyvips.cache_set_max(0)
    pyvips.block_untrusted_set(True)  # noqa: FBT003 - the library's signature
    pyvips.operation_block_set("VipsForeignLoadSvgBuffer", False)  # noqa: FBT003
    return pyvips


def _draw(vips: Any, svg: bytes, size_px: int) -> Any:
    """Fit the drawing into the square, in the middle where it is not square itself."""
    image = vips.Image.svgload_buffer(svg)
    scale = size_px / max(image.width, image.height)
    if scale != 1:
        image = vips.Image.svgload_buffer(svg, scale=scale)
    if (image.width, image.height) != (size_px, size_px):
        image = image.gravity(
            "centre", size_px, size_px, extend="background", background=_TRANSPARENT
        )
    return image


def _encode(image: Any, picture_format: Format, *, lossless: bool) -> bytes:
    if picture_format is Format.PNG:
        body = _png(image)
    elif picture_format is Format.WEBP:
        body = image.webpsave_buffer(lossless=lossless, Q=85, effort=2, keep="none")
    elif picture_format is Format.AVIF:
        body = image.heifsave_buffer(compression="av1", Q=60, effort=2, keep="none")
    else:
        raise DrawingFailed("SVG has no pixels")
    return bytes(body)


def _png(image: Any) -> bytes:
    if image.width > _SMALL_PX:
        return bytes(image.pngsave_buffer(compression=6, filter="none", keep="none"))
    pixels = bytes(image.write_to_memory())
    return png_encoder.encode(pixels, image.width, image.height, image.bands)
