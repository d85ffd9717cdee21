"""The public generator."""

from typing import Final

from emoticon.domain.emoticons import Emoticons
from emoticon.domain.models import Limit, Look
from emoticon.domain.ports import Limiter
from emoticon.domain.public import PublicGenerator
from emoticon.settings import Settings
from emoticon.wiring.looks import catalogue

_WINDOW_S: Final = 60


def public_generator(
    settings: Settings, emoticons: Emoticons, neutral: Look, limiter: Limiter | None
) -> PublicGenerator:
    """Return what draws for anybody; whether anybody can ask it is for the routes to say."""
    return PublicGenerator(
        emoticons,
        catalogue(settings, emoticons.generators),
        neutral,
        limiter,
        Limit("drawings", settings.address_drawings, _WINDOW_S),
    )
