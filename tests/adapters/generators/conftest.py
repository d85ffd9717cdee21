"""The built-in generator as the service has it."""

from collections.abc import Iterator

import pytest

from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.workers import Workers


@pytest.fixture(scope="session")
def generator() -> Iterator[DiceBearGenerator]:
    workers = Workers("draw", threads=4, queue=1000, busy=DrawingBusy)
    yield DiceBearGenerator(VipsRasteriser(), workers, deadline_s=30)
    workers.close()
