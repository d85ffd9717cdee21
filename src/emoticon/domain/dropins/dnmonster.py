"""dnmonster, which draws a monster for any text: `/monster/{id}?size=`."""

from emoticon.domain.dropins.wishes import Wish, first_choice, nearest_size
from emoticon.domain.models import Format
from emoticon.domain.styles import Catalogue

DEFAULT_PX = 20
STYLE = "critters"


def wish(catalogue: Catalogue, name: str, size: str) -> Wish:
    """Return the wish for the critter of a name, as a PNG, 20 pixels wide when no size is given.

    Raises:
        InvalidLook: see `Catalogue.look`; nothing else is asked of the name.
        InvalidSize: see `nearest_size`.
    """
    size_px = nearest_size(size, DEFAULT_PX)
    return Wish(catalogue.look(first_choice(catalogue, STYLE), name, {}), size_px, Format.PNG)
