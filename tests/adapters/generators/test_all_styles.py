"""Every style draws every seed in every format: pictures that open, and SVG that is only a drawing."""

import asyncio
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from typing import Any

import pytest
import pyvips

from emoticon.adapters.generators import styles
from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.models import Format, Look
from emoticon.domain.workers import Workers

SEEDS = (
    "",
    " ",
    "a",
    "Anna",
    "anna@example.org",
    "4",
    "00000000-0000-4000-8000-000000000000",
    "x" * 128,
    "O'Brien & Sons",
    '"><script>alert(1)</script>',
    "]]><!--%s{{7*7}}$(id)",
    "javascript:alert(1)//https://example.org",
    "\x00\x1b[31m\r\n\x7f",
    "Жанна Ωmega",
    "e\u0301\u0327\u0325" * 30,
    "東京 さくら",
    "김철수",
    "\u202eשלום עולם\u202c مرحبا",
    "\U0001f469\u200d\U0001f680\U0001f600",
    "\U00020000\U0010fffd\ufeff",
)
SIZE_PX = 64
LOADERS = {Format.PNG: "pngload", Format.WEBP: "webpload", Format.AVIF: "heifload"}
ELEMENTS = frozenset(
    """
    circle clipPath defs ellipse feBlend feColorMatrix feComposite feFlood feGaussianBlur feMorphology feOffset filter
    g line linearGradient mask path polygon radialGradient rect stop svg text title use
    """.split()
)
SVG = "{http://www.w3.org/2000/svg}"
OUTWARD = re.compile(r"url\((?!#)|//|javascript:|@import", re.IGNORECASE)


@pytest.fixture(scope="module")
def generators() -> Iterator[tuple[DiceBearGenerator, DiceBearGenerator]]:
    """Two that share nothing but the machine."""
    workers = Workers("draw", threads=4, queue=1000, busy=DrawingBusy)
    yield (
        DiceBearGenerator(VipsRasteriser(), workers, deadline_s=60),
        DiceBearGenerator(VipsRasteriser(), workers, deadline_s=60),
    )
    workers.close()


async def drawn(generator: DiceBearGenerator, style: str, picture_format: Format) -> list[bytes]:
    drawings = await asyncio.gather(
        *(generator.draw(Look(style, seed), SIZE_PX, picture_format) for seed in SEEDS)
    )
    return [drawing.body for drawing in drawings]


def opened(body: bytes) -> Any:
    return pyvips.Image.new_from_buffer(body, "")


@pytest.mark.parametrize("style", styles.names())
async def test_a_style_draws_every_seed_in_every_format_and_twice_the_same(
    generators: tuple[DiceBearGenerator, DiceBearGenerator], style: str
) -> None:
    for picture_format, loader in LOADERS.items():
        first, second = [await drawn(each, style, picture_format) for each in generators]
        assert first == second
        for seed, image in zip(SEEDS, map(opened, first), strict=True):
            assert image.get("vips-loader").startswith(loader), seed
            assert (image.width, image.height, image.bands >= 3) == (SIZE_PX, SIZE_PX, True), seed
            assert max(band.deviate() for band in image.bandsplit()) > 5, seed


@pytest.mark.parametrize("style", styles.names())
async def test_the_svg_of_a_style_is_a_drawing_with_a_name_and_nothing_else(
    generators: tuple[DiceBearGenerator, DiceBearGenerator], style: str
) -> None:
    first, second = [await drawn(each, style, Format.SVG) for each in generators]
    assert first == second
    assert len(set(first)) > 1
    for seed, svg in zip(SEEDS, first, strict=True):
        root = ET.fromstring(svg)  # noqa: S314 - our own drawing
        assert (root.tag, root.get("width"), root.get("height")) == (f"{SVG}svg", "64", "64")
        assert (root.get("role"), root.get("aria-label")) == ("img", "Emoticon"), seed
        assert root.get("aria-hidden") is None
        assert [title.text for title in root.iter(f"{SVG}title")] == ["Emoticon"], seed
        assert reaching_out(root) == [], seed


def reaching_out(root: ET.Element) -> list[str]:
    """What is neither a shape nor the licence's text, or refers to anything but a part of the same drawing."""
    found = []
    for element in (
        root,
        *(inner for part in root if part.tag != f"{SVG}metadata" for inner in part.iter()),
    ):
        if element.tag.removeprefix(SVG) not in ELEMENTS:
            found.append(element.tag)
        found += [
            f"{name}={value}"
            for name, value in element.items()
            if name.startswith("on")
            or OUTWARD.search(value)
            or (name.endswith("href") and not value.startswith("#"))
        ]
    return found


@pytest.mark.parametrize(
    "inside",
    [
        "<script/>",
        '<image href="#a"/>',
        '<use href="https://example.org/a.svg"/>',
        '<use href="data:image/png;base64,"/>',
        '<rect onload="alert(1)"/>',
        '<rect fill="url(//example.org)"/>',
        '<g style="background:url(a.png)"/>',
        "<foreignObject/>",
        '<html:p xmlns:html="http://www.w3.org/1999/xhtml"/>',
    ],
)
def test_a_drawing_that_reaches_out_would_be_seen(inside: str) -> None:
    root = ET.fromstring(f'<svg xmlns="http://www.w3.org/2000/svg"><g>{inside}</g></svg>')  # noqa: S314 - from above
    assert len(reaching_out(root)) == 1
