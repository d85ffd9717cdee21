"""Who uses share links and names of public accounts, for what, and from which pages."""

import pytest
from httpx2 import Response
from tests.attacks.conftest import Worlds
from tests.attacks.forging import encode
from tests.attacks.links import LINKS, choose, share
from tests.attacks.world import PASSWORD, Pair, World, new_name, refused, same, status_of


@pytest.fixture
def ann(world: World) -> Pair:
    return world.sign_up()


def test_c15_who_asks_has_no_say_and_is_given_nothing_else(world: World, ann: Pair) -> None:
    bob = world.sign_up()
    shared = share(world, ann)
    wanted = world.send("GET", shared.url)
    for headers in (
        {"Authorization": f"Bearer {bob.at}"},
        {"Cookie": f"__Host-emoticon={bob.at}"},
        {"Authorization": f"Bearer {ann.at}", "Cookie": f"__Host-emoticon={bob.at}"},
        {"Authorization": "Bearer x", "Cookie": "__Host-emoticon=x; __Host-emoticon=y"},
        {"Range": "bytes=0-9", "If-Range": '"x"'},
    ):
        for query in ("", "?x"):
            answer = world.send("GET", shared.url + query, headers=headers)
            assert (answer.status_code, answer.content) == (200, wanted.content)
            assert "set-cookie" not in answer.headers
            assert "vary" not in answer.headers
        head = world.send("HEAD", shared.url, headers=headers)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == str(len(wanted.content))


def test_c15_no_shared_cache_keeps_it_and_no_browser_beyond_the_end(
    world: World, ann: Pair
) -> None:
    lasting, ending = share(world, ann), share(world, ann, expires_in=60)
    for _ in range(2):
        assert world.send("GET", lasting.url).headers["cache-control"] == "private, max-age=60"
        versioned = world.send("GET", f"{lasting.url}?v={lasting.version}").headers
        assert versioned["cache-control"] == "private, max-age=31536000, immutable"
        for query in ("", f"?v={ending.version}"):
            caching = world.send("GET", ending.url + query).headers["cache-control"]
            assert 0 <= int(caching.removeprefix("private, max-age=")) <= 60


def test_c16_the_token_of_a_link_is_good_for_nothing_else(world: World, ann: Pair) -> None:
    shared = share(world, ann)
    token = shared.token
    for path in ("/auth/user", f"/emoticon/?username={ann.username}", LINKS, "/auth/sessions"):
        refused(world.send("GET", path, at=token), 401, "invalid_token", secret=token)
        cookie = {"Cookie": f"__Host-emoticon={token}"}
        refused(world.send("GET", path, headers=cookie), 401, "invalid_token", secret=token)
    refused(world.try_refresh(token), 401, "invalid_grant", secret=token)
    refused(world.send("DELETE", f"{LINKS}/{shared.id}", at=token), 401)
    for path in (f"/monster/{token}", f"/{token}.png", f"/emoticon/{token}.png", f"/auth/{token}"):
        assert world.send("GET", path).status_code == 404
    assert world.send("POST", "/auth/revoke", data={"token": token}).status_code == 200
    assert world.send("GET", shared.url).status_code == 200


def test_c16_no_other_token_is_one_of_a_link(world: World, ann: Pair) -> None:
    for token in (ann.at, ann.rt, ann.rt[:43], ann.sid, ann.username):
        for node in world.nodes:
            refused(node.send("GET", f"/e/{token}.png"), 404, "unknown_link", secret=token)


def test_c17_a_url_has_one_spelling(world: World, ann: Pair) -> None:
    token = share(world, ann).token
    encoded = f"%{ord(token[0]):02x}{token[1:]}"
    for node in world.nodes:
        for target in (
            *(f"/e/{encoded}.png", f"/e/{encoded.upper()}.png", f"/%65/{token}.png"),
            *(f"/e%2f{token}.png", f"//e/{token}.png", f"/e//{token}.png", f"/./e/{token}.png"),
            *(f"/e/../e/{token}.png", f"/x/../e/{token}.png", f"/e/{token}.PNG", f"/E/{token}.png"),
            *(f"/e/{token}.png/", f"/e/{token}%2epng", f"/e/{token}.pn%67", f"/e/{token}.png;x"),
        ):
            request = f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
            assert status_of(node, request.encode()) == 404, target
        request = f"GET /e/{token}.png HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
        assert status_of(node, request.encode()) == 200


def test_e06_a_name_does_not_tell_whether_somebody_has_it(world: World) -> None:
    public, private, shut, gone = (world.sign_up() for _ in range(4))
    for pair in (public, shut, gone):
        choose(world, pair, "public")
    world.command("account", "disable", shut.username)
    body = {"password": PASSWORD}
    assert world.send("DELETE", "/auth/user", at=gone.at, json=body).status_code == 204
    names = [private.username, shut.username, gone.username, new_name(), "%00", "x" * 200, "%d1%8f"]
    for kind in ("png", "svg"):
        for query in ("", "?size=64"):
            answers = [
                node.send("GET", f"/u/{name}.{kind}{query}")
                for node in world.nodes
                for name in names
            ]
            assert answers[0].status_code == 200
            assert same(*answers)
            shown = world.send("GET", f"/u/{public.username}.{kind}{query}")
            assert shown.content != answers[0].content
            differing = {"etag", "content-length", "x-request-id", "date"}
            assert comparable(shown, differing) == comparable(answers[0], differing)


def comparable(answer: Response, differing: set[str]) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name not in differing}


def test_w09_a_page_of_any_site_may_show_what_a_link_or_a_public_name_shows(
    world: World, ann: Pair
) -> None:
    shared = share(world, ann)
    choose(world, ann, "public")
    embedding = {
        "Cookie": f"__Host-emoticon={ann.at}",
        "Sec-Fetch-Site": "cross-site",
        "Sec-Fetch-Mode": "no-cors",
        "Sec-Fetch-Dest": "image",
        "Referer": "https://forum.example/",
    }
    for url in (shared.url, f"{shared.url}?x", f"/u/{ann.username}.png"):
        answer = world.send("GET", url, headers=embedding)
        assert answer.status_code == 200
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert answer.headers["referrer-policy"] == "no-referrer"
        assert not [name for name in answer.headers if name.startswith("access-control")]
    own = f"/emoticon/?username={ann.username}"
    refused(world.send("GET", own, headers=embedding), 403, "cross_site")


def test_o01_the_token_of_a_link_is_not_logged(worlds: Worlds) -> None:
    knobs = {"EMOTICON_LOG_LEVEL": "debug", "EMOTICON_ACCESS_LOG_SHARE": "1"}
    with worlds.one(**knobs) as world:
        shared = share(world, world.sign_up())
        for path in (
            *(shared.url, shared.url, f"{shared.url}?v={shared.version}", f"{shared.url}?x"),
            *(f"/e/{shared.token}.PNG", f"/e/{shared.token}", f"/x/{shared.token}/y"),
        ):
            world.send("GET", path)
        log = world.directory / "stderr.log"
    assert "/e/[redacted].png" in log.read_text()
    assert shared.token not in log.read_text()


def test_o02_nothing_in_a_stolen_database_makes_a_url(lone_node: World) -> None:
    pair = lone_node.sign_up()
    shared = share(lone_node, pair, label="forum")
    assert lone_node.sql("SELECT id FROM links WHERE label = 'forum'") == [shared.id]
    files = [file.read_bytes() for file in lone_node.directory.glob("accounts.sqlite3*")]
    assert any(shared.id.encode() in file for file in files)
    assert not any(shared.token.encode() in file for file in files)
    for guess in (
        shared.id,
        encode(bytes.fromhex(shared.id)),
        encode(bytes.fromhex(shared.id) * 2),
    ):
        refused(lone_node.send("GET", f"/e/{guess}.png"), 404)
