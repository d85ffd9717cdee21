"""Files that are no pictures that are taken, or more than one thing at once."""

import io
import struct
import zipfile
from functools import cache

from PIL import Image
from tests.adapters.decoding.samples import MARKER, sample, saved, scene

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"><script>alert(1)</script></svg>'
HTML = b"<!doctype html><script>alert(document.domain)</script>"


def heic() -> bytes:
    """The beginning of a file of the same family as AVIF, with another codec in it."""
    brands = b"heicmif1heic"
    return struct.pack("!I", 20 + 4) + b"ftyp" + brands[:4] + b"\0\0\0\0" + brands[4:] + bytes(400)


@cache
def unknown() -> dict[str, bytes]:
    """What is of no format that is taken, whatever it may be called."""
    return {
        "empty": b"",
        "one byte": b"\x89",
        "text": b"hello",
        "html": HTML,
        "svg": SVG,
        "svg with a declaration": b'<?xml version="1.0"?>' + SVG,
        "ico": saved(scene(), "ICO", sizes=[(32, 32)]),
        "bmp": saved(scene(), "BMP"),
        "tiff": saved(scene(), "TIFF"),
        "psd": b"8BPS\0\1" + bytes(200),
        "pdf": saved(scene(), "PDF"),
        "heic": heic(),
        "jpeg 2000": b"\0\0\0\x0cjP  \r\n\x87\n" + bytes(200),
        "zip": archive(),
        "png after a byte": b"\n" + sample("png"),
        "riff of sound": b"RIFF\x24\0\0\0WAVEfmt " + bytes(100),
        "ppm": saved(Image.new("RGB", (32, 32)), "PPM"),
    }


def archive() -> bytes:
    """A zip file with a page in it."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as file:
        file.writestr("index.html", HTML + MARKER)
    return target.getvalue()


def script_gif() -> bytes:
    """A GIF that is a script as well: its width is the beginning of a comment."""
    # "/*" as little-endian width: 10799 px wide, and 17 px high.
    start = b"GIF89a" + b"/*" + struct.pack("<H", 17) + b"\0\0\0"
    frame = b",\0\0\0\0" + struct.pack("<HH", 17, 17) + b"\0\2\2\x44\1\0"
    return start + frame + b";" + b"*/=1;alert(1)//" + MARKER


def tails() -> dict[str, bytes]:
    """What can stand behind the end of a picture."""
    return {
        "zip": archive(),
        "pdf": b"\n%PDF-1.7\n1 0 obj<</OpenAction 2 0 R>>endobj\n" + MARKER + b"\n%%EOF",
        "page": HTML + MARKER,
        "script": b"*/=1;alert(1)//" + MARKER,
        "php": b"<?php system($_GET['c']); ?>" + MARKER,
    }
