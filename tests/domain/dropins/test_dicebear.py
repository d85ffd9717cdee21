"""What clients of DiceBear's HTTP API ask for."""

import json
from typing import Any

import pytest

from emoticon.domain.dropins.dicebear import VERSIONS, wish
from emoticon.domain.dropins.wishes import Wish
from emoticon.domain.errors import InvalidLook, InvalidSize, UnknownStyle
from emoticon.domain.models import Format, Look
from emoticon.domain.styles import Catalogue

Pairs = list[tuple[str, str]]


def options(catalogue: Catalogue, pairs: Pairs, version: int = 10) -> Any:
    look = wish(catalogue, version, "avataaars", Format.SVG, pairs).look
    return json.loads(look.options)


@pytest.mark.parametrize("version", VERSIONS)
def test_every_version_has_seed_and_size(catalogue: Catalogue, version: int) -> None:
    pairs = [("size", "96"), ("seed", "Ann, née Ng")]
    expected = Wish(Look("lorelei", "Ann, née Ng"), 96, Format.WEBP)
    assert wish(catalogue, version, "lorelei", Format.WEBP, pairs) == expected


def test_without_them_it_is_the_empty_seed_at_128_pixels(catalogue: Catalogue) -> None:
    expected = Wish(Look("lorelei", ""), 128, Format.PNG)
    assert wish(catalogue, 10, "lorelei", Format.PNG, []) == expected
    assert wish(catalogue, 10, "lorelei", Format.PNG, [("seed", ""), ("size", "")]) == expected


def test_of_seeds_and_sizes_the_last_counts(catalogue: Catalogue) -> None:
    pairs = [("seed", "a"), ("size", "x"), ("seed", "b"), ("size", "32")]
    assert wish(catalogue, 10, "moods", Format.PNG, pairs) == Wish(
        Look("moods", "b"), 32, Format.PNG
    )


def test_options_are_those_of_the_style(catalogue: Catalogue) -> None:
    pairs = [
        ("rotate", "10"),
        ("scale", "1.5"),
        ("flip", "horizontal"),
        ("eyesVariant", "happy,wink"),
        ("backgroundColor[]", "b6e3f4"),
        ("backgroundColor[]", "transparent"),
        ("facialHairProbability", "100"),
    ]
    assert options(catalogue, pairs) == {
        "rotate": 10,
        "scale": 1.5,
        "flip": "horizontal",
        "eyesVariant": ["happy", "wink"],
        "backgroundColor": ["b6e3f4", "00000000"],
        "facialHairProbability": 100,
    }


def test_their_order_makes_no_other_look(catalogue: Catalogue) -> None:
    pairs = [("rotate", "10"), ("flip", "both"), ("eyesVariant", "happy")]
    assert wish(catalogue, 10, "avataaars", Format.SVG, pairs) == wish(
        catalogue, 10, "avataaars", Format.SVG, pairs[::-1]
    )


def test_weights_of_variants_are_passed_over(catalogue: Catalogue) -> None:
    pairs = [("eyesVariant", "happy:3,wink:")]
    assert options(catalogue, pairs) == {"eyesVariant": ["happy", "wink"]}


@pytest.mark.parametrize(
    "name", ["utm", "title", "fontFamily", "idRandomization", "radius", "__proto__", "", "eyes"]
)
def test_parameters_that_are_no_options_say_nothing(catalogue: Catalogue, name: str) -> None:
    assert options(catalogue, [(name, "1")]) == {}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("rotate", "fast"),
        ("scale", "80"),
        ("flip", "true"),
        ("eyesVariant", "nosuch"),
        ("backgroundColor", "url(#x)"),
        ("backgroundColor", "javascript:alert(1)"),
    ],
)
def test_values_that_do_not_fit_are_refused(catalogue: Catalogue, name: str, value: str) -> None:
    with pytest.raises(InvalidLook):
        options(catalogue, [(name, value)])


def test_older_versions_have_other_names_for_the_same(catalogue: Catalogue) -> None:
    pairs = [
        ("radius", "50"),
        ("scale", "80"),
        ("flip", "true"),
        ("backgroundType", "gradientLinear,solid"),
        ("backgroundRotation", "0,360"),
        ("eyes[]", "happy"),
        ("eyes[]", "gone"),
        ("randomizeIds", "true"),
        ("clip", "false"),
    ]
    expected = {
        "borderRadius": 50,
        "scale": 0.8,
        "flip": "horizontal",
        "backgroundColorFill": ["linear", "solid"],
        "backgroundColorAngle": [0, 360],
        "eyesVariant": "happy",
    }
    for version in VERSIONS[:-1]:
        assert options(catalogue, pairs, version) == expected
    assert options(catalogue, [("flip", "false"), ("eyes", "gone")], 9) == {"flip": "none"}


def test_a_scale_of_an_older_version_is_a_percentage(catalogue: Catalogue) -> None:
    assert options(catalogue, [("scale", "33.5")], 9) == {"scale": 0.335}
    with pytest.raises(InvalidLook):
        options(catalogue, [("scale", "big")], 9)


def test_sizes_and_seeds_and_styles_are_checked(catalogue: Catalogue) -> None:
    with pytest.raises(InvalidSize):
        wish(catalogue, 10, "moods", Format.PNG, [("size", "abc")])
    with pytest.raises(InvalidLook):
        wish(catalogue, 10, "moods", Format.PNG, [("seed", "a\0")])
    with pytest.raises(InvalidLook):
        wish(catalogue, 10, "moods", Format.PNG, [("seed", "x" * 129)])
    with pytest.raises(UnknownStyle):
        wish(catalogue, 10, "female", Format.PNG, [])
