"""Content negotiation (RFC 9110 section 12.5.1) and conditional requests (section 13.1.2) for pictures."""

import re
from collections.abc import Iterable

from emoticon.domain.models import Format

_RANGE = re.compile(r"\s*([\w*+.-]+/[\w*+.-]+)\s*((?:;[^,]*)?)")
_WEIGHT = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)\s*(?:;|$)", re.IGNORECASE)
_PREFERENCE = (Format.WEBP, Format.PNG, Format.AVIF, Format.SVG)
_MAX_LENGTH = 1000


def negotiate(accept: str, *, scalable: bool = True) -> Format:
    """Return the best format for an Accept header; PNG when it names none that we draw.

    What is not `scalable` has no SVG. Wildcards stand for PNG only: a client that can show more says so by name.
    """
    weights: dict[str, float] = {}
    for media_range, parameters in _RANGE.findall(accept[:_MAX_LENGTH]):
        weight = _WEIGHT.search(parameters)
        weights[media_range.lower()] = float(weight.group(1)) if weight else 1.0
    wildcard = weights.get("image/*", weights.get("*/*", 0.0))
    png = weights.get(Format.PNG.media_type, wildcard)
    best, best_weight = Format.PNG, png
    for candidate in _PREFERENCE if scalable else _PREFERENCE[:-1]:
        weight_of = png if candidate is Format.PNG else weights.get(candidate.media_type, 0.0)
        if weight_of > best_weight or (weight_of == best_weight > 0 and candidate is Format.WEBP):
            best, best_weight = candidate, weight_of
    return best


def matches(if_none_match: Iterable[str], etag: str) -> bool:
    """Say whether the client has this entity tag already; compared weakly, as If-None-Match asks.

    The tag has no comma, so that lists can be divided at each, also at one within another tag; as nginx does it.
    """
    return any(
        value.strip() == "*"
        or etag in (part.strip(" \t").removeprefix("W/") for part in value.split(","))
        for value in if_none_match
    )
