"""Gravatar and Libravatar, which show the picture of an e-mail address: `/avatar/{hash}?s=&d=&f=&r=`.

Nobody is looked up by an address here, so what a client wants to see of unknown people is what it always sees.
"""

import re
from collections.abc import Mapping
from enum import StrEnum

from emoticon.domain.dropins.wishes import first_choice
from emoticon.domain.errors import InvalidInput
from emoticon.domain.models import Look
from emoticon.domain.styles import Catalogue

DEFAULT_PX = 80
HASH = r"^(?:[0-9A-Fa-f]{32}|[0-9A-Fa-f]{64})(?:\.(?:png|jpe?g|gif|webp))?$"
"""MD5 or SHA-256, perhaps with a suffix, which says nothing: what is drawn is PNG."""

STYLES: Mapping[str, str] = {
    "identicon": "identicon",
    "monsterid": "critters",
    "retro": "pixel-art",
    "robohash": "voxel-bot",
    "wavatar": "thumbs",
}


class Instead(StrEnum):
    """What may be shown of somebody unknown and is of no style; the value is its name in URLs."""

    NOTHING = "404"
    BLANK = "blank"
    NEUTRAL = "mp"
    NEUTRAL_BEFORE = "mm"


def seen(catalogue: Catalogue, digest: str, default: str) -> Look | Instead:
    """Return what is seen of a hash, whoever it may be of.

    `default` is what a client wants to see of somebody unknown: a name of the above, or a style of the catalogue. URLs,
    which nobody fetches, and words that say nothing here are as none.

    Raises:
        InvalidInput: it is no hash.
    """
    if not re.fullmatch(HASH, digest):
        raise InvalidInput("A hash is MD5 or SHA-256 in hexadecimal digits")
    if default in tuple(Instead):
        return Instead(default)
    style = first_choice(catalogue, STYLES.get(default, default))
    return catalogue.look(style, digest.partition(".")[0].lower(), {})
