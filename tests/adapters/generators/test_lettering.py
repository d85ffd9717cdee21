"""Facts about letters: the fonts that come with the service are used, and nothing else is needed."""

import json
import struct
import subprocess
import sys
import unicodedata
from pathlib import Path
from typing import Any

import pytest
import pyvips

from emoticon.adapters.generators import lettering, styles
from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.models import Format, Look

FONTS = Path(lettering.__file__).with_name("fonts")
SEEDS = (
    "Anna",
    "Boris",
    "Жанна",
    "Ωmega",
    "東京 太郎",
    "王小明",
    "さくら",
    "カタカナ",
    "김철수",
    "Ａｎｎａ",
)
WRITTEN = b"""<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">
<text x="8" y="56" font-size="50" font-family="%s" font-weight="%d">%s</text></svg>"""

DRAW = """
import hashlib, json, sys
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.models import Format
for svg in json.loads(sys.argv[1]):
    png = VipsRasteriser().rasterise(svg.encode(), 64, Format.PNG, lossless=True)
    print(hashlib.sha256(png).hexdigest())
"""
DRAW_WITHOUT_US = """
import hashlib, json, pyvips, sys
for svg in json.loads(sys.argv[1]):
    pixels = pyvips.Image.svgload_buffer(svg.encode()).write_to_memory()
    print(hashlib.sha256(pixels).hexdigest())
"""


def written(letters: str, family: str = "Noto Sans", weight: int = 400) -> str:
    return (WRITTEN % (family.encode(), weight, letters.encode())).decode()


def lines(script: str, svgs: list[str], environment: dict[str, str]) -> list[str]:
    done = subprocess.run(
        [sys.executable, "-c", script, json.dumps(svgs)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    return done.stdout.split()


@pytest.fixture
def fontless(tmp_path: Path) -> dict[str, str]:
    """The environment of a machine without fonts, a home or any place to write."""
    config = tmp_path / "fonts.conf"
    config.write_text("<fontconfig><cachedir>/dev/null</cachedir></fontconfig>")
    return {"HOME": "/nonexistent", "FONTCONFIG_FILE": str(config)}


def test_letters_are_drawn_where_there_are_no_fonts(fontless: dict[str, str]) -> None:
    """Each letter differs from the others and from nothing, and nobody warns."""
    letters = (*"ABЖΩÉ東京さカ김々ㄅＡｱ", "")
    digests = lines(DRAW, [written(letter) for letter in letters], fontless)
    assert len(set(digests)) == len(letters)


@pytest.mark.parametrize("letter", "一ーㅡ")
def test_a_letter_of_one_stroke_is_that_stroke_and_no_box(letter: str) -> None:
    svg = written(letter).encode()
    png = VipsRasteriser().rasterise(svg, 64, Format.PNG, lossless=True)
    _, _, width_px, height_px = pyvips.Image.new_from_buffer(png, "")[3].find_trim(background=0)
    assert width_px > 5 * height_px > 0


def test_without_the_service_s_fonts_that_machine_cannot_tell_letters_apart(
    fontless: dict[str, str],
) -> None:
    """What the test before this one would see if the fonts were not found."""
    assert len(set(lines(DRAW_WITHOUT_US, [written("A"), written("B")], fontless))) == 1


def test_pictures_do_not_depend_on_the_machine_s_fonts(fontless: dict[str, str]) -> None:
    svgs = [
        written("A", family) for family in ("Noto Sans", "system-ui", "DejaVu Sans", "monospace")
    ]
    here = lines(DRAW, svgs, {})
    assert here == lines(DRAW, svgs, fontless)
    assert len(set(here)) == 1


def test_heavy_letters_are_drawn_bold(fontless: dict[str, str]) -> None:
    regular, bold = lines(DRAW, [written("A"), written("A", weight=700)], fontless)
    assert regular != bold


@pytest.mark.parametrize("weight", ["Regular", "Bold"])
def test_the_fonts_have_every_letter_that_counts_as_legible(weight: str) -> None:
    """Beyond U+FFFF there are none."""
    fonts = (FONTS / name for name in (f"NotoSans-{weight}.ttf", "DroidSansFallback.ttf"))
    drawn = set.union(*(characters(font.read_bytes()) for font in fonts))
    legible = {
        code
        for code in range(0x20, sys.maxunicode + 1)
        if unicodedata.category(char := chr(code))[0] in "LM"
        and char == char.upper()
        and lettering.legible(f"<text>{char}</text>")
    }
    assert legible - drawn == set()
    assert len(legible) > 32_000
    assert max(legible) < 0x10000


def characters(font: bytes) -> set[int]:
    """The code points of an OpenType font, from the format 4 subtable of its cmap."""
    (count,) = struct.unpack_from(">H", font, 4)
    tables = (struct.unpack_from(">4sLLL", font, 12 + 16 * index) for index in range(count))
    cmap = next(offset for tag, _, offset, _ in tables if tag == b"cmap")
    (count,) = struct.unpack_from(">H", font, cmap + 2)
    subtables = (struct.unpack_from(">HHL", font, cmap + 4 + 8 * index) for index in range(count))
    start = next(
        cmap + offset
        for _, _, offset in subtables
        if struct.unpack_from(">H", font, cmap + offset) == (4,)
    )
    (doubled,) = struct.unpack_from(">H", font, start + 6)
    ends = struct.unpack_from(f">{doubled // 2}H", font, start + 14)
    starts = struct.unpack_from(f">{doubled // 2}H", font, start + 16 + doubled)
    return {
        code for first, last in zip(starts, ends, strict=True) for code in range(first, last + 1)
    }


def test_the_lettered_styles_are_those_that_ask_for_a_font() -> None:
    asking = [
        name for name in styles.names() if "fontFamily" in json.dumps(styles.definition(name))
    ]
    assert asking == sorted(lettering.LETTERED)


@pytest.mark.parametrize("style", sorted(lettering.LETTERED))
async def test_seeds_show_their_letters(generator: DiceBearGenerator, style: str) -> None:
    """The same colours, other letters; what differs are the letters."""

    async def image(seed: str) -> Any:
        options = '{"backgroundColor":"112233","lettersVariant":"double","textColor":"ffffff"}'
        body = (await generator.draw(Look(style, seed, options), 128, Format.PNG)).body
        return pyvips.Image.new_from_buffer(body, "")

    pictures = [await image(seed) for seed in SEEDS]
    svg = (await generator.draw(Look(style, "Anna"), 128, Format.SVG)).body
    assert b"<text" in svg
    assert b'font-family="Noto Sans, system-ui, sans-serif"' in svg
    for index, picture in enumerate(pictures):
        assert picture.deviate() > 1
        for other in pictures[index + 1 :]:
            assert (picture - other).abs().max() > 100


@pytest.mark.parametrize("style", sorted(lettering.LETTERED))
@pytest.mark.parametrize("picture_format", [Format.PNG, Format.SVG, Format.WEBP])
@pytest.mark.parametrize(
    "seed", ["", "42", "\N{GRINNING FACE}", "!?", "שלום", "हिन्दी", "ไทย", "\U00020000"]
)
async def test_seeds_without_letters_show_shapes(
    generator: DiceBearGenerator, style: str, picture_format: Format, seed: str
) -> None:
    """So do seeds in scripts that the fonts do not have, for one of their letters would be a box."""
    shapes = (await generator.draw(Look("shapes", seed), 64, picture_format)).body
    assert (await generator.draw(Look(style, seed), 64, picture_format)).body == shapes


async def test_an_operator_s_own_font_stays_in_the_svg(generator: DiceBearGenerator) -> None:
    svg = (
        await generator.draw(Look("initials", "Anna", '{"fontFamily":"Georgia"}'), 64, Format.SVG)
    ).body
    assert b'font-family="Georgia"' in svg
