"""The styles of the `dicebear-styles` package: their names, their authors, their drawings.

The library is imported when the first style is drawn: it takes 0.2 s, most of it for JSON Schema.
"""

import json
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from threading import Lock
from typing import TYPE_CHECKING, Any

from emoticon.domain.models import Style

if TYPE_CHECKING:
    import dicebear

_SUFFIX = ".json"
_BLANK = {"canvas": {"width": 1, "height": 1, "elements": []}}


class Styles:
    """Threads may share it. A style is read when it is first used, in at most 10 ms, and kept."""

    def __init__(self) -> None:
        self._loaded: dict[str, dicebear.Style] = {}
        self._lock = Lock()

    def compose(self, name: str, options: Mapping[str, Any]) -> str:
        """Return the SVG of a style that exists. Takes 0.2 to 2 ms.

        Raises RuntimeError, ValueError or another exception of the library for options that it does not take.
        """
        from dicebear import Avatar  # noqa: PLC0415 - see the module

        # A style builds its parts when they are first drawn, in steps that another thread may see half done.
        with self._lock:
            style = self._loaded.get(name)
            if style is None:
                style = self._loaded[name] = unvalidated(definition(name))
            return str(Avatar(style, dict(options)))


@cache
def names() -> tuple[str, ...]:
    """Return the names of all styles, sorted, without reading any."""
    entries = (entry.name for entry in files("dicebear_styles").iterdir())
    return tuple(sorted(name.removesuffix(_SUFFIX) for name in entries if name.endswith(_SUFFIX)))


@cache
def describe(name: str) -> Style:
    """Return what the definition of a style that exists says about itself."""
    return described(name, definition(name))


def described(name: str, data: Mapping[str, Any]) -> Style:
    """Return what this definition says about itself; "" for what it does not say."""
    meta = data.get("meta", {})
    creator, source, license_ = (meta.get(key, {}) for key in ("creator", "source", "license"))
    return Style(
        name=name,
        title=name.replace("-", " ").title(),
        creator=creator.get("name", ""),
        creator_url=creator.get("url", ""),
        source_url=source.get("url", ""),
        license=license_.get("name", ""),
        license_url=license_.get("url", ""),
    )


def definition(name: str) -> dict[str, Any]:
    """Read the definition of a style that exists."""
    text = files("dicebear_styles").joinpath(name + _SUFFIX).read_text("utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


def unvalidated(data: dict[str, Any]) -> "dicebear.Style":
    """Return the style of a definition that is known to be valid.

    The library validates every definition against a JSON Schema: 0.3 s for the default style, 2 s for the largest.
    Those of its own package have passed that before they were published. There is no public way around it, so a blank
    style is validated and then given the definition; everything else is derived from that when it is first needed.
    """
    from dicebear import Style as DiceBearStyle  # noqa: PLC0415 - see the module

    style = DiceBearStyle(_BLANK)
    style._data = data  # noqa: SLF001 - the one private name that we rely on; tests compare with validated styles
    return style
