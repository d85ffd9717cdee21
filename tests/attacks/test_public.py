"""Attacks on pictures for anybody: keys without number, wishes that nobody has, pages of any site."""

import sqlite3
from collections.abc import Generator
from contextlib import closing
from functools import partial
from urllib.parse import quote

import pytest
from httpx2 import Response
from tests.attacks.conftest import Worlds
from tests.attacks.world import World, at_once, one_node, refused

HASH = "0bc83cb571cd1c50ba6f3e8a78ef1346"
OPEN = {"EMOTICON_PUBLIC_GENERATOR": "on"}
KEPT_SIZES = 15
PATHS = ("/a/moods/ann.svg", "/monster/ann", "/10.x/moods/svg", f"/avatar/{HASH}")


@pytest.fixture(scope="module")
def public(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """One node with its public generator, left as it is."""
    with one_node(tmp_path_factory.mktemp("public"), OPEN) as world:
        yield world


def get(world: World, path: str, **headers: str) -> Response:
    return world.send("GET", path, headers=headers)


def for_any_page(answer: Response) -> None:
    """Any page may read it, and no page may send anybody's credentials."""
    assert answer.headers["access-control-allow-origin"] == "*"
    assert not {"access-control-allow-credentials", "set-cookie"} & set(answer.headers)


def test_c06_however_it_is_asked_for_a_look_is_kept_once_and_in_few_sizes(worlds: Worlds) -> None:
    with worlds.one(**OPEN) as world:
        for _ in range(2):  # the second time it is worth a place on disk
            for size in range(0, 1000, 8):
                for path in (
                    f"/10.x/moods/svg?seed=ann&size={size}&utm={size}",
                    f"/9.x/moods/svg?size=1&_={size}&seed=x&seed=ann&size=00{size}",
                    f"/a/moods/ann.svg?size={size}",
                ):
                    answer = get(world, path)
                    inside = 16 <= size <= 512
                    assert answer.status_code == (200 if inside or "x/" in path else 422), path
    with closing(sqlite3.connect(world.directory / "pictures.sqlite3")) as disk:
        assert disk.execute("SELECT count(*) FROM pictures").fetchone() == (KEPT_SIZES,)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("rotate=10&flip=both", "flip=both&rotate=10.0"),
        ("backgroundColor=b6e3f4,c0aede", "backgroundColor[]=b6e3f4&backgroundColor=c0aede"),
        ("rotate=010", "rotate=10"),
        ("rotate=", ""),
    ],
)
def test_c06_options_have_one_meaning_and_one_picture(public: World, one: str, other: str) -> None:
    for path in ("/a/moods/ann.svg", "/10.x/moods/svg"):
        answers = [get(public, f"{path}?{query}") for query in (one, other)]
        assert {answer.status_code for answer in answers} == {200}
        assert answers[0].headers["etag"] == answers[1].headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        *(
            f"/a/moods/ann.png?size={size}"
            for size in ("0", "-1", "1000000000", "NaN", "9" * 20, "128.0", "0128", "%2B128", "")
        ),
        "/a/moods/ann.png?size=%D9%A1%D9%A2%D9%A8",
        *(f"/a/moods/ann.{name}" for name in ("exe", "svg%00.png", "PNG", "png;svg", "__proto__")),
        *(
            f"/{version}.x/moods/png?{query}"
            for version in (10, 5)
            for query in (
                "size=-1",
                "size=1e9",
                "size=NaN",
                "size=" + "9" * 5000,
                "rotate=NaN",
                "rotate=1e309",
                "rotate=" + "9" * 5000,
                "scale=-Infinity",
                "backgroundColor=url(http://evil.example)",
                "backgroundColor=%22/%3E%3Cscript%3E",
                "backgroundColor=" + ",".join(["b6e3f4"] * 65),
                "seed=" + "x" * 129,
                "seed=a%00b",
                "&".join(f"a{number}=1" for number in range(101)),
            )
        ),
        *(f"/monster/ann?size={size}" for size in ("abc", "-1", "1e9", "9" * 21)),
        f"/monster/{'x' * 129}",
        "/monster/%00",
        *(f"/avatar/{name}" for name in ("x", HASH[1:], HASH + "0", HASH + ".exe", HASH + "%0a")),
        *(f"/avatar/{HASH}?s={size}" for size in ("x", "-1", "NaN", "9" * 21)),
    ],
)
def test_c07_wishes_that_nobody_has_are_refused(public: World, path: str) -> None:
    answer = get(public, path)
    refused(answer, 422)
    for_any_page(answer)


@pytest.mark.parametrize(
    "path",
    ["/a/../x/svg", "/a/moods/..%2f..%2fx.svg", "/10.x/moods", "/10.x", "/avatar/", "/a/moods/x"],
)
def test_c07_other_paths_are_not_there(public: World, path: str) -> None:
    refused(get(public, path), 404)


@pytest.mark.parametrize("style", ["__proto__", "constructor", "MOODS", "%00", "m" * 99, "..%5cx"])
def test_c07_styles_that_nobody_has_are_not_there(public: World, style: str) -> None:
    for path in (f"/a/{style}/ann.png", f"/10.x/{style}/png", f"/5.x/{style}/json"):
        refused(get(public, path), 404)


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "https://good.example.evil"])
@pytest.mark.parametrize("path", PATHS)
def test_h16_any_page_may_read_a_picture_and_none_with_credentials(
    public: World, path: str, origin: str
) -> None:
    person = public.sign_up()
    cookie = f"__Host-access={person.at}"
    plain = get(public, path)
    answer = get(public, path, Origin=origin, Cookie=cookie, Authorization=f"Bearer {person.at}")
    assert answer.content == plain.content
    for_any_page(answer)
    assert "vary" not in answer.headers, "no origin has a say, so one answer is good for all"
    asking = {"Origin": origin, "Access-Control-Request-Method": "DELETE"}
    answer = public.send("OPTIONS", path, headers=asking)
    assert answer.status_code == 204
    for_any_page(answer)
    assert answer.headers["access-control-allow-methods"] == "GET, HEAD, OPTIONS"


@pytest.mark.parametrize("path", ["/emoticon/?username=a", "/auth/user", "/styles", "/livez"])
def test_h16_no_page_may_read_anything_else(public: World, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        answer = public.send(method, path, headers={"Origin": "https://evil.example"})
        assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize(
    "seed", ["<script>alert(1)</script>", '"/><image href="//evil.example"/>', "&amp;", "]]>", "'"]
)
def test_a_seed_is_no_markup(public: World, seed: str) -> None:
    for path in (
        f"/10.x/initials/svg?seed={quote(seed)}",
        f"/10.x/moods/svg?seed={quote(seed)}&title={quote(seed)}&fontFamily={quote(seed)}",
    ):
        answer = get(public, path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/svg+xml"
        assert not [word for word in ("<script", "<image", "evil") if word in answer.text]
        assert answer.headers["content-security-policy"].endswith("sandbox")


def test_no_picture_of_another_site_is_fetched_or_pointed_to(public: World) -> None:
    for url in ("https://evil.example/a.png", "//evil.example", "file:///etc/passwd"):
        answer = get(public, f"/avatar/{HASH}?f=y&d={quote(url, safe='')}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/png"
        assert "location" not in answer.headers
        assert answer.content == get(public, f"/avatar/{HASH}").content


def test_a_crowd_of_new_looks_is_refused_beyond_the_queue_and_served_again(worlds: Worlds) -> None:
    with worlds.one(EMOTICON_DRAW_QUEUE="1", EMOTICON_DRAW_THREADS="1", **OPEN) as world:
        paths = [f"/a/moods/{number}.avif?size=511" for number in range(30)]
        answers = at_once([partial(get, world, path) for path in paths])
        assert {answer.status_code for answer in answers} == {200, 503}
        for path, answer in zip(paths, answers, strict=True):
            for_any_page(answer)
            if answer.status_code == 503:
                refused(answer, 503, "drawing_busy")
                assert get(world, path).status_code == 200


def test_an_address_gets_so_many_pictures_however_many_it_asks_for_at_once(worlds: Worlds) -> None:
    settings = {**OPEN, "EMOTICON_LIMITS": "on", "EMOTICON_ADDRESS_DRAWINGS": "20"}
    with worlds.one(**settings) as world:
        paths = [f"/10.x/moods/svg?seed={number}" for number in range(40)]
        answers = at_once([partial(get, world, path) for path in paths])
        assert sorted(answer.status_code for answer in answers) == [200] * 20 + [429] * 20
        for answer in answers:
            for_any_page(answer)
            if answer.status_code == 429:
                refused(answer, 429, "too_many_attempts")
