"""What accounts look like: the look that they begin with, and what they may choose."""

from collections.abc import Callable
from functools import partial

from emoticon.adapters.generators.dicebear import GENERATOR_VERSION
from emoticon.domain.generators import Generators
from emoticon.domain.looks import new_look
from emoticon.domain.models import UPSTREAM, Look
from emoticon.domain.styles import Catalogue
from emoticon.settings import Settings
from emoticon.wiring.machine import StartError


def first_look(settings: Settings) -> Callable[[], Look]:
    """Return what gives new accounts their look."""
    if settings.default_style == UPSTREAM:
        version = settings.upstream_version
        return partial(new_look, UPSTREAM, generator=UPSTREAM, generator_version=version)
    return partial(
        new_look, settings.default_style, settings.palette, generator_version=GENERATOR_VERSION
    )


def catalogue(settings: Settings, generators: Generators) -> Catalogue:
    """Return what may be chosen. Raises StartError for styles that do not exist."""
    known = Catalogue(generators, settings.default_style).names
    for style in settings.styles:
        if style not in known:
            raise StartError(
                f"EMOTICON_STYLES names {style!r}, which is no style; `emoticon styles` lists them"
            )
    if settings.styles and settings.default_style not in settings.styles:
        raise StartError(
            f"EMOTICON_DEFAULT_STYLE={settings.default_style!r} is not among EMOTICON_STYLES"
        )
    return Catalogue(generators, settings.default_style, settings.styles, settings.palette)
