"""Real pictures of every format, small, with everything in them that must not come out again.

MARKER stands in each piece of metadata: EXIF with a position, XMP, colour profiles, comments, text chunks.
"""

import io
import struct
import zlib
from collections.abc import Callable
from functools import cache
from typing import Any

from PIL import Image, ImageCms, ImageDraw, PngImagePlugin

MARKER = b"Anna-lives-at-48.2082N"
XMP = (
    b'<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">'
    b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description'
    b' xmlns:dc="http://purl.org/dc/elements/1.1/" dc:creator="' + MARKER + b'"/></rdf:RDF>'
    b'</x:xmpmeta><?xpacket end="w"?>'
)
_ORIENTATION, _DESCRIPTION, _GPS = 0x0112, 0x010E, 0x8825


def exif(orientation: int = 1) -> bytes:
    """EXIF data with a position and the marker."""
    data = Image.Exif()
    data[_ORIENTATION] = orientation
    data[_DESCRIPTION] = MARKER.decode()
    data.get_ifd(_GPS).update({1: "N", 2: (48.0, 12.0, 29.5), 3: "E", 4: (16.0, 22.0, 25.7)})
    return data.tobytes()


@cache
def icc() -> bytes:
    """A profile of sRGB that has the marker behind its tags."""
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes() + MARKER
    return struct.pack("!I", len(profile)) + profile[4:]


def scene(mode: str = "RGB", width_px: int = 96, height_px: int = 64) -> Image.Image:
    """A gradient with a red quarter at the upper left and a blue one at the lower right."""
    image = Image.linear_gradient("L").resize((width_px, height_px)).convert("RGB")
    draw = ImageDraw.Draw(image)
    draw.rectangle((0, 0, width_px // 2 - 1, height_px // 2 - 1), fill=(220, 20, 20))
    draw.rectangle((width_px // 2, height_px // 2, width_px, height_px), fill=(20, 20, 220))
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").rotate(90).resize((width_px, height_px)))
        return image
    if mode == "I;16":
        wide = image.convert("L").convert("I").point(lambda value: value * 257)
        return wide.convert("I;16")
    return image.convert(mode)


def saved(image: Image.Image, kind: str, **options: Any) -> bytes:
    """The bytes of a picture in one format."""
    target = io.BytesIO()
    image.save(target, kind, **options)
    return target.getvalue()


def png_chunk(name: bytes, content: bytes) -> bytes:
    """A chunk of PNG with its checksum."""
    body = name + content
    return struct.pack("!I", len(content)) + body + struct.pack("!I", zlib.crc32(body))


def _png(mode: str = "RGB", **options: Any) -> bytes:
    text = PngImagePlugin.PngInfo()
    text.add_text("Comment", MARKER.decode())
    text.add_text("Author", MARKER.decode() * 20, zip=True)
    text.add_itxt("XML:com.adobe.xmp", XMP.decode())
    data = saved(scene(mode), "PNG", pnginfo=text, exif=exif(), icc_profile=icc(), **options)
    # A chunk that nobody knows, before the end, and something behind the end.
    return data[:-12] + png_chunk(b"anNa", MARKER) + data[-12:] + MARKER


def _jpeg(mode: str = "RGB", **options: Any) -> bytes:
    return saved(
        scene(mode),
        "JPEG",
        **{"exif": exif(), "icc_profile": icc(), "comment": MARKER, "xmp": XMP, **options},
    )


def _webp(mode: str = "RGB", **options: Any) -> bytes:
    return saved(scene(mode), "WEBP", exif=exif(), icc_profile=icc(), xmp=XMP, **options)


def _avif(mode: str = "RGB", **options: Any) -> bytes:
    return saved(scene(mode), "AVIF", exif=exif(), icc_profile=icc(), xmp=XMP, **options)


def _moving(count: int = 4) -> dict[str, Any]:
    others = [Image.new("RGB", (96, 64), (0, 255, 40 * frame)) for frame in range(count)]
    return {"save_all": True, "append_images": others, "duration": 50, "loop": 0}


SAMPLES: dict[str, Callable[[], bytes]] = {
    "png": _png,
    "png-alpha": lambda: _png("RGBA"),
    "png-grey": lambda: _png("L"),
    "png-grey-alpha": lambda: _png("LA"),
    "png-16-bit": lambda: _png("I;16"),
    "png-one-bit": lambda: _png("1"),
    "png-palette": lambda: _png("P"),
    "png-palette-transparent": lambda: _png("P", transparency=0),
    "jpeg": _jpeg,
    "jpeg-progressive": lambda: _jpeg(progressive=True),
    "jpeg-grey": lambda: _jpeg("L"),
    "jpeg-cmyk": lambda: _jpeg("CMYK", icc_profile=None),
    "webp": _webp,
    "webp-lossless": lambda: _webp(lossless=True),
    "webp-alpha": lambda: _webp("RGBA"),
    "webp-moving": lambda: _webp(**_moving()),
    "gif": lambda: saved(scene(), "GIF", comment=MARKER),
    "gif-moving": lambda: saved(scene(), "GIF", comment=MARKER, **_moving()),
    "avif": lambda: _avif(speed=10),
    "avif-alpha": lambda: _avif("RGBA", speed=10),
    "avif-moving": lambda: _avif(speed=10, **_moving()),
}
"""How to make each kind of picture. Each is 96 px wide and 64 px high, and that of `scene`."""


@cache
def sample(name: str) -> bytes:
    """One of SAMPLES."""
    return SAMPLES[name]()
