"""DiceBear's HTTP API: `/10.x/{style}/{format}?seed=`, and the names that its older versions had for the same.

What is drawn is always DiceBear 10. As there, parameters that a style does not have say nothing.
"""

from collections.abc import Mapping
from dataclasses import replace

from emoticon.domain.dropins.options import Pairs, Schema, gather, number, one_value, typed
from emoticon.domain.dropins.wishes import Wish, nearest_size
from emoticon.domain.models import Format
from emoticon.domain.styles import Catalogue

VERSIONS = range(5, 11)
DEFAULT_PX = 128

_NO_OPTIONS = frozenset({"seed", "size"})
_NAMES_BEFORE_10: Mapping[str, str] = {
    "radius": "borderRadius",
    "backgroundType": "backgroundColorFill",
    "backgroundRotation": "backgroundColorAngle",
}
_VALUES_BEFORE_10: Mapping[str, Mapping[str, str]] = {
    "flip": {"true": "horizontal", "false": "none"},
    "backgroundColorFill": {"gradientLinear": "linear"},
}
_TRANSPARENT = {"transparent": "00000000"}
_PERCENT = 100
_STAND_IN_SEED = "-"


def wish(
    catalogue: Catalogue, version: int, style: str, picture_format: Format, pairs: Pairs
) -> Wish:
    """Return what the parameters ask for. Of `seed` and `size` the last counts; without a seed it is the empty one.

    Raises:
        InvalidLook: a value does not fit the style, the seed cannot be used, or there are too many parameters.
        InvalidSize: see `nearest_size`.
        UnknownStyle: see `Catalogue.options`.
    """
    pairs = tuple(pairs)
    schema = catalogue.options(style)
    single = dict(pair for pair in pairs if pair[0] in _NO_OPTIONS)
    texts = gather(pair for pair in pairs if pair[0] not in _NO_OPTIONS)
    if version < VERSIONS[-1]:
        texts = _as_10(texts, schema)
    known = {
        name: [_value(name, value) for value in values]
        for name, values in texts.items()
        if one_value(name, schema)
    }
    seed = single.get("seed", "")
    look = catalogue.look(style, seed or _STAND_IN_SEED, typed(known, schema))
    size_px = nearest_size(single.get("size", ""), DEFAULT_PX)
    # Looks of accounts have no empty seed, but whoever names none there gets the picture of that one.
    return Wish(replace(look, seed=seed), size_px, picture_format)


def _value(name: str, text: str) -> str:
    """Return what a value is called here. Variants may have weights there: `eyesVariant=happy:3,wink:1`."""
    if name.endswith("Variant"):
        return text.partition(":")[0]
    return _TRANSPARENT.get(text, text) if name.endswith("Color") else text


def _as_10(texts: Mapping[str, list[str]], schema: Schema) -> dict[str, list[str]]:
    """Return parameters of an older version as 10 calls them, without the values that are gone since then."""
    renamed: dict[str, list[str]] = {}
    for old, values in texts.items():
        name = _NAMES_BEFORE_10.get(old, old)
        if not one_value(name, schema):
            name += "Variant"
        others = _VALUES_BEFORE_10.get(name, {})
        wanted = [others.get(value, value) for value in values]
        possible = one_value(name, schema).get("enum", wanted)
        renamed[name] = [value for value in wanted if value in possible]
    if "scale" in renamed:
        renamed["scale"] = [f"{number(text) / _PERCENT:g}" for text in renamed["scale"]]
    return renamed
