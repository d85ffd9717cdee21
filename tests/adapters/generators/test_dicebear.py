"""Facts about the built-in generator."""

import asyncio
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from hashlib import sha256
from threading import Event

import pytest
import pyvips
from hypothesis import given, settings
from hypothesis import strategies as st
from typing_extensions import override

from emoticon.adapters.generators import styles
from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingBusy, DrawingFailed, DrawingTimedOut, UnknownStyle
from emoticon.domain.media import Rasteriser
from emoticon.domain.models import Format, Look
from emoticon.domain.workers import Workers

MOODS = Look("moods", "Anna")


def parsed(svg: bytes) -> ET.Element:
    return ET.fromstring(svg)  # noqa: S314 - our own drawing


class GatedRasteriser(Rasteriser):
    """Draws nothing, once the gate is open."""

    def __init__(self) -> None:
        self.gate = Event()
        self.begun = Event()

    @property
    @override
    def revision(self) -> str:
        return "gated"

    @override
    def rasterise(
        self, svg: bytes, size_px: int, picture_format: Format, *, lossless: bool
    ) -> bytes:
        self.begun.set()
        assert self.gate.wait(30)
        return b"drawn"

    @override
    def resize(self, webp: bytes, size_px: int, picture_format: Format) -> bytes:
        raise DrawingFailed


@pytest.fixture
def one_thread() -> Iterator[Workers]:
    workers = Workers("one", threads=1, queue=1, busy=DrawingBusy)
    yield workers
    workers.close()


@pytest.mark.parametrize("picture_format", [Format.PNG, Format.WEBP, Format.AVIF])
@pytest.mark.parametrize("size_px", [16, 77, 128, 512])
async def test_a_picture_opens_at_its_size(
    generator: DiceBearGenerator, picture_format: Format, size_px: int
) -> None:
    image = pyvips.Image.new_from_buffer(
        (await generator.draw(MOODS, size_px, picture_format)).body, ""
    )
    assert (image.width, image.height) == (size_px, size_px)


async def test_svg_says_its_size(generator: DiceBearGenerator) -> None:
    root = parsed((await generator.draw(MOODS, 77, Format.SVG)).body)
    assert (root.get("width"), root.get("height")) == ("77", "77")


@pytest.mark.parametrize(
    "title", ["Anna", "Жанна & שלום", '"><script>alert(1)</script>', "' onload='alert(1)", ""]
)
async def test_svg_is_named_emoticon_unless_the_look_has_a_title(
    generator: DiceBearGenerator, title: str
) -> None:
    options = json.dumps({"title": title})
    for look, name in ((MOODS, "Emoticon"), (Look("moods", "Anna", options), title)):
        root = parsed((await generator.draw(look, 64, Format.SVG)).body)
        assert (root.get("role"), root.get("aria-label")) == ("img", name)
        assert [found.text or "" for found in root.iterfind("{*}title")] == [name]
        assert not [element for element in root.iter() if element.tag.endswith("script")]


@pytest.mark.parametrize("picture_format", Format)
async def test_a_look_is_drawn_the_same_in_every_process(
    generator: DiceBearGenerator, one_thread: Workers, picture_format: Format
) -> None:
    other = DiceBearGenerator(VipsRasteriser(), one_thread, deadline_s=30)
    for style in ("moods", "glass", "icons"):
        look = Look(style, "Anna")
        first = (await generator.draw(look, 64, picture_format)).body
        assert (await other.draw(look, 64, picture_format)).body == first


@pytest.mark.parametrize(
    ("style", "digest"),
    [
        ("moods", "81703f5efcd5ae3c"),
        ("critters", "fde8ef1db48cf582"),
        ("initials", "72e2d7b164c36616"),
    ],
)
async def test_an_upgrade_gives_nobody_another_face(
    generator: DiceBearGenerator, style: str, digest: str
) -> None:
    """Looks are drawn the same for ever: whoever changes a digest changes what all accounts look like."""
    svg = (await generator.draw(Look(style, "Anna"), 128, Format.SVG)).body
    assert sha256(svg).hexdigest()[:16] == digest


async def test_seed_options_and_style_change_the_picture(generator: DiceBearGenerator) -> None:
    looks = [
        MOODS,
        Look("moods", "Boris"),
        Look("moods", "Anna", '{"flip":"horizontal"}'),
        Look("critters", "Anna"),
    ]
    pictures = {(await generator.draw(look, 64, Format.PNG)).body for look in looks}
    assert len(pictures) == len(looks)


async def test_inlined_drawings_do_not_share_ids(generator: DiceBearGenerator) -> None:
    looks = [MOODS, Look("moods", "Boris"), Look("critters", "Anna")]
    drawings = [(await generator.draw(look, 64, Format.SVG)).body for look in looks]
    ids = [
        {
            element.get("id")
            for element in parsed(drawing).iter()
            if element.get("id", "").startswith("clip-")
        }
        for drawing in drawings
    ]
    assert all(ids)
    assert len(set.union(*ids)) == sum(map(len, ids))


async def test_options_cannot_replace_what_the_look_and_the_caller_say(
    generator: DiceBearGenerator,
) -> None:
    """Random ids would also make every drawing differ from the last."""
    options = '{"idRandomization":true,"seed":"Boris","size":4096}'
    plain = (await generator.draw(MOODS, 64, Format.SVG)).body
    assert (await generator.draw(Look("moods", "Anna", options), 64, Format.SVG)).body == plain


@pytest.mark.parametrize(
    "options",
    [
        "",
        "{",
        "[]",
        "null",
        "3",
        '"moods"',
        "[" * 100_000,
        '{"size":' + "9" * 5000 + "}",
        '{"scale":NaN}',
        '{"scale":1e999}',
        '{"surprise":1}',
        '{"href":"https://example.org/x.png"}',
        '{"onload":"alert(1)"}',
        '{"flip":"sideways"}',
        '{"backgroundColor":"url(https://example.org/x)"}',
        '{"backgroundColor":"red\\" onload=\\"alert(1)"}',
        '{"fontFamily":"x\\"><script>alert(1)</script>"}',
        '{"title":"a\\u0000b"}',
        '{"title":"a\\ud800b"}',
        '{"title":"a\\uffffb"}',
    ],
)
@pytest.mark.parametrize("picture_format", [Format.SVG, Format.PNG])
async def test_options_that_no_style_takes_fail(
    generator: DiceBearGenerator, options: str, picture_format: Format
) -> None:
    with pytest.raises(DrawingFailed):
        await generator.draw(Look("initials", "Anna", options), 64, picture_format)


@pytest.mark.parametrize(
    "options",
    [
        '{"title":"</title><script>alert(1)</script>"}',
        '{"title":"\\" onload=\\"alert(1)"}',
        '{"tags":"https:example"}',
        '{"eyesVariant":"nobodyHasThis"}',
    ],
)
async def test_text_in_options_stays_text(generator: DiceBearGenerator, options: str) -> None:
    root = parsed((await generator.draw(Look("moods", "Anna", options), 64, Format.SVG)).body)
    for element in root.iter():
        assert not element.tag.endswith("script")
        assert not [name for name in element.attrib if name.startswith("on")]


@settings(deadline=None)
@given(seed=st.text(max_size=40), style=st.sampled_from(["initials", "moods", "identicon"]))
async def test_any_seed_is_drawn_or_fails(
    generator: DiceBearGenerator, seed: str, style: str
) -> None:
    """Only text that cannot be encoded fails."""
    try:
        svg = (await generator.draw(Look(style, seed), 64, Format.SVG)).body
    except DrawingFailed:
        with pytest.raises(UnicodeEncodeError):
            seed.encode()
    else:
        assert parsed(svg).tag == "{http://www.w3.org/2000/svg}svg"


@pytest.mark.parametrize("style", ["", "nothing", "../moods", "moods.json", "Moods"])
async def test_a_style_of_another_name_is_unknown(generator: DiceBearGenerator, style: str) -> None:
    with pytest.raises(UnknownStyle):
        await generator.draw(Look(style, "Anna"), 64, Format.PNG)
    with pytest.raises(UnknownStyle):
        generator.style(style)
    with pytest.raises(UnknownStyle):
        await generator.warm(style)


@pytest.mark.parametrize(("name", "number"), [("dicebear", 9), ("dicebear", 11), ("upstream", 10)])
async def test_looks_of_other_generators_fail(
    generator: DiceBearGenerator, name: str, number: int
) -> None:
    with pytest.raises(DrawingFailed):
        await generator.draw(
            Look("moods", "Anna", generator=name, generator_version=number), 64, Format.PNG
        )


def test_styles_are_named_and_described(generator: DiceBearGenerator) -> None:
    assert tuple(generator.style_names) == styles.names()
    assert generator.style("moods").license == "CC0 1.0"
    assert generator.version == 10


def test_the_revision_is_short_and_follows_the_rasteriser(
    generator: DiceBearGenerator, one_thread: Workers
) -> None:
    gated = DiceBearGenerator(GatedRasteriser(), one_thread, deadline_s=1)
    assert gated.revision != generator.revision
    assert "gated" in gated.revision
    assert VipsRasteriser().revision in generator.revision
    assert len(generator.revision) <= 60


async def test_a_drawing_past_its_deadline_is_given_up_and_ends_by_itself(
    one_thread: Workers,
) -> None:
    rasteriser = GatedRasteriser()
    hasty = DiceBearGenerator(rasteriser, one_thread, deadline_s=0.01)
    patient = DiceBearGenerator(rasteriser, one_thread, deadline_s=30)
    with pytest.raises(DrawingTimedOut):
        await hasty.draw(MOODS, 64, Format.PNG)
    rasteriser.gate.set()
    assert (await patient.draw(MOODS, 64, Format.PNG)).body == b"drawn"


async def test_the_time_of_a_drawing_is_that_of_its_work_without_the_wait(
    one_thread: Workers,
) -> None:
    """The second waits for the first, then finds the gate open."""
    rasteriser = GatedRasteriser()
    generator = DiceBearGenerator(rasteriser, one_thread, deadline_s=30)
    await generator.draw(MOODS, 64, Format.SVG)
    async with asyncio.TaskGroup() as tasks:
        first, second = (tasks.create_task(generator.draw(MOODS, 64, Format.PNG)) for _ in range(2))
        await asyncio.to_thread(rasteriser.begun.wait, 30)
        await asyncio.to_thread(rasteriser.gate.wait, 0.3)
        rasteriser.gate.set()
    assert 0 < second.result().took_ms < first.result().took_ms


async def test_one_more_than_threads_and_queue_is_refused(one_thread: Workers) -> None:
    rasteriser = GatedRasteriser()
    generator = DiceBearGenerator(rasteriser, one_thread, deadline_s=30)
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(generator.draw(MOODS, 64, Format.PNG)) for _ in range(2)]
        await asyncio.to_thread(rasteriser.begun.wait, 30)
        with pytest.raises(DrawingBusy):
            await generator.draw(MOODS, 64, Format.PNG)
        rasteriser.gate.set()
    assert [task.result().body for task in waiting] == [b"drawn", b"drawn"]


async def test_threads_draw_the_same_bytes_as_one(one_thread: Workers) -> None:
    """A new generator, so that they also meet while its styles are loaded."""
    workers = Workers("many", threads=8, queue=1000, busy=DrawingBusy)
    many = DiceBearGenerator(VipsRasteriser(), workers, deadline_s=30)
    looks = [Look(style, "Anna") for style in ("moods", "avataaars", "initials", "notionists")]
    together = await asyncio.gather(
        *(many.draw(look, 48, Format.PNG) for look in looks for _ in range(12))
    )
    workers.close()
    one = DiceBearGenerator(VipsRasteriser(), one_thread, deadline_s=30)
    alone = [(await one.draw(look, 48, Format.PNG)).body for look in looks for _ in range(12)]
    assert [drawing.body for drawing in together] == alone


async def test_the_event_loop_runs_on_during_a_long_drawing(generator: DiceBearGenerator) -> None:
    turns = 0
    drawing = asyncio.create_task(generator.draw(Look("glass", "Anna"), 512, Format.AVIF))
    while not drawing.done():
        turns += 1
        await asyncio.sleep(0)
    assert (await drawing).body
    assert turns > 100


async def test_warming_loads_the_style_and_the_rasteriser(one_thread: Workers) -> None:
    rasteriser = GatedRasteriser()
    rasteriser.gate.set()
    await DiceBearGenerator(rasteriser, one_thread, deadline_s=0).warm("moods")
    assert rasteriser.begun.is_set()
