"""Made-up pictures: the same number gives the same key and the same bytes, in every process."""

from hashlib import blake2b, shake_128

from emoticon.domain.keeping import Label
from emoticon.domain.models import Format, Picture
from emoticon.domain.pictures import KEY_BYTES, picture, style_tag

MEAN_BYTES = 3352


def key_of(number: int) -> bytes:
    return blake2b(b"%d" % number, digest_size=KEY_BYTES).digest()


def label_of(number: int, owner: int | None = None) -> Label:
    """Return the label of a picture; None: the owner has the same number."""
    return Label(key_of(number), number if owner is None else owner, style_tag("moods"))


def drawn(
    number: int,
    size_bytes: int = MEAN_BYTES,
    picture_format: Format = Format.PNG,
    size_px: int = 128,
) -> Picture:
    """Return a picture with a body that no compression and no other number resembles."""
    return picture(shake_128(b"%d" % number).digest(size_bytes), picture_format, size_px)
