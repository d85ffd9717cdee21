"""Short ids of looks, to be shared: everything that another account needs to look the same, in URL-safe letters.

An id is base64url of a byte that says how the rest is written, and the rest: style, options and seed, divided by zero
bytes. A seed such as new looks have, hexadecimal digits, takes half its length. What belongs to one account alone, an
uploaded picture, is in no id; nor is the version of the generator, for a look that is taken over begins with today's.
"""

import base64
import json
import re
import zlib
from typing import Any, Final

from emoticon.domain.errors import InvalidLook

MAX_LENGTH: Final = 1500

_FORMAT: Final = 0x10
_HEX_SEED: Final = 1
_DEFLATED: Final = 2
_MAX_BYTES: Final = 4096
_ID = re.compile(r"[A-Za-z0-9_-]{2,1500}")
_HEX = re.compile(r"(?:[0-9a-f]{2})+")
_NO_OPTIONS = "{}"
_RAW = -15


def encode(style: str, seed: str, options: str) -> str:
    """Return the id of a style, a seed and options as canonical JSON. Raises InvalidLook if it would be too long."""
    head = _FORMAT
    tail = seed.encode()
    if _HEX.fullmatch(seed):
        head |= _HEX_SEED
        tail = bytes.fromhex(seed)
    chosen = "" if options == _NO_OPTIONS else options
    plain = b"\0".join((style.encode(), chosen.encode(), tail))
    packer = zlib.compressobj(9, wbits=_RAW)
    packed = packer.compress(plain) + packer.flush()
    if len(packed) < len(plain):
        head, plain = head | _DEFLATED, packed
    look_id = base64.urlsafe_b64encode(bytes((head,)) + plain).decode().rstrip("=")
    if len(look_id) > MAX_LENGTH:
        raise InvalidLook("The seed and the options are too long together")
    return look_id


def decode(look_id: str) -> tuple[str, str, dict[str, Any]]:
    """Return style, seed and options of an id of any shape, to be checked as what anybody sends.

    Raises:
        InvalidLook: for every defect alike.

    """
    try:
        return _decode(look_id)
    except (ValueError, RecursionError, zlib.error):
        raise InvalidLook("This is no id of a look") from None


def _decode(look_id: str) -> tuple[str, str, dict[str, Any]]:
    if not _ID.fullmatch(look_id):
        raise ValueError
    data = base64.b64decode(look_id + "=" * (-len(look_id) % 4), altchars=b"-_", validate=True)
    head, rest = data[0], data[1:]
    if head & ~(_HEX_SEED | _DEFLATED) != _FORMAT:
        raise ValueError
    if head & _DEFLATED:
        unpacker = zlib.decompressobj(_RAW)
        rest = unpacker.decompress(rest, _MAX_BYTES)
        if not unpacker.eof or unpacker.unused_data:
            raise ValueError
    style, chosen, seed = rest.split(b"\0", 2)
    options = json.loads(chosen or _NO_OPTIONS)
    if not isinstance(options, dict):
        raise ValueError  # noqa: TRY004 - as every other defect
    return style.decode(), seed.hex() if head & _HEX_SEED else seed.decode(), options
