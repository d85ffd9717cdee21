"""Options of styles as they stand in URLs: text, lists divided by commas or given in several parameters."""

import re
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from emoticon.domain.errors import InvalidLook

Pairs: TypeAlias = Iterable[tuple[str, str]]
"""The parameters of a URL, decoded, in their order."""
Schema: TypeAlias = Mapping[str, Any]
"""What `Generator.options` says of a style."""
Options: TypeAlias = dict[str, Any]

MAX_OPTIONS = 100
MAX_VALUES = 64

_LISTED = "[]"
_NUMBER = re.compile(r"-?[0-9]{1,6}(?:\.[0-9]{1,6})?")
_NUMERIC = frozenset({"integer", "number"})


def gather(pairs: Pairs) -> dict[str, list[str]]:
    """Return the values of each parameter; one of no value has an empty list.

    `a[]=x&a[]=y`, `a=x&a=y` and `a=x,y` are the same. Raises InvalidLook when there are too many.
    """
    texts: dict[str, list[str]] = {}
    for name, text in pairs:
        values = texts.setdefault(name.removesuffix(_LISTED), [])
        values.extend(value for value in text.split(",") if value)
        if len(values) > MAX_VALUES or len(texts) > MAX_OPTIONS:
            raise InvalidLook("These are too many options")
    return texts


def typed(texts: Mapping[str, list[str]], schema: Schema) -> Options:
    """Return options with values of the types that the schema has for them; a list of one value is that value.

    Those of no value are left out. Whether they fit the schema is not looked at. Raises InvalidLook for what has to be
    a number and is none.
    """
    return {name: _typed(name, values, schema) for name, values in texts.items() if values}


def one_value(name: str, schema: Schema) -> Schema:
    """Return the schema of one value of an option, an empty one if the style has no such option."""
    option = schema.get("properties", {}).get(name, {})
    alone: Schema = option.get("anyOf", [option])[0]
    return alone


def _typed(name: str, texts: list[str], schema: Schema) -> Any:
    if one_value(name, schema).get("type") in _NUMERIC:
        values: list[Any] = [number(text) for text in texts]
    else:
        values = list(texts)
    return values if len(values) > 1 else values[0]


def number(text: str) -> float:
    """Return a number in plain digits, whole where it can be. Raises InvalidLook."""
    if not _NUMBER.fullmatch(text):
        raise InvalidLook("This option is a number in plain digits")
    value = float(text)
    return int(value) if value.is_integer() else value
