"""Pictures for uploads, as cameras and strangers make them."""

from functools import cache
from typing import Any

from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.models import Format

PLACE = b"55.7558 N, 37.6173 E"
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64"><script>1</script></svg>'


@cache
def vips() -> Any:
    """Return libvips, set up as the service sets it up."""
    VipsRasteriser().rasterise(SVG, 16, Format.PNG, lossless=True)
    import pyvips  # noqa: PLC0415 - only after that

    return pyvips


def plain(red: int, green: int, blue: int, *, width: int = 600, height: int = 400) -> Any:
    """Return an image of one colour."""
    black = vips().Image.black(width, height, bands=3).copy(interpretation="srgb")
    return black.linear(1, [red, green, blue]).cast("uchar")


def png(red: int = 200, green: int = 30, blue: int = 30, **size: int) -> bytes:
    """Return a PNG of one colour."""
    return bytes(plain(red, green, blue, **size).pngsave_buffer(compression=9))


def jpeg_with_metadata() -> bytes:
    """Return a JPEG, left half red and right half blue, lying on its side, that tells where it was taken."""
    image = plain(255, 0, 0, width=64, height=64).join(
        plain(0, 0, 255, width=64, height=64), "horizontal"
    )
    image = image.copy()
    image.set_type(vips().GValue.gint_type, "orientation", 6)
    image.set_type(vips().GValue.gstr_type, "exif-ifd0-ImageDescription", PLACE.decode())
    image.set_type(vips().GValue.blob_type, "xmp-data", b"<x:xmpmeta>" + PLACE + b"</x:xmpmeta>")
    data = bytes(image.jpegsave_buffer(Q=95, keep="all"))
    assert PLACE in data
    return data


def colour(picture: bytes, x: float, y: float) -> tuple[int, ...]:
    """Return the colour at a place of a picture in PNG, of which 1 is the end of each side."""
    image = vips().Image.pngload_buffer(picture)
    found = image.getpoint(int(x * (image.width - 1)), int(y * (image.height - 1)))
    return tuple(round(value) for value in found[:3])


def similar(one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    """Say whether two colours are the same but for what lossy encoders do."""
    return all(abs(a - b) <= 12 for a, b in zip(one, other, strict=True))
