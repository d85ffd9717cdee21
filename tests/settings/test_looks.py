"""Facts about the settings of looks."""

import pytest
from tests.settings.reading import refused, set_all

from emoticon.settings import load_settings


def test_without_a_brand_every_style_may_be_chosen_and_has_its_own_colours() -> None:
    settings = load_settings()
    assert (settings.default_style, settings.styles, settings.palette) == ("moods", (), ())


def test_styles_and_colours_are_divided_by_commas(environment: pytest.MonkeyPatch) -> None:
    set_all(
        environment,
        {"EMOTICON_STYLES": " moods, glass ,,", "EMOTICON_PALETTE": "#1B9E77, d95f02 ,fff,#ABCD"},
    )
    settings = load_settings()
    assert settings.styles == ("moods", "glass")
    assert settings.palette == ("1b9e77", "d95f02", "fff", "abcd")


@pytest.mark.parametrize(
    "colour", ["red", "##fff", "ff", "fffff", "fffffff", "ggg", "url(#x)", "ｆｆｆ"]
)
def test_what_is_no_colour_is_refused_by_its_place(colour: str) -> None:
    [line] = refused(palette=f"fff,{colour}")
    assert line.startswith("EMOTICON_PALETTE=")
    assert line.endswith(" value 2 is no colour such as 1b9e77")


def test_a_palette_has_at_most_sixty_four_colours() -> None:
    assert len(load_settings(palette="fff," * 64).palette) == 64
    [line] = refused(palette="fff," * 65)
    assert line.endswith(" has more than 64 colours")
