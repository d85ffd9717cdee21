"""What nginx answers by itself, and for how long."""

import re
import time
from pathlib import Path

import pytest
from tests.attacks.world import refused, same
from tests.edge.conftest import Front, front

OWN = ("server", "connection")  # of nginx alone
COOKIE = "__Host-emoticon"


_OWN = {"x-request-id": "", "date": ""}
"""Each answer has its own."""


def test_nginx_answers_alone_as_the_service_did(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    for query in ("", "&size=64", "&format=svg", "&size=32&format=webp", "&format=avif"):
        first = shared_front.get(pair, query)
        with shared_front.paused():
            again = shared_front.get(pair, query)
            tag = again.headers["etag"]
            unchanged = shared_front.get(pair, query, If_None_Match=tag)
            weakly = shared_front.get(pair, query, If_None_Match=f"W/{tag}")
            other = shared_front.get(pair, query, If_None_Match='"1-1"')
            bodiless = shared_front.get(pair, query, method="HEAD")
        assert first.status_code == 200
        assert same(first, again, other)
        assert (bodiless.content, {**bodiless.headers, **_OWN}) == (
            b"",
            {**again.headers, **_OWN},
        )
        by_service = shared_front.get(pair, f"{query}&x=1", If_None_Match=tag)
        assert by_service.status_code == 304
        assert same(by_service, unchanged, weakly)


def test_an_answer_of_the_service_itself_has_the_same_headers(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    for _ in range(2):
        through = shared_front.get(pair)
    target = f"/emoticon/?username={pair.username}"
    straight = shared_front.world.send("GET", target, at=pair.at)
    for name in OWN:
        del through.headers[name]
    assert same(through, straight)


def test_the_cookie_works_as_the_header_does(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    target = f"/emoticon/?username={pair.username}"
    first = shared_front.get(pair)
    for cookies, site in (
        (f"{COOKIE}={pair.at}", "same-origin"),
        (f"a=b; {COOKIE}={pair.at}", "none"),
        (f"{COOKIE}={pair.at}; c=d|e", "same-site"),
    ):
        headers = {"Cookie": cookies, "Sec-Fetch-Site": site}
        with shared_front.paused():
            assert same(first, shared_front.client.get(target, headers=headers))
    for more in (
        {"Sec-Fetch-Site": "cross-site"},
        {"Cookie": f"{COOKIE}={pair.at}; {COOKIE}={pair.at}x"},
        {"Authorization": "Bearer x"},
    ):
        headers = {"Cookie": f"{COOKIE}={pair.at}", **more}
        answer = shared_front.client.get(target, headers=headers)
        assert answer.status_code in {401, 403}, more


def test_a_request_id_of_the_client_comes_back_when_it_is_a_plain_word(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    shared_front.get(pair)
    with shared_front.paused():
        assert shared_front.get(pair, X_Request_ID="abc-1").headers["x-request-id"] == "abc-1"
        made_up = shared_front.get(pair, X_Request_ID="a b").headers["x-request-id"]
    assert re.fullmatch(r"[0-9.]{14}-[0-9]+-[0-9]+", made_up)
    for given in ("abc-1", "a b"):
        by_service = shared_front.get(pair, "&x=1", X_Request_ID=given)
        assert (by_service.headers["x-request-id"] == given) == (given == "abc-1")


@pytest.mark.parametrize(
    "headers",
    [
        {"Range": "bytes=0-9"},
        {"Range": "bytes=99999-", "If-Range": '"1-1"'},
        {"If-Modified-Since": "Thu, 31 Dec 9999 23:59:59 GMT"},
        {"If-Unmodified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"},
        {"If-Match": '"1-1"'},
        {"Accept-Encoding": "gzip"},
        {"Accept": "image/avif"},
    ],
)
def test_what_the_route_does_not_heed_nginx_does_not_heed_either(
    headers: dict[str, str], shared_front: Front
) -> None:
    pair = shared_front.world.sign_up()
    plain = shared_front.get(pair)
    assert same(plain, shared_front.get(pair, **headers), shared_front.get(pair, "&x=1", **headers))


def test_a_service_that_stands_still_is_spoken_for_until_the_lease_ends(tmp_path: Path) -> None:
    with front(tmp_path) as started:
        pair = started.world.sign_up()
        assert started.get(pair).status_code == 200
        with started.paused():
            began = time.monotonic()
            while (answer := started.get(pair)).status_code == 200:
                assert time.monotonic() - began < 20
                time.sleep(0.2)  # for a time that nobody announces
            assert answer.headers["content-type"] == "application/problem+json"
            assert answer.json()["status"] == answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["cache-control"] == "no-store"
        deadline = time.monotonic() + 30
        while started.get(pair).status_code != 200:  # it has not read the floors for long
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_a_service_that_was_killed_leaves_nothing_when_it_is_back(tmp_path: Path) -> None:
    with front(tmp_path) as started:
        pair = started.world.sign_up()
        started.get(pair)
        assert len(started.published()) == 1
        started.world.nodes[0].service.process.kill()
        assert started.get(pair).status_code == 200
        with started.world.another(EMOTICON_EDGE_DIR=str(started.edge)):
            assert started.published() == []
            refused(started.get(pair), 503)
        assert started.get(pair).status_code == 503
