"""Pictures: their sizes, their keys, and the frame that protects them in places outside of this process."""

import struct
import zlib
from hashlib import blake2b

from emoticon.domain.errors import InvalidSize
from emoticon.domain.keeping import Kept, Label
from emoticon.domain.models import Format, Look, Picture

MIN_PX = 16
MAX_PX = 512
DEFAULT_PX = 128
KEPT_PX = frozenset({16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 400, 512})
"""Any size in MIN_PX..MAX_PX is drawn, but only these are kept beyond memory."""

KEY_BYTES = 16
FRAME_BYTES = 64
_MAGIC = b"EMO2"
_FORMATS = (Format.PNG, Format.SVG, Format.WEBP, Format.AVIF)
_HEADER = struct.Struct(">4sBxHIIIQ16s16s")
_LATEST_S = 2**32 - 1
_CHECK = struct.Struct(">I")


def check_size(size_px: int) -> int:
    """Return the size. Raises InvalidSize outside of MIN_PX..MAX_PX."""
    if not MIN_PX <= size_px <= MAX_PX:
        raise InvalidSize(f"A size is {MIN_PX} to {MAX_PX} pixels")
    return size_px


def picture(body: bytes, picture_format: Format, size_px: int) -> Picture:
    """Wrap a drawing and compute its digest."""
    return Picture(body=body, format=picture_format, size_px=size_px, digest=_digest(body))


def key(look: Look, size_px: int, picture_format: Format, revision: str) -> bytes:
    """Return the 16-byte name of a picture. A changed look is a new key, so nothing is ever invalidated.

    `revision` is the generator's, which changes with anything of it that can change the bytes.
    """
    parts = (
        look.generator,
        str(look.generator_version),
        revision,
        look.style,
        look.options,
        look.seed,
        str(size_px),
        picture_format.value,
        *([look.original] if look.original else []),
    )
    digest = blake2b(digest_size=KEY_BYTES, person=b"emoticon key")
    for part in parts:  # lengths keep ("ab", "c") and ("a", "bc") apart
        data = part.encode()
        digest.update(len(data).to_bytes(4, "big") + data)
    return digest.digest()


def version(look: Look, revision: str) -> str:
    """Return 12 letters that stand for all pictures of a look, whatever their size and format."""
    return key(look, 0, Format.PNG, revision).hex()[:12]


def label(look: Look, size_px: int, picture_format: Format, revision: str, *, owner: int) -> Label:
    """Return what the picture of a look is kept under for `owner` (account id, 0 for nobody)."""
    return Label(key(look, size_px, picture_format, revision), owner, style_tag(look.kind))


def style_tag(style: str) -> int:
    """Return four bytes by which a frame tells its style; two styles may, very rarely, have the same."""
    return zlib.crc32(style.encode())


def frame(label: Label, picture: Picture, *, drawn_at_s: int) -> bytes:
    """Return 64 bytes of header and the body: everything needed to trust the picture when it is read again."""
    header = _HEADER.pack(
        _MAGIC,
        _FORMATS.index(picture.format),
        picture.size_px,
        len(picture.body),
        min(drawn_at_s, _LATEST_S),
        label.style_tag,
        label.owner,
        label.key,
        picture.digest,
    )
    return header + _CHECK.pack(zlib.crc32(header)) + picture.body


def unframe(key: bytes, data: bytes) -> Picture | None:
    """Return the picture of this key, or None when any bit of the frame or the body is not as it was written."""
    read = _read(data)
    return read[0] if read is not None and read[1].key == key else None


def examine(ref: bytes, data: bytes) -> Kept:
    """Return what a frame says of the picture in it, whatever its key."""
    read = _read(data)
    if read is None:
        return Kept(ref, Label(b""), 0, len(data), intact=False)
    _, label, drawn_at_s = read
    return Kept(ref, label, drawn_at_s, len(data), intact=True)


def _read(data: bytes) -> tuple[Picture, Label, int] | None:
    """Return picture, label and time of drawing."""
    if len(data) < FRAME_BYTES or _CHECK.unpack_from(data, _HEADER.size)[0] != zlib.crc32(
        data[: _HEADER.size]
    ):
        return None
    magic, format_index, size_px, length, drawn_at_s, style_tag, owner, framed_key, digest = (
        _HEADER.unpack_from(data)
    )
    body = data[FRAME_BYTES:]
    known = magic == _MAGIC and format_index < len(_FORMATS)
    if not known or len(body) != length or _digest(body) != digest:
        return None
    picture = Picture(body=body, format=_FORMATS[format_index], size_px=size_px, digest=digest)
    return picture, Label(framed_key, owner, style_tag), drawn_at_s


def _digest(body: bytes) -> bytes:
    return blake2b(body, digest_size=16).digest()
