"""Pictures that somebody else might get, and requests that would fill a cache."""

import sqlite3
from contextlib import closing
from functools import partial

import pytest
from httpx2 import Response
from tests.attacks.conftest import Worlds
from tests.attacks.world import PASSWORD, Node, Pair, World, at_once, new_name, refused

PICTURE = "/emoticon/"
KEPT_SIZES = 15
LARGEST_PX = 512
SMALLEST_PX = 16


@pytest.fixture(scope="module")
def ann(lone_node: World) -> Pair:
    """An account that tests leave as it is."""
    return lone_node.sign_up()


def ask(world: World, pair: Pair, on: Node | None = None, /, **wish: str) -> Response:
    query = {"username": pair.username, **wish}
    return world.send("GET", PICTURE, at=pair.at, params=query, node=on)


def test_c01_a_picture_is_for_its_owner_and_asked_for_anew_each_time(world: World) -> None:
    pair = world.sign_up()
    for picture_format in ("png", "svg", "webp", "avif"):
        headers = ask(world, pair, format=picture_format).headers
        assert headers["cache-control"] == "private, no-cache"
        assert headers["vary"] == "Authorization, Cookie"
        assert headers["etag"].startswith('"')
        assert not {"expires", "age", "last-modified", "set-cookie"} & set(headers)


def test_c02_nobody_else_gets_a_picture_that_was_just_fetched(world: World) -> None:
    pair, other = world.sign_up(), world.sign_up()
    query = {"username": pair.username}
    for node in world.nodes:
        assert ask(world, pair, node).status_code == 200
        refused(node.send("GET", PICTURE, params=query), 401, "not_authenticated")
        refused(node.send("GET", PICTURE, at=other.at, params=query), 403)
        for both in (
            f"username={other.username}&username={pair.username}",
            f"username={pair.username}",
        ):
            refused(node.send("GET", f"{PICTURE}?{both}", at=other.at), 403)
    newer = world.sign_in(pair.username, node=world.nodes[0])
    world.settled(pair.at, 401)
    for node in world.nodes:
        refused(node.send("GET", PICTURE, at=pair.at, params=query), 401, "session_superseded")
        assert ask(world, newer, node).status_code == 200
    world.sign_out(newer)
    world.settled(newer.at, 401)
    for node in world.nodes:
        refused(node.send("GET", PICTURE, at=newer.at, params=query), 401)


def test_c03_no_error_is_kept(world: World) -> None:
    pair, other = world.sign_up(), world.sign_up()
    query = {"username": pair.username}
    for _ in range(2):
        for node in world.nodes:
            refused(node.send("GET", PICTURE, params=query), 401)
            refused(node.send("GET", PICTURE, at=other.at, params=query), 403)
            refused(ask(world, pair, node, size="0"), 422)
            refused(node.send("POST", PICTURE, at=pair.at), 405)
            refused(node.send("GET", f"{PICTURE}x", at=pair.at), 404)
            assert ask(world, pair, node).status_code == 200


def test_c03_no_error_for_lack_of_room_is_kept(worlds: Worlds) -> None:
    with worlds.one(EMOTICON_DRAW_QUEUE="1", EMOTICON_DRAW_THREADS="1") as world:
        pair = world.sign_up()
        sizes = [str(size) for size in range(LARGEST_PX - 30, LARGEST_PX)]
        answers = at_once([partial(ask, world, pair, size=size, format="avif") for size in sizes])
        assert {answer.status_code for answer in answers} == {200, 503}
        for size, answer in zip(sizes, answers, strict=True):
            if answer.status_code == 503:
                refused(answer, 503, "drawing_busy")
                assert ask(world, pair, size=size, format="avif").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {
            "X-Forwarded-Host": "evil.example",
            "X-Forwarded-Proto": "gopher",
            "X-Forwarded-Port": "1",
        },
        {"X-Original-URL": "/auth/user", "X-Rewrite-URL": "/auth/user", "X-Original-URI": "/x"},
        {"X-Forwarded-Prefix": "/x", "X-Script-Name": "/x", "Forwarded": "host=evil.example"},
        {"Accept": "image/avif", "Accept-Language": "de", "User-Agent": "x" * 2000},
        {"Accept-Encoding": "gzip, br", "Save-Data": "on", "DPR": "2", "Width": "16"},
        {"Cookie": "theme=dark; size=16; __Host-other=1"},
        {"Origin": "https://evil.example", "Referer": "https://evil.example/"},
        {"Cache-Control": "only-if-cached", "Pragma": "no-cache", "Surrogate-Control": "max-age=9"},
        {"Content-Type": "application/x-www-form-urlencoded"},
    ],
)
def test_c04_what_is_not_in_the_key_has_no_influence(
    lone_node: World, ann: Pair, headers: dict[str, str]
) -> None:
    wanted = ask(lone_node, ann)
    query = {"username": ann.username}
    body = b"username=admin&size=16&format=svg"
    answer = lone_node.send("GET", PICTURE, at=ann.at, params=query, headers=headers, content=body)
    assert answer.status_code == 200
    assert answer.content == wanted.content
    assert answer.headers["content-type"] == "image/png"
    assert "evil" not in str(answer.headers)


@pytest.mark.parametrize(
    "more",
    [
        "utm_source=x",
        "_=1",
        "Size=16",
        "size[]=16",
        "x=%ff",
        "jsessionid=1",
        ";size=16",
        "callback=a",
    ],
)
def test_c04_parameters_that_are_none_have_no_influence(
    lone_node: World, ann: Pair, more: str
) -> None:
    wanted = ask(lone_node, ann)
    for query in (f"username={ann.username}&{more}", f"{more}&username={ann.username}"):
        answer = lone_node.send("GET", f"{PICTURE}?{query}", at=ann.at)
        assert (answer.status_code, answer.content) == (200, wanted.content)
    refused(lone_node.send("GET", f"{PICTURE};jsessionid=1?{query}", at=ann.at), 404)


@pytest.mark.parametrize(
    "size",
    [
        *("128.0", "0128", "+128", "%20128", "128%20", "1e2", "0x80", "128px", "1_28", "", "12,8"),
        *("%D9%A1%D9%A2%D9%A8", "%EF%BC%91%EF%BC%92%EF%BC%98", "128%00", "128%0a", "true", "[128]"),
    ],
)
def test_c06_a_size_has_one_spelling(lone_node: World, ann: Pair, size: str) -> None:
    target = f"{PICTURE}?username={ann.username}&size={size}"
    refused(lone_node.send("GET", target, at=ann.at), 422, "invalid_input")


@pytest.mark.parametrize("name", ["PNG", "Png", "png ", "jpg", "png;svg", "image/png", "", ".png"])
def test_c06_a_format_has_one_spelling(lone_node: World, ann: Pair, name: str) -> None:
    refused(ask(lone_node, ann, format=name), 422, "invalid_input")


def test_c06_however_it_is_asked_for_a_picture_is_kept_once_and_in_few_sizes(
    worlds: Worlds,
) -> None:
    with worlds.one() as world:
        pair = world.sign_up()
        for size in range(SMALLEST_PX, LARGEST_PX + 1):
            for extra in (
                {},
                {"x": "1"},
            ):  # the second time, past the edge, it is worth a place on disk
                answer = ask(world, pair, size=str(size), format="svg", **extra)
                assert answer.status_code == 200
        for size in (*range(1, 10_000, 97), 10_000, 513, 15):
            if not SMALLEST_PX <= size <= LARGEST_PX:
                refused(ask(world, pair, size=str(size), format="svg"), 422)
        for number in range(50):
            one = f"username={pair.username}&size=64&format=svg&x={number}"
            other = f"format=svg&_={number}&size=64&username={pair.username.upper()}"
            again = f"size=128&username=x&size=64&format=svg&username={pair.username}"
            answers = [
                world.send("GET", f"{PICTURE}?{query}", at=pair.at) for query in (one, other, again)
            ]
            assert len({answer.content for answer in answers}) == 1
    with closing(sqlite3.connect(world.directory / "pictures.sqlite3")) as disk:
        assert disk.execute("SELECT count(*) FROM pictures").fetchone() == (KEPT_SIZES,)


@pytest.mark.parametrize(
    "wish",
    [
        *(
            {"size": size}
            for size in ("0", "-1", "1000000000", "NaN", "9" * 20, "15", "513", "inf")
        ),
        *({"format": name} for name in ("exe", "../../x", "svg\0.png", "__proto__", "constructor")),
        {"size": "9" * 5000},
        {"format": "x" * 5000},
    ],
)
def test_c07_wishes_that_nobody_has_are_refused(world: World, wish: dict[str, str]) -> None:
    refused(ask(world, world.sign_up(), **wish), 422)


@pytest.mark.parametrize(
    "more", ["style=__proto__/../x", "style=glass", "seed=admin", "options={}", "account=1", "id=1"]
)
def test_c07_the_look_is_not_for_the_query_to_say(lone_node: World, ann: Pair, more: str) -> None:
    target = f"{PICTURE}?username={ann.username}&{more}"
    answer = lone_node.send("GET", target, at=ann.at)
    assert answer.content == ask(lone_node, ann).content


def test_c08_a_negotiated_picture_says_that_it_is_and_is_of_the_right_type(world: World) -> None:
    pair = world.sign_up()
    wishes = {"image/avif": "image/avif", "image/webp,*/*": "image/webp", "": "image/png"}
    wishes |= {"image/svg+xml": "image/svg+xml", "text/html": "image/png", "*/*": "image/png"}
    seen: dict[str, set[str]] = {}
    for _ in range(2):
        for accept, kind in wishes.items():
            query = {"username": pair.username, "format": "auto"}
            headers = {"Accept": accept}
            answer = world.send("GET", PICTURE, at=pair.at, params=query, headers=headers)
            assert answer.headers["content-type"] == kind
            assert "Accept" in answer.headers["vary"].split(", ")
            seen.setdefault(kind, set()).add(answer.headers["etag"])
    etags = [etag for tags in seen.values() for etag in tags]
    assert len(set(etags)) == len(etags) == len(seen)


def test_c08_another_types_entity_tag_is_no_304(world: World) -> None:
    pair = world.sign_up()
    etag = ask(world, pair, format="webp").headers["etag"]
    query = {"username": pair.username, "format": "auto"}
    headers = {"Accept": "image/avif", "If-None-Match": etag}
    assert world.send("GET", PICTURE, at=pair.at, params=query, headers=headers).status_code == 200


def test_c09_many_who_ask_for_a_new_picture_at_once_get_the_same(world: World) -> None:
    """A thousand cost one drawing: `test_a_thousand_callers_of_one_cold_key_cost_one_drawing` in tests/domain."""
    pair = world.sign_up()
    answers = at_once([lambda: ask(world, pair, size="311", format="avif")] * 60)
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1


def test_c09_nobody_gets_the_picture_of_a_neighbour(world: World) -> None:
    people = [world.sign_up() for _ in range(10)]
    own = {pair.username: ask(world, pair).content for pair in people}
    assert len(set(own.values())) == len(people)
    calls = [lambda pair=pair: (pair.username, ask(world, pair).content) for pair in people * 10]
    for username, body in at_once(calls):
        assert body == own[username]


def test_c09_a_deleted_persons_picture_is_nobodys(world: World) -> None:
    gone = world.sign_up()
    assert ask(world, gone).status_code == 200
    assert (
        world.send("DELETE", "/auth/user", at=gone.at, json={"password": PASSWORD}).status_code
        == 204
    )
    world.settled(gone.at, 401)
    other = world.sign_up(new_name())
    for node in world.nodes:
        refused(ask(world, gone, node), 401)
        refused(node.send("GET", PICTURE, at=other.at, params={"username": gone.username}), 403)
