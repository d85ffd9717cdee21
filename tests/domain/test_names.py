"""Facts about usernames."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from emoticon.domain.errors import InvalidUsername
from emoticon.domain.names import RESERVED, AsciiNames, fold

ANY_TEXT = st.text(st.characters(exclude_categories=[]), max_size=140)
new_username = AsciiNames().new_username


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        ("alice", "alice"),
        ("Alice", "alice"),
        ("ALICE", "alice"),
        ("0", "0"),
        ("a.b-c_d", "a.b-c_d"),
        ("x" * 32, "x" * 32),
    ],
)
def test_a_new_name_is_folded(raw: str, name: str) -> None:
    assert new_username(raw) == name


@pytest.mark.parametrize(
    "raw",
    [
        *(
            "",
            " ",
            "   ",
            "\n",
            "x" * 33,
            "x" * 10**6,
            "ａｌｉｃｅ",
            "\N{KELVIN SIGN}elvin",
            "²",
            "🙂",
            "é",
            "e\u0301",
            "аlice",
            "αlice",
            "иван",
        ),
        *(
            "a\0b",
            "\ud800",
            "\ufffe",
            "\u202ealice",
            "\u2066a",
            "\U000e0061",
            "alice\u200b",
            "\u00a0alice",
        ),
        *(
            "../admin",
            "..%2f",
            "a/b",
            "a\\b",
            ".",
            "..",
            ".a",
            "-a",
            "_a",
            "a?x=1",
            "a#b",
            "a;b",
            "%2e",
            "a%00",
        ),
        *(
            "@evil.example/",
            ":8080",
            "x HTTP/1.1\r\nX: y",
            "a\r\nSet-Cookie: x=1",
            "\x1b[31m",
            "${jndi:x}",
            "%n",
        ),
        *("{{7*7}}", "<script>", "=cmd()", "a b", "a\tb", " alice", "alice "),
    ],
)
def test_a_name_outside_of_the_rule_is_refused(raw: str) -> None:
    with pytest.raises(InvalidUsername):
        new_username(raw)


@pytest.mark.parametrize(
    "name", ["admin", "Root", "ME", "api", "null", "undefined", "static", "CON", "favicon.ico"]
)
def test_n10_a_reserved_name_is_refused_in_any_case(name: str) -> None:
    with pytest.raises(InvalidUsername, match="reserved"):
        new_username(name)


def test_each_reserved_name_would_be_possible_otherwise() -> None:
    """A reserved word that breaks the rule anyway would only look like a protection."""
    assert all(fold(name) == name for name in RESERVED)


@given(ANY_TEXT)
@example("ΐ")
@example("ſ\u0323\u0307")
@example("\u0345\u0301a")
def test_folding_is_idempotent(raw: str) -> None:
    try:
        folded = fold(raw)
    except InvalidUsername:
        return
    assert fold(folded) == folded


@given(ANY_TEXT)
def test_case_and_composition_do_not_tell_names_apart(raw: str) -> None:
    try:
        folded = fold(raw)
    except InvalidUsername:
        return
    if len(unicodedata.normalize("NFD", raw)) <= 128:
        assert fold(unicodedata.normalize("NFD", raw)) == folded
    assert fold(raw.swapcase()) == fold(fold(raw.swapcase()))


@given(st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}", fullmatch=True))
def test_every_name_of_the_rule_but_the_reserved_ones_can_be_taken(raw: str) -> None:
    if raw.lower() in RESERVED:
        return
    assert new_username(raw) == raw.lower()


@pytest.mark.parametrize("raw", ["Alice", "ALICE", "ａｌｉｃｅ", "ＡＬＩＣＥ", "ⓐlice", "alıce"])
def test_n04_every_spelling_finds_the_name(raw: str) -> None:
    assert fold(raw) == new_username("alice")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("straße", "STRASSE"),
        ("σίσυφος", "ΣΊΣΥΦΟΣ"),
        ("josé", unicodedata.normalize("NFD", "José")),
        ("yıldız", "yildiz"),
        ("şafak", "șafak"),
        ("brăila", "brǎila"),
        ("علی", "علي"),
        ("كريم", "کریم"),
        ("علي١٢", "علی۱۲"),
        ("山田ロ", "山田口"),
        ("へび", "ヘび"),
        ("ス一", "スー"),
        ("үй", "уй"),
    ],
)
def test_what_looks_the_same_in_one_script_is_one_name(one: str, other: str) -> None:
    assert fold(one) == fold(other)
