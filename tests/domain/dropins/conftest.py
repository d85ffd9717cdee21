"""The real styles, for what clients of other services ask of them. Nothing is drawn."""

from collections.abc import Callable, Generator
from functools import partial

import pytest

from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.generators import Generators
from emoticon.domain.models import BUILT_IN
from emoticon.domain.styles import Catalogue
from emoticon.domain.workers import Workers

Catalogues = Callable[..., Catalogue]


@pytest.fixture(scope="session")
def catalogues() -> Generator[Catalogues]:
    """Makes catalogues, with the names of the styles that may be chosen as their argument."""
    workers = Workers("draw", threads=1, queue=1, busy=DrawingBusy)
    generator = DiceBearGenerator(VipsRasteriser(), workers, deadline_s=1)
    yield partial(Catalogue, Generators({BUILT_IN: generator}, "moods"), "moods")
    workers.close()


@pytest.fixture
def catalogue(catalogues: Catalogues) -> Catalogue:
    """All styles, and `moods` where none is named."""
    return catalogues()
