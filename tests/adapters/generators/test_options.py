"""What the styles let choose: whatever fits can be drawn, and nothing else does."""

import json
import math
import re
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from emoticon.adapters.generators import styles
from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.options import COLOUR, MAX_ITEMS
from emoticon.domain.errors import InvalidLook, UnknownStyle
from emoticon.domain.models import Format, Look
from emoticon.domain.styles import canonical

HEX = st.sampled_from([3, 4, 6, 8]).flatmap(
    lambda digits: st.text("0123456789abcdefABCDEF", min_size=digits, max_size=digits)
)
BOUNDS = {
    "array": {"items", "minItems", "maxItems"},
    "integer": {"minimum", "maximum"},
    "number": {"minimum", "maximum"},
    "string": {"pattern"},
}
NEVER = ("seed", "size", "idRandomization", "title", "fontFamily")
URLS = ("https://evil.example/x.svg", "//evil.example", "url(#x)", "javascript:alert(1)", "data:,x")
MARKUP = (
    '"><script>alert(1)</script>',
    "<image href='x'/>",
    "&lt;",
    "</svg>",
    "]]>",
    "\0",
    "\ud800",
)


def of_schema(schema: Any) -> st.SearchStrategy[Any]:
    """Return values that fit one of our schemas; one that is unlike them fails."""
    match schema:
        case {"anyOf": [one, {"type": "array", "items": _, "minItems": 1, "maxItems": most}]}:
            value = of_schema(one)
            return value | st.lists(value, min_size=1, max_size=min(most, 4))
        case {"enum": values}:
            return st.sampled_from(values)
        case {"type": "string", "pattern": pattern} if pattern == COLOUR:
            return st.builds("".join, st.tuples(st.sampled_from(["", "#"]), HEX))
        case {"type": "integer", "minimum": least, "maximum": most}:
            return st.integers(least, most) | st.integers(least, most).map(float)
        case {"type": "number", "minimum": least, "maximum": most}:
            return st.floats(least, most) | st.integers(least, most)
    raise AssertionError(schema)


@st.composite
def looks(draw: st.DrawFn, generator: DiceBearGenerator) -> Look:
    """Draw a style and any options that fit its schema, short enough to be a look's."""
    style = draw(st.sampled_from(styles.names()))
    properties = generator.options(style)["properties"]
    names = draw(st.lists(st.sampled_from(sorted(properties)), unique=True, max_size=8))
    options = {name: draw(of_schema(properties[name])) for name in names}
    while True:
        try:
            return Look(style, draw(st.text(max_size=8)), canonical(options))
        except InvalidLook:
            options.popitem()


@given(data=st.data())
@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
async def test_whatever_fits_the_schema_of_a_style_can_be_drawn(
    generator: DiceBearGenerator, data: st.DataObject
) -> None:
    look = data.draw(looks(generator))
    generator.check(look.style, json.loads(look.options))
    seed = "".join(char for char in look.seed if char.isprintable())
    drawable = Look(look.style, seed, look.options)
    assert (await generator.draw(drawable, 32, Format.PNG)).body.startswith(b"\x89PNG")


@pytest.mark.parametrize("style", styles.names())
async def test_every_option_of_every_style_can_be_drawn_at_its_ends(
    generator: DiceBearGenerator, style: str
) -> None:
    for most in (False, True):
        options = {
            name: _end(schema, most=most)
            for name, schema in generator.options(style)["properties"].items()
        }
        generator.check(style, options)
        text = json.dumps(options)
        drawing = await generator.draw(Look(style, "Anna", text), 64, Format.PNG)
        assert drawing.body.startswith(b"\x89PNG")


def _end(schema: Any, *, most: bool) -> Any:
    match schema:
        case {"anyOf": [one, {"maxItems": count}]}:
            return [_end(one, most=most)] * (count if most else 1)
        case {"enum": values}:
            return values[-1 if most else 0]
        case {"pattern": _}:
            return "#ffffffff" if most else "000"
    return schema["maximum" if most else "minimum"]


@pytest.mark.parametrize("style", styles.names())
def test_no_style_lets_choose_what_belongs_to_the_picture_or_is_written_into_it(
    generator: DiceBearGenerator, style: str
) -> None:
    schema = generator.options(style)
    assert schema["additionalProperties"] is False
    assert not schema["properties"].keys() & set(NEVER)
    assert ("fontWeight" in schema["properties"]) == (style in {"initials", "initial-face"})
    for name in NEVER:
        with pytest.raises(InvalidLook):
            generator.check(style, {name: 64})
    text = json.dumps(schema)
    assert len(text) < 32_000
    assert "http" not in text.replace(schema["$schema"], "")


@pytest.mark.parametrize("value", [*URLS, *MARKUP, "", None, {}, {"happy": 1}, [], "x" * 9000])
def test_no_option_takes_an_address_markup_or_a_thing_of_another_kind(
    generator: DiceBearGenerator, value: Any
) -> None:
    for style in ("moods", "initials", "lorelei"):
        for name in generator.options(style)["properties"]:
            for sent in (value, [value]):
                with pytest.raises(InvalidLook) as caught:
                    generator.check(style, {name: sent})
                assert caught.value.detail == f"The option {name} cannot have this value"


@pytest.mark.parametrize("style", styles.names())
def test_every_option_of_every_style_is_bounded(generator: DiceBearGenerator, style: str) -> None:
    for schema in generator.options(style)["properties"].values():
        for one in (schema, *schema.get("anyOf", ())):
            assert one.keys() & {"anyOf", "enum"} or one.keys() >= BOUNDS[one["type"]]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("backgroundColor", "red"),
        ("backgroundColor", "red;url(http://127.0.0.1)"),
        ("backgroundColor", "aabbcc\n"),
        ("backgroundColor", "#"),
        ("backgroundColor", "##aabbcc"),
        ("backgroundColor", "aabbc"),
        ("backgroundColor", "aabbccdde"),
        ("backgroundColor", "ａａｂｂｃｃ"),
        ("backgroundColor", ["aabbcc"] * (MAX_ITEMS + 1)),
        ("backgroundColor", 123456),
        ("eyesVariant", "Happy"),
        ("eyesVariant", ["happy", "none at all"]),
        ("eyesProbability", -1),
        ("eyesProbability", 100.1),
        ("eyesProbability", True),
        ("eyesProbability", "50"),
        ("eyesProbability", [50]),
        ("rotate", 361),
        ("rotate", [0, 1, 2]),
        ("rotate", 10**400),
        ("scale", 11),
        ("scale", math.inf),
        ("translateX", -1001),
        ("backgroundColorFillStops", 1),
        ("backgroundColorFillStops", 65),
        ("backgroundColorFillStops", 2.5),
        ("backgroundColorOrder", ["fixed"]),
        ("tags", "animation:"),
        ("tags", "!!animation"),
        ("flip", "diagonal"),
    ],
)
def test_a_value_out_of_its_bounds_is_refused_by_the_name_of_its_option(
    generator: DiceBearGenerator, name: str, value: Any
) -> None:
    with pytest.raises(InvalidLook) as caught:
        generator.check("moods", {name: value})
    assert caught.value.detail == f"The option {name} cannot have this value"


@pytest.mark.parametrize(
    "name",
    ["", "x", "__proto__", "constructor", "EyesVariant", "eyesVariant ", "hairVariant", "a" * 9],
)
def test_an_option_that_the_style_does_not_have_is_refused_and_not_repeated(
    generator: DiceBearGenerator, name: str
) -> None:
    with pytest.raises(InvalidLook) as caught:
        generator.check("moods", {"flip": "none", name: "happy"})
    assert caught.value.detail == "The style has no such option"


@given(
    st.dictionaries(
        st.sampled_from(["flip", "eyesVariant", "rotate", "backgroundColor"]) | st.text(max_size=5),
        st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.lists(st.text()),
    )
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_anything_at_all_either_fits_or_is_refused_in_plain_words(
    generator: DiceBearGenerator, options: dict[str, Any]
) -> None:
    try:
        generator.check("moods", options)
    except InvalidLook as error:
        assert re.fullmatch(  # noqa: PT017 - both ways are right
            "The (style has no such option|option [A-Za-z]+ cannot have this value)", error.detail
        )


@pytest.mark.parametrize("name", ["", "gone", "../moods", "__proto__", "MOODS"])
def test_a_style_that_is_not_there_has_no_options(generator: DiceBearGenerator, name: str) -> None:
    with pytest.raises(UnknownStyle):
        generator.options(name)
    with pytest.raises(UnknownStyle):
        generator.check(name, {})


def test_tags_ask_for_one_for_any_of_its_kind_or_for_none_of_them(
    generator: DiceBearGenerator,
) -> None:
    [wanted, _] = generator.options("moods")["properties"]["tags"]["anyOf"]
    assert wanted == {"enum": ["!animation", "animation"]}


def test_what_fits_is_the_same_to_a_browser_and_to_us() -> None:
    """JavaScript has no other end of a text than `$`, which in Python is also before a line feed."""
    assert re.search(COLOUR, "#aabbcc")
    assert not re.search(COLOUR, "#aabbcc\n")
    assert "\\Z" not in COLOUR
