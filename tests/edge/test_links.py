"""Share links through nginx: answered by it alone, and no longer than they are good."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from httpx2 import Response
from tests.attacks.world import PASSWORD, Pair, refused, same, until
from tests.edge.conftest import Front
from tests.edge.odd_links import Share, revoke, share
from tests.edge.test_published import COOKIE
from tests.edge.test_revocation import load

QUERIES = ("", "?size=64", "?v=V", "?size=64&v=V")
ROUNDS = 40
LINK = '</credits>; rel="license"'


def get(
    started: Front, shared: Share, query: str = "", kind: str = "png", **headers: str
) -> Response:
    """Ask nginx for the picture of a link; an underscore in a header's name stands for a hyphen."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return started.client.get(shared.path(query, kind), headers=named)


def change_look(started: Front, pair: Pair, **look: Any) -> None:
    """Let the account look otherwise."""
    answer = started.world.send("PUT", "/emoticon/look", at=pair.at, json=look)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("kind", ["png", "svg", "webp"])
@pytest.mark.parametrize("query", QUERIES)
def test_nginx_answers_alone_as_the_service_did(query: str, kind: str, shared_front: Front) -> None:
    shared = share(shared_front, shared_front.world.sign_up())
    first = get(shared_front, shared, query, kind)
    tag = first.headers["etag"]
    with shared_front.paused():
        again = get(shared_front, shared, query, kind)
        unchanged = get(shared_front, shared, query, kind, If_None_Match=tag)
        weakly = get(shared_front, shared, query, kind, If_None_Match=f"W/{tag}")
        bodiless = shared_front.client.head(shared.path(query, kind))
        straight = shared_front.client.get(
            shared.path(query, kind), headers={"Range": "bytes=0-9", "If-Range": tag}
        )
    assert first.status_code == 200
    assert same(first, again, straight)
    assert (bodiless.status_code, bodiless.content) == (200, b"")
    by_service = get(shared_front, shared, f"{query or '?'}&x=1", kind, If_None_Match=tag)
    assert by_service.status_code == 304
    assert same(by_service, unchanged, weakly)


def test_every_picture_says_where_its_licence_is(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    shared = share(shared_front, pair)
    for _ in range(2):
        for answer in (
            shared_front.get(pair),
            get(shared_front, shared),
            get(shared_front, shared, If_None_Match="*"),
        ):
            assert answer.status_code in {200, 304}
            assert answer.headers["link"] == LINK


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer x"},
        {"Authorization": "Basic x", "Sec_Fetch_Site": "cross-site"},
        {"Cookie": f"{COOKIE}=x; {COOKIE}=y"},
        {"Origin": "https://evil.example", "Referer": "https://evil.example/x"},
    ],
    ids=str,
)
def test_who_asks_has_no_say(headers: dict[str, str], shared_front: Front) -> None:
    shared = share(shared_front, shared_front.world.sign_up())
    first = get(shared_front, shared, **headers)
    assert first.status_code == 200
    assert "set-cookie" not in first.headers
    with shared_front.paused():
        assert same(first, get(shared_front, shared), get(shared_front, shared, **headers))


def test_a_revoked_link_is_404_at_the_next_request_under_load(shared_front: Front) -> None:
    world = shared_front.world
    pair = world.sign_up()
    kept = share(shared_front, pair)
    with load(shared_front, 2) as others:
        for number in range(ROUNDS):
            shared, query = share(shared_front, pair), QUERIES[number % len(QUERIES)]
            good = [get(shared_front, shared, query).status_code for _ in range(2)]
            revoke(shared_front, pair, shared)
            gone = get(shared_front, shared, query)
            assert (good, gone.status_code) == ([200, 200], 404)
    refused(gone, 404, "unknown_link")
    assert get(shared_front, kept).status_code == 200
    assert others.statuses == {200}


def test_while_many_ask_for_a_link_none_is_answered_after_its_revocation(
    shared_front: Front,
) -> None:
    """Requests of which the answer was under way when the link was revoked publish nothing."""
    pair = shared_front.world.sign_up()
    with ThreadPoolExecutor(4) as threads:
        for _ in range(ROUNDS // 3):
            shared = share(shared_front, pair)
            asking = [threads.submit(get, shared_front, shared) for _ in range(8)]
            revoke(shared_front, pair, shared)
            after = get(shared_front, shared).status_code
            assert {each.result().status_code for each in asking} <= {200, 404}
            assert (after, get(shared_front, shared).status_code) == (404, 404)


def test_under_load_a_new_look_is_seen_at_the_next_request_by_token_and_by_link(
    shared_front: Front,
) -> None:
    pair = shared_front.world.sign_up()
    shared = share(shared_front, pair)
    with load(shared_front, 2) as others:
        for number in range(ROUNDS):
            old = [shared_front.get(pair).content for _ in range(2)]
            assert [get(shared_front, shared).content for _ in range(2)] == old
            change_look(shared_front, pair, style="identicon", seed=f"round {number}")
            new = shared_front.get(pair).content
            assert new != old[0]
            assert get(shared_front, shared).content == new
    assert others.statuses == {200}


def test_a_new_look_is_seen_by_every_url_of_a_link_and_by_old_ones_for_a_minute_only(
    shared_front: Front,
) -> None:
    pair = shared_front.world.sign_up()
    shared = share(shared_front, pair)
    seen = set[bytes]()
    for number in range(10):
        for query in QUERIES:
            for _ in range(2):
                before = get(shared_front, shared, query)
        change_look(shared_front, pair, style="identicon", seed=f"look {number}")
        for query in QUERIES:
            old = get(shared_front, shared, query, If_None_Match=before.headers["etag"])
            assert old.status_code == 200
            # The version of the old look is no longer the account's: nobody is told to keep this for long.
            assert "immutable" not in old.headers["cache-control"]
        seen.add(get(shared_front, shared).content)
    assert len(seen) == 10


def test_no_link_outlives_its_account(shared_front: Front) -> None:
    world = shared_front.world
    pairs = [world.sign_up(), world.sign_up()]
    links = [share(shared_front, pair) for pair in pairs]
    for shared in links * 2:
        assert get(shared_front, shared).status_code == 200
    before = len(shared_front.published())
    body = {"password": PASSWORD}
    assert world.send("DELETE", "/auth/user", at=pairs[0].at, json=body).status_code == 204
    refused(get(shared_front, links[0]), 404, "unknown_link")
    assert len(shared_front.published()) == before - 1
    world.command("account", "disable", pairs[1].username)
    until(lambda: get(shared_front, links[1]).status_code, 404, within_s=3)
    assert [get(shared_front, links[1]).status_code for _ in range(3)] == [404] * 3


def test_a_link_that_expires_soon_is_judged_by_the_service(shared_front: Front) -> None:
    shared = share(shared_front, shared_front.world.sign_up(), expires_in=60)
    before = len(shared_front.published())
    answer = get(shared_front, shared)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] in {"private, max-age=59", "private, max-age=60"}
    assert len(shared_front.published()) == before
