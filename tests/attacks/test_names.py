"""Names that are another's, that look like another's, or that are no names."""

import json
from collections.abc import Generator
from functools import partial
from itertools import pairwise

import pytest
from tests.attacks.conftest import Worlds
from tests.attacks.forging import claims_of
from tests.attacks.signing_up import try_name
from tests.attacks.world import (
    PASSWORD,
    World,
    at_once,
    new_name,
    one_node,
    pair_of,
    refused,
    same,
)

DOTLESS = "al\N{LATIN SMALL LETTER DOTLESS I}ce"
LOOK_ALIKES = [
    "\N{CYRILLIC SMALL LETTER A}lice",
    "\N{GREEK SMALL LETTER ALPHA}lice",
    # all Cyrillic: a, l with a hook, palochka, i, s, ie
    "\u0430\u04cf\u0456\u0441\u0435",
    "al\N{CYRILLIC SMALL LETTER BYELORUSSIAN-UKRAINIAN I}ce",
    "alic\N{CYRILLIC SMALL LETTER IE}",
    "\N{LATIN SMALL LETTER ALPHA}lice",
    DOTLESS,
    "\N{LATIN SMALL LETTER A}\N{LATIN LETTER SMALL CAPITAL L}ice",
    "\u0430\u0441\u0435",  # ace, all Cyrillic
]
NOT_TEXT = [
    "a\0b",
    "\ud800",
    "a\udfffb",
    "a\ufffe",
    "a\uffff",
    "a\U0010ffff",
    "a\u0378",  # not assigned
    "a\ue000",  # private use
    "a\u202eb",
    "a\u2066b",
    "a\U000e0061",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467",
    "a\ufe0f",
    "\u2764\ufe0f",
    "a\u200db",
    "\u1160a",  # an invisible letter
    "a\u3164",
    "a\u034fb",
    "a\u00adb",
]
PATHS = [
    *("../admin", "..%2f", "a/b", "a\\b", ".", "..", "a?x=1", "a#b", "a;b", "%2e%2e%2f", "a%00"),
    *("CON", "con", "NUL", "lpt1", "-a", "_a", " a", "a ", "a b", "~root", "a*", "a|b", "a:b"),
]
AUTHORITIES = ["@evil.example/", "\\@evil", ":8080", "x HTTP/1.1\r\nX: y", "//evil.example"]
PAYLOADS = [
    "a\r\nSet-Cookie: x=1",
    "\x1b[31mred",
    "a\x7f",
    "${jndi:ldap://evil.example/a}",
    "%n%n%n",
    "{{7*7}}",
    "<script>alert(1)</script>",
    "=cmd()",
    "'; DROP TABLE accounts; --",
    "a\u2028b",
    "a\x85b",
]
RESERVED = [
    *("admin", "Admin", "root", "me", "api", "null", "undefined", "static", "favicon.ico"),
    *(".well-known", "robots.txt", "auth", "emoticon", "sign-in", "support", "true", "none"),
]


@pytest.fixture(scope="module")
def unicode_node(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """A node that takes names of any one script."""
    home = tmp_path_factory.mktemp("unicode-node")
    with one_node(home, {"EMOTICON_USERNAMES": "unicode"}) as world:
        for name in ("alice", "ace"):
            world.sign_up(name)
        yield world


def fullwidth(name: str) -> str:
    return "".join(chr(ord(char) + 0xFEE0) if char.isalnum() else char for char in name)


def unseen(name: str) -> list[str]:
    """Return spellings in which only code points that nobody sees differ."""
    return [f"{name}\u200b", f"\u00a0{name}", f"{name} ", f"\ufeff{name}", f"{name}\u2060"]


def test_n01_a_taken_name_in_other_letters_is_taken_or_invalid(world: World) -> None:
    name = world.sign_up().username
    for other_case in (name.upper(), name.title()):
        refused(try_name(world, other_case), 409, "username_taken")
    for spelling in (fullwidth(name), *unseen(name), f"{name}\u0301", f"{name}e\u0301"):
        refused(try_name(world, spelling), 422, "invalid_username")


def test_n01_with_unicode_names_all_that_is_mapped_to_a_taken_name_is_taken(
    unicode_node: World,
) -> None:
    name = unicode_node.sign_up().username
    for spelling in (name.upper(), name.title(), fullwidth(name), fullwidth(name.upper())):
        refused(try_name(unicode_node, spelling), 409, "username_taken")
    for spelling in unseen(name):
        refused(try_name(unicode_node, spelling), 422, "invalid_username")


@pytest.mark.parametrize(
    "forms",
    [
        ("ren\u00e9e", "rene\u0301e", "REN\u00c9E"),
        ("\u0438\u0439", "\u0438\u0438\u0306", "\u0418\u0419"),
        ("stra\u00dfe", "strasse", "STRASSE", "stra\u1e9ee"),
        ("\uac01", "\u1100\u1161\u11a8"),
        ("\u03bf\u03b4\u03cc\u03c2", "\u03bf\u03b4\u03cc\u03c3", "\u039f\u0394\u038c\u03a3"),
    ],
)
def test_n01_with_unicode_names_all_forms_of_one_name_are_one_account(
    unicode_node: World, forms: tuple[str, ...]
) -> None:
    answers = [try_name(unicode_node, form) for form in forms]
    assert answers[0].status_code == 201
    for answer in answers[1:]:
        refused(answer, 409, "username_taken")
    for form in forms:
        assert unicode_node.try_sign_in(form).status_code == 200


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_n02_a_name_that_looks_like_another_is_invalid(world: World, name: str) -> None:
    refused(try_name(world, name), 422, "invalid_username")


@pytest.mark.parametrize("name", LOOK_ALIKES)
def test_n02_with_unicode_names_it_is_invalid_or_taken(unicode_node: World, name: str) -> None:
    answer = try_name(unicode_node, name)
    if name == DOTLESS:  # a letter of Turkish names
        refused(answer, 409, "username_taken")
    else:
        refused(answer, 422, "invalid_username")


def test_n04_other_spellings_sign_in_to_the_same_account(world: World) -> None:
    name = world.sign_up().username
    for spelling in (name.upper(), fullwidth(name), fullwidth(name.upper())):
        pair = pair_of(name, world.try_sign_in(spelling))
        claims = claims_of(pair.at)
        assert claims["user"]["username"] == name
        answer = world.send("GET", "/auth/user", at=pair.at)
        assert answer.json()["username"] == name


@pytest.mark.parametrize("name", NOT_TEXT)
def test_n05_what_is_no_plain_text_is_invalid(world: World, name: str) -> None:
    refused(try_name(world, name), 422, "invalid_username")


@pytest.mark.parametrize("name", NOT_TEXT)
def test_n05_with_unicode_names_too(unicode_node: World, name: str) -> None:
    refused(try_name(unicode_node, name), 422, "invalid_username")


def test_n05_nobody_signs_in_or_sees_a_picture_by_what_is_no_plain_text(world: World) -> None:
    pair = world.sign_up()
    stranger = world.send("GET", "/emoticon/", at=pair.at, params={"username": new_name()})
    unknown = world.try_sign_in(new_name())
    for name in ("a%00b", "%ED%A0%80", "%EF%BF%BE", "%E2%80%AE", "%F4%8F%BF%BF", "%FF", "%C0%AF"):
        form = f"username={name}&password=seven+green+boats"
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        answer = world.send("POST", "/auth/sign-in", content=form, headers=kind)
        assert same(answer, unknown), answer.text
        picture = world.send("GET", f"/emoticon/?username={name}", at=pair.at)
        assert same(picture, stranger), picture.text


@pytest.mark.parametrize("name", PATHS)
def test_n06_what_means_something_in_a_path_is_invalid(world: World, name: str) -> None:
    refused(try_name(world, name), 422, "invalid_username")


@pytest.mark.parametrize("name", AUTHORITIES)
def test_n07_what_means_something_in_a_url_or_a_request_is_invalid(world: World, name: str) -> None:
    refused(try_name(world, name), 422, "invalid_username")


@pytest.mark.parametrize("name", PAYLOADS)
def test_n08_what_means_something_elsewhere_is_invalid(world: World, name: str) -> None:
    answer = try_name(world, name)
    refused(answer, 422, "invalid_username", secret=name)
    assert "set-cookie" not in answer.headers


def test_n08_no_line_of_the_log_is_the_callers(worlds: Worlds) -> None:
    with worlds.one(EMOTICON_ACCESS_LOG_SHARE="1") as world:
        for payload in [*PAYLOADS, *AUTHORITIES]:
            try_name(world, payload)
            world.try_sign_in(payload)
            world.send("GET", "/emoticon/", params={"username": payload})
        world.send("POST", "/auth/sign-in%0d%0a%7b%22level%22:1%7d")
    lines = world.nodes[0].service.errors.splitlines()
    assert len(lines) > 3 * len(PAYLOADS)
    for line in lines:
        assert isinstance(json.loads(line), dict)
        assert line.isprintable()
        assert not any(word in line for word in ("jndi", "alert(", "evil.example", "DROP"))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("", 422),
        ("7", 201),
        ("twenty-letters-here.", 201),
        ("twenty-one-letters-he", 201),
        ("b" * 32, 201),
        ("b" * 33, 422),
        ("b" * 64, 422),
        ("b" * 65, 422),
        ("b" * 128, 422),
        ("b" * 60_000, 422),
        ("b" * 10**6, 413),
        ("\U00020000" * 20, 422),
        ("a" + "\u0301" * 99, 422),
        (("a" + "\u0301" * 99) * 20, 422),
    ],
)
def test_n09_a_name_has_a_length(world: World, name: str, status: int) -> None:
    assert try_name(world, name).status_code == status


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("\u4e2d" * 32, 201),
        ("\u4e2d" * 33, 422),
        ("\u0439" * 32, 201),
        ("\u0438\u0306" * 31, 201),
        ("\u0438\u0306" * 33, 422),
        ("\u0438" + "\u0306" * 99, 422),
        (("\u0438" + "\u0306" * 99) * 20, 422),
        ("\ufdfa", 422),  # one letter that is eighteen when it is decomposed
        ("\ufdfa" * 32, 422),
    ],
)
def test_n09_with_unicode_names_code_points_after_mapping_count(
    unicode_node: World, name: str, status: int
) -> None:
    assert try_name(unicode_node, name).status_code == status


@pytest.mark.parametrize("name", RESERVED)
def test_n10_reserved_names_are_invalid(world: World, name: str) -> None:
    refused(try_name(world, name), 422, "invalid_username")


def test_n12_of_many_sign_ups_with_one_name_at_once_one_succeeds(world: World) -> None:
    name = f"{new_name()}-of-many-letters"
    spellings = [name[:place].upper() + name[place:] for place in range(20)]
    for spelled in ([name] * 20, [f"x{spelling}" for spelling in spellings]):
        answers = at_once([partial(try_name, world, spelling) for spelling in spelled])
        assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


def test_n14_the_name_of_a_deleted_account_is_as_good_as_taken(world: World) -> None:
    taken = world.sign_up().username
    gone = world.sign_up()
    farewell = world.send("DELETE", "/auth/user", at=gone.at, json={"password": PASSWORD})
    assert farewell.status_code == 204
    answers = [try_name(world, name) for name in (taken, gone.username, gone.username.upper())]
    refused(answers[0], 409, "username_taken")
    assert all(same(*two) for two in pairwise(answers))
