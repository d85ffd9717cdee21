"""Which styles may be chosen, and what a look may be."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.artists import Newcomer, artists, catalogue

from emoticon.domain.errors import InvalidLook, UnknownStyle
from emoticon.domain.generators import Generators
from emoticon.domain.models import BUILT_IN, Look
from emoticon.domain.styles import MAX_OPTIONS_BYTES, canonical

ALL = ["critters", "glass", "moods", "upstream"]
NESTED = {"a": 1}
for _ in range(3000):
    NESTED = {"a": NESTED}  # type: ignore[dict-item]  # a type without end


def test_without_a_choice_of_the_operator_every_style_of_every_generator_may_be_chosen() -> None:
    assert catalogue().names == ALL
    assert [style.name for style in catalogue().all] == ALL


def test_what_the_operator_has_not_chosen_is_as_if_it_were_not_there() -> None:
    brand = catalogue(("moods", "glass"))
    assert brand.names == ["glass", "moods"]
    for ask in (brand.style, brand.options, lambda name: brand.look(name, "a", None)):
        assert ask("glass")
        for name in ("critters", "upstream", "", "__proto__/../x", "GLASS"):
            with pytest.raises(UnknownStyle):
                ask(name)


def test_looks_that_are_there_already_may_have_any_style_so_all_are_credited() -> None:
    assert [style.name for style in catalogue(("moods",)).all] == ALL


def test_a_style_belongs_to_the_first_generator_that_has_it() -> None:
    named = {**artists().named, "late": Newcomer(("moods", "late"))}
    everything = catalogue(generators=Generators(named, "moods"))
    assert everything.look("moods", "a", {}).generator == BUILT_IN
    assert everything.look("late", "a", {}).generator == "late"


def test_a_look_says_which_version_of_which_generator_draws_it() -> None:
    assert catalogue().look("glass", "a", {"rotate": 1}) == Look("glass", "a", '{"rotate":1}')
    assert catalogue().look("upstream", "a", {}) == Look("upstream", "a", "{}", "upstream", 3)
    newer = catalogue(generators=artists(version=11))
    assert newer.look("glass", "a", {}).generator_version == 11


def test_a_generator_that_says_nothing_of_options_has_none() -> None:
    assert catalogue().options("upstream") == {"type": "object", "maxProperties": 0}
    with pytest.raises(InvalidLook):
        catalogue().look("upstream", "a", {"rotate": 1})
    for ask in (Newcomer().options, lambda style: Newcomer().check(style, {})):
        with pytest.raises(UnknownStyle):
            ask("moods")


def test_without_options_a_look_has_the_palette_where_the_style_has_a_background() -> None:
    brand = catalogue(palette=("aabbcc", "112233"))
    assert brand.look("moods", "a", None).options == '{"backgroundColor":["aabbcc","112233"]}'
    assert brand.look("moods", "a", {}).options == "{}"
    assert brand.look("upstream", "a", None).options == "{}"
    assert catalogue().look("moods", "a", None).options == "{}"


@pytest.mark.parametrize(
    "seed", ["a", " ", "Zoë", "Зоя", "莫", "😀" * 128, "'\"<&>]]>\\%00", "\ufffd"]
)
def test_a_seed_is_any_text_that_xml_can_carry_and_stays_as_it_was_sent(seed: str) -> None:
    assert catalogue().look("moods", seed, {}).seed == seed


@pytest.mark.parametrize(
    "seed",
    ["", "x" * 129, "a\0", "a\nb", "\t", "\x7f", "\x85", "\ud800", "a\udfff", "\ufffe", "\uffff"],
)
def test_any_other_seed_is_refused(seed: str) -> None:
    with pytest.raises(InvalidLook) as caught:
        catalogue().look("moods", seed, {})
    assert caught.value.detail == "A seed has 1 to 128 characters, none of them a control character"


def test_options_that_the_generator_does_not_take_are_refused() -> None:
    with pytest.raises(InvalidLook):
        catalogue().look("moods", "a", {"onload": "alert(1)"})


def test_a_look_becomes_current_with_all_that_it_is() -> None:
    newer = catalogue(("moods",), generators=artists(version=11))
    look = Look("glass", "a", '{"rotate":1}', original="one")
    assert newer.current(look) == Look(
        "glass", "a", '{"rotate":1}', generator_version=11, original="one"
    )


@pytest.mark.parametrize(
    ("look", "error"),
    [
        (Look("gone", "a"), UnknownStyle),
        (Look("moods", "a", generator="gone"), UnknownStyle),
        (Look("upstream", "a"), UnknownStyle),
        (Look("moods", "a", '{"scale":1}'), InvalidLook),
    ],
)
def test_a_look_that_its_generator_does_not_draw_any_more_does_not(
    look: Look, error: type[Exception]
) -> None:
    with pytest.raises(error):
        catalogue().current(look)


# -- the one way to write options ---------------------------------------------------------------


def test_options_are_written_sorted_and_without_spaces() -> None:
    given = {"b": [1, "x"], "a": {"d": None, "c": True}, "ä": 'é"'}
    assert canonical(given) == ('{"a":{"c":true,"d":null},"b":[1,"x"],"\\u00e4":"\\u00e9\\""}')


@pytest.mark.parametrize(
    ("number", "written"), [(1.0, "1"), (-0.0, "0"), (2.5, "2.5"), (1e300, "1e+300"), (7, "7")]
)
def test_a_whole_number_is_written_as_one(number: float, written: str) -> None:
    assert canonical({"a": number}) == f'{{"a":{written}}}'


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, NESTED])
def test_what_is_no_json_is_refused(value: Any) -> None:
    with pytest.raises(InvalidLook):
        canonical({"a": value})


def test_options_have_a_greatest_length() -> None:
    longest = "x" * (MAX_OPTIONS_BYTES - len('{"a":""}'))
    assert len(canonical({"a": longest})) == MAX_OPTIONS_BYTES == 2048
    with pytest.raises(InvalidLook) as caught:
        canonical({"a": longest + "x"})
    assert caught.value.detail == "The options have more than 2048 bytes"


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=4), _JSON, max_size=4))
def test_whatever_is_written_down_is_written_the_same_when_it_is_read_again(
    options: dict[str, Any],
) -> None:
    try:
        text = canonical(options)
    except InvalidLook:
        return
    assert canonical(json.loads(text)) == text
    assert len(text) <= MAX_OPTIONS_BYTES
