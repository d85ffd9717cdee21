"""Options as they stand in URLs."""

import pytest

from emoticon.domain.dropins.options import MAX_OPTIONS, MAX_VALUES, gather, number, typed
from emoticon.domain.errors import InvalidLook

SCHEMA = {
    "properties": {
        "backgroundColor": {"anyOf": [{"type": "string"}, {"type": "array"}]},
        "eyesProbability": {"type": "number"},
        "fontWeight": {"anyOf": [{"type": "integer"}, {"type": "array"}]},
        "flip": {"enum": ["none", "both"]},
    }
}


@pytest.mark.parametrize(
    "pairs",
    [
        [("a", "x,y")],
        [("a", "x"), ("a", "y")],
        [("a[]", "x"), ("a[]", "y")],
        [("a", ",x,,y,")],
        [("a", ""), ("a[]", "x,y")],
    ],
)
def test_lists_may_be_written_in_any_way(pairs: list[tuple[str, str]]) -> None:
    assert gather(pairs) == {"a": ["x", "y"]}


def test_the_order_of_values_stays_for_a_seed_chooses_from_them_in_that_order() -> None:
    assert gather([("a", "y,x")]) == {"a": ["y", "x"]}


@pytest.mark.parametrize(
    "pairs",
    [
        [(f"option{number}", "x") for number in range(MAX_OPTIONS + 1)],
        [("a", ",".join("x" * (MAX_VALUES + 1)))],
        [("a", "x")] * (MAX_VALUES + 1),
    ],
)
def test_there_may_not_be_any_number_of_them(pairs: list[tuple[str, str]]) -> None:
    assert gather(pairs[:MAX_VALUES] if len(pairs) > 1 else [("a", "x")])
    with pytest.raises(InvalidLook):
        gather(pairs)


def test_values_have_the_types_of_the_schema() -> None:
    texts = {
        "backgroundColor": ["000000", "123456"],
        "eyesProbability": ["50.0"],
        "fontWeight": ["400", "700"],
        "flip": ["both"],
        "nothing": [],
        "unheard": ["1"],
    }
    assert typed(texts, SCHEMA) == {
        "backgroundColor": ["000000", "123456"],
        "eyesProbability": 50,
        "fontWeight": [400, 700],
        "flip": "both",
        "unheard": "1",
    }
    assert typed({"rotate": ["1"]}, {}) == {"rotate": "1"}, "the schema of a style without options"


@pytest.mark.parametrize(
    ("text", "value"), [("0", 0), ("-12", -12), ("0.50", 0.5), ("10.0", 10), ("-0", 0)]
)
def test_a_number_is_whole_where_it_can_be(text: str, value: float) -> None:
    assert repr(number(text)) == repr(value)


@pytest.mark.parametrize(
    "text", ["", "NaN", "Infinity", "1e3", "+1", "1.", ".5", "٣", "1234567", "1\n"]
)
def test_all_other_text_is_no_number(text: str) -> None:
    with pytest.raises(InvalidLook):
        number(text)
