"""What looks of DiceBear's styles may choose, as JSON Schema: what the library says of each style, with bounds.

Left out is what a picture is asked for with (its size, its seed), what makes two drawings of a look differ, what is
written into it as text, and weights: they belong to crowds of faces, not to one.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any, Final

from emoticon.adapters.generators import styles
from emoticon.adapters.generators.lettering import LETTERED
from emoticon.domain.errors import InvalidLook

MAX_ITEMS: Final = 64
COLOUR: Final = r"^#?([0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})(?!\n)$"
"""The look-ahead is for Python, where `$` also matches before a line feed at the end."""

_LEFT_OUT: Final = frozenset({"seed", "size", "idRandomization", "title", "fontFamily"})
_MAX_STOPS: Final = MAX_ITEMS
_INTEGERS: Final = ("fontWeight", "ColorFillStops")
_PAIR: Final = 2


@cache
def schema(style: str) -> Mapping[str, Any]:
    """Return the schema of a style that exists."""
    from dicebear import OptionsDescriptor  # noqa: PLC0415 - see the module `styles`

    described = OptionsDescriptor(styles.unvalidated(styles.definition(style))).to_json()
    left_out = _LEFT_OUT if style in LETTERED else _LEFT_OUT | {"fontWeight"}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            name: _property(name, field)
            for name, field in described.items()
            if name not in left_out
        },
        "additionalProperties": False,
    }


def check(style: str, options: Mapping[str, Any]) -> None:
    """Return silently when they fit the schema of a style that exists. Raises InvalidLook."""
    error = next(iter(_validator(style).iter_errors(options)), None)
    if error is None:
        return
    if not error.absolute_path:
        raise InvalidLook("The style has no such option")
    raise InvalidLook(f"The option {error.absolute_path[0]} cannot have this value")


@cache
def _validator(style: str) -> Any:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - see the module `styles`

    return Draft202012Validator(schema(style))


def _property(name: str, field: Mapping[str, Any]) -> dict[str, Any]:
    match field["type"]:
        case "color":
            return _one_or_some({"type": "string", "pattern": COLOUR})
        case "enum":
            values = _tags(field["values"]) if field.get("open") else field["values"]
            one = {"enum": values}
            return _one_or_some(one, min(len(values), MAX_ITEMS)) if field.get("list") else one
        case kind:
            number = {
                "type": "integer" if name.endswith(_INTEGERS) else "number",
                "minimum": field["min"],
                "maximum": field.get("max", _MAX_STOPS),
            }
            if kind == "range":
                return _one_or_some(number, _PAIR, "One number, or the two between which it lies.")
            return _one_or_some(number) if field.get("list") else number


def _one_or_some(
    one: dict[str, Any],
    most: int = MAX_ITEMS,
    description: str = "One value, or several that the seed chooses from.",
) -> dict[str, Any]:
    some = {"type": "array", "items": one, "minItems": 1, "maxItems": most}
    return {"description": description, "anyOf": [one, some]}


def _tags(tags: Iterable[str]) -> list[str]:
    """Return what may be asked of tags such as `hair:long`: this one, any of its kind, or not those."""
    wanted = {part for tag in tags for part in (tag, tag.partition(":")[0])}
    return sorted({*wanted, *(f"!{tag}" for tag in wanted)})
