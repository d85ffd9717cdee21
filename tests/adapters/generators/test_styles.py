"""Facts about the styles that come with the service."""

import subprocess
import sys
from pathlib import Path

import pytest
from dicebear import Avatar
from dicebear import Style as ValidatedStyle

from emoticon.adapters.generators import styles


def test_there_are_61_sorted_names() -> None:
    assert len(styles.names()) == 61
    assert list(styles.names()) == sorted(styles.names())
    assert {"moods", "critters", "shapes", "initials"} <= set(styles.names())


@pytest.mark.parametrize("name", ["moods", "glass", "identicon", "initials", "miniavs", "stripes"])
def test_an_unvalidated_style_draws_what_a_validated_one_does(name: str) -> None:
    validated = ValidatedStyle(styles.definition(name))
    ours = styles.unvalidated(styles.definition(name))
    for seed in ("", "Anna", "Олег", "4"):
        options = {"seed": seed, "size": 64, "backgroundColor": ["#fff", "#abc"]}
        assert str(Avatar(ours, options)) == str(Avatar(validated, options))


def test_validation_is_what_is_left_out() -> None:
    broken = {"canvas": {"width": 1, "height": 1, "elements": []}, "colours": {}}
    with pytest.raises(RuntimeError):
        ValidatedStyle(broken)
    styles.unvalidated(broken)


def test_a_style_says_whom_to_thank() -> None:
    style = styles.describe("big-ears-neutral")
    assert style.name == "big-ears-neutral"
    assert style.title == "Big Ears Neutral"
    assert style.creator == "The Visual Team"
    assert style.creator_url == "https://thevisual.team/"
    assert style.source_url == "https://www.figma.com/community/file/986078800058673824"
    assert style.license == "CC BY 4.0"
    assert style.license_url == "https://creativecommons.org/licenses/by/4.0/"


@pytest.mark.parametrize("name", styles.names())
def test_every_style_has_a_creator_and_a_licence(name: str) -> None:
    style = styles.describe(name)
    assert style.creator
    assert style.license
    assert style.license_url.startswith("https://")


def test_the_page_of_styles_thanks_everybody_and_nobody_else() -> None:
    page = Path(__file__).parents[3] / "docs" / "styles.md"
    _, _, table = page.read_text(encoding="utf-8").partition("|---|---|---|---|\n")
    assert table.splitlines() == [
        f"| {style.name} | [{style.creator}]({style.creator_url}) | [source]({style.source_url})"
        f" | [{style.license}]({style.license_url}) |"
        for style in map(styles.describe, styles.names())
    ]


@pytest.mark.parametrize("data", [{}, {"meta": {}}, {"meta": {"creator": {}, "license": {}}}])
def test_what_a_definition_does_not_say_is_empty(data: dict[str, object]) -> None:
    style = styles.described("some-style", data)
    assert style.title == "Some Style"
    assert not any(
        (style.creator, style.creator_url, style.source_url, style.license, style.license_url)
    )


def test_importing_the_generator_loads_neither_libvips_nor_the_library() -> None:
    script = """
import sys
import emoticon.adapters.generators.dicebear, emoticon.adapters.generators.raster
print({"pyvips", "dicebear", "jsonschema"} & set(sys.modules))
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.stdout, done.stderr) == ("set()\n", "")
