"""Facts about uploaded pictures as they are drawn: from a real store, by the real rasteriser."""

import asyncio
from collections.abc import Generator
from pathlib import Path

import pytest
from typing_extensions import override

from emoticon.adapters.blobs.local import LocalBlobStore
from emoticon.adapters.generators.originals import OriginalGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.blobs import blob_name, new_place
from emoticon.domain.errors import (
    DrawingBusy,
    DrawingFailed,
    DrawingTimedOut,
    NoVector,
    UnknownStyle,
)
from emoticon.domain.models import Format, Look
from emoticon.domain.workers import Workers

SVG = b'<svg xmlns="http://www.w3.org/2000/svg" width="512" height="512"><circle r="300"/></svg>'
MAGIC = {Format.PNG: b"\x89PNG", Format.WEBP: b"RIFF", Format.AVIF: b"\0\0\0"}


class Slow(LocalBlobStore):
    """Answers when `opens` is set."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.opens = asyncio.Event()
        self.opens.set()

    @override
    async def get(self, name: str, *, max_bytes: int) -> bytes | None:
        await self.opens.wait()
        return await super().get(name, max_bytes=max_bytes)


@pytest.fixture
def store(tmp_path: Path) -> Slow:
    return Slow(tmp_path)


@pytest.fixture
def workers() -> Generator[Workers]:
    opened = Workers("draw", threads=1, queue=10, busy=DrawingBusy)
    yield opened
    opened.close()


@pytest.fixture
def generator(store: Slow, workers: Workers) -> OriginalGenerator:
    return OriginalGenerator(store, VipsRasteriser(), workers, deadline_s=60, most_reads=2)


@pytest.fixture(scope="module")
def picture() -> bytes:
    return VipsRasteriser().rasterise(SVG, 512, Format.WEBP, lossless=True)


async def look_of(store: Slow, data: bytes) -> Look:
    """Put an original and return the look that shows it."""
    place = new_place(7, data)
    await store.put(blob_name(place.name), data)
    return Look("moods", "seed", original=place.name)


@pytest.mark.parametrize("picture_format", [Format.PNG, Format.WEBP, Format.AVIF])
async def test_it_is_drawn_in_every_format_of_pixels(
    generator: OriginalGenerator, store: Slow, picture: bytes, picture_format: Format
) -> None:
    look = await look_of(store, picture)
    drawing = await generator.draw(look, 64, picture_format)
    assert drawing.body.startswith(MAGIC[picture_format])
    assert drawing.took_ms > 0
    assert (await generator.draw(look, 64, picture_format)).body == drawing.body


async def test_it_has_no_svg(generator: OriginalGenerator, store: Slow, picture: bytes) -> None:
    with pytest.raises(NoVector):
        await generator.draw(await look_of(store, picture), 64, Format.SVG)


async def test_what_is_lost_or_damaged_or_named_by_nobody_cannot_be_drawn(
    generator: OriginalGenerator, store: Slow, picture: bytes
) -> None:
    look = await look_of(store, picture)
    await store.put(blob_name(look.original), picture + b"x")
    with pytest.raises(DrawingFailed, match="lost"):
        await generator.draw(look, 64, Format.PNG)
    await store.delete(blob_name(look.original))
    with pytest.raises(DrawingFailed, match="lost"):
        await generator.draw(look, 64, Format.PNG)
    with pytest.raises(DrawingFailed, match="lost"):
        await generator.draw(Look("moods", "seed", original="../x"), 64, Format.PNG)


async def test_what_is_no_picture_cannot_be_drawn(
    generator: OriginalGenerator, store: Slow
) -> None:
    with pytest.raises(DrawingFailed):
        await generator.draw(await look_of(store, b"no picture"), 64, Format.PNG)


async def test_it_is_given_up_after_its_deadline(
    store: Slow, workers: Workers, picture: bytes
) -> None:
    hasty = OriginalGenerator(store, VipsRasteriser(), workers, deadline_s=0.05, most_reads=2)
    look = await look_of(store, picture)
    store.opens.clear()
    with pytest.raises(DrawingTimedOut):
        await hasty.draw(look, 64, Format.PNG)


async def test_so_many_are_read_at_once_and_one_more_is_refused(
    generator: OriginalGenerator, store: Slow, picture: bytes
) -> None:
    look = await look_of(store, picture)
    store.opens.clear()
    reading = [asyncio.create_task(generator.draw(look, 64, Format.PNG)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(DrawingBusy):
        await generator.draw(look, 64, Format.PNG)
    store.opens.set()
    await asyncio.gather(*reading)
    await generator.draw(look, 64, Format.PNG)


def test_it_has_a_revision_and_no_styles(generator: OriginalGenerator) -> None:
    assert generator.revision.startswith("original+vips")
    assert generator.version == 1
    assert generator.style_names == ()
    with pytest.raises(UnknownStyle):
        generator.style("original")
