"""Attacks on what is between a client and the service; the names begin with the row of the list of attacks."""

from pathlib import Path
from urllib.parse import urlsplit

import pytest
from tests.attacks.world import refused, same
from tests.edge.conftest import Front, front
from tests.edge.lines import Line
from tests.edge.odd_links import share
from tests.edge.odd_requests import COOKIE, compare

REQUESTS = 3000


def test_c01_a_picture_is_private_and_asked_for_again_each_time(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    for answer in [shared_front.get(pair) for _ in range(2)]:
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Authorization, Cookie"
        assert "last-modified" not in answer.headers
        tag = answer.headers["etag"]
        assert shared_front.get(pair, If_None_Match=tag).status_code == 304
    shared_front.world.sign_out(pair)
    assert shared_front.get(pair, If_None_Match=tag).status_code == 401


def test_c02_what_one_was_given_nobody_else_is_given(shared_front: Front) -> None:
    world = shared_front.world
    dead = world.sign_up()
    mine, theirs = world.refresh(dead), world.sign_up()
    target = f"/emoticon/?username={mine.username}"
    for _ in range(2):
        assert shared_front.get(mine).status_code == shared_front.get(theirs).status_code == 200
        refused(shared_front.client.get(target), 401)
        for at, status in ((theirs.at, 403), (dead.at, 401), (f"{mine.at[:-1]}~", 401)):
            for headers in ({"Authorization": f"Bearer {at}"}, {"Cookie": f"{COOKIE}={at}"}):
                refused(shared_front.client.get(target, headers=headers), status)


def test_c03_an_error_is_not_kept(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    target = f"/emoticon/?username={pair.username}"
    refused(shared_front.client.get(target), 401)
    refused(shared_front.get(pair, "&size=9999"), 422)
    assert shared_front.get(pair).status_code == 200
    refused(shared_front.client.get(target), 401)
    with shared_front.paused():
        refused(shared_front.get(pair, "&size=48"), 503)
    assert shared_front.get(pair, "&size=48").status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Forwarded-Host": "evil.example"},
        {"X-Forwarded-Proto": "gopher"},
        {"X-Original-URL": "/auth/user"},
        {"X-Rewrite-URL": "/auth/user"},
        {"Accept": "image/avif,*/*"},
        {"Cookie": "theme=dark"},
    ],
)
def test_c04_what_is_not_part_of_the_wish_has_no_influence(
    headers: dict[str, str], shared_front: Front
) -> None:
    pair = shared_front.world.sign_up()
    first = shared_front.get(pair, **headers)
    target = f"/emoticon/?username={pair.username}"
    bearer = {"Authorization": f"Bearer {pair.at}"}
    fat = shared_front.client.request("GET", target, headers=bearer, content=b"username=bob")
    assert same(first, shared_front.get(pair), shared_front.get(pair, **headers), fat)
    assert same(first, shared_front.get(pair, "&utm=1"))
    jsession = f"/emoticon/;jsessionid=1?username={pair.username}"
    assert shared_front.client.get(jsession, headers=bearer).status_code == 404


def test_c08_a_negotiated_picture_is_not_mixed_up(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    for _ in range(2):
        for accept, media_type in (("image/webp", "image/webp"), ("image/png", "image/png")):
            answer = shared_front.get(pair, "&format=auto", Accept=accept)
            assert answer.headers["content-type"] == media_type
            assert answer.headers["vary"] == "Authorization, Cookie, Accept"
        assert shared_front.get(pair, Accept="image/webp").headers["content-type"] == "image/png"


def test_c17_nginx_and_the_service_know_the_same_spelling_of_a_link(shared_front: Front) -> None:
    shared = share(shared_front, shared_front.world.sign_up())
    token, port = shared.token, urlsplit(shared_front.world.nodes[0].url).port
    assert port is not None
    nginx, service = Line(shared_front.nginx.port), Line(port)
    for target, status in (
        *(
            (shared.path(query), 200)
            for query in ("", "?size=64", "?v=V", "?size=64&v=V", "?v=V&size=64")
        ),
        *((f"/e/{token[:9]}%{ord(token[9]):02x}{token[10:]}.png", 404), (f"/%65/{token}.png", 404)),
        *((f"//e/{token}.png", 404), (f"/e//{token}.png", 404), (f"/./e/{token}.png", 404)),
        *((f"/e/./{token}.png", 404), (f"/x/../e/{token}.png", 404), (f"/e%2f{token}.png", 404)),
        *((f"/e/{token}%2epng", 404), (f"/e/{token}%2Epng", 404), (f"/E/{token}.png", 404)),
        *(
            (f"/e/{token}.PNG", 404),
            (f"/e/{token}.png/", 404),
            (f"/e/{token}/link/e~~128.png", 404),
        ),
    ):
        request = f"GET {target} HTTP/1.1\r\nHost: edge\r\n\r\n".encode()
        answers = [line.ask(request) for line in (service, nginx, service, nginx)]
        assert len(set(answers)) == 1, target
        assert answers[0].status == status, target
    nginx.close()
    service.close()


@pytest.mark.parametrize("path", ["/emoticon", "/emoticon/", "/", "/auth", "/.problem/400"])
def test_h13_a_host_that_is_not_ours_appears_nowhere(path: str, shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    line = Line(shared_front.nginx.port)
    for target, *hosts in (
        (path, "Host: evil.example"),
        (path,),
        (path, "Host: evil.example", "Host: edge"),
        (f"http://evil.example{path}", "Host: edge"),
        (path, "Host: edge", "X-Forwarded-Host: evil.example"),
    ):
        lines = [f"GET {target}?username={pair.username} HTTP/1.1", *hosts]
        lines += [f"Authorization: Bearer {pair.at}", "", ""]
        answer = line.ask("\r\n".join(lines).encode())
        assert b"evil" not in b"".join(answer.headers)
        assert b"evil" not in answer.body
        assert not any(each.startswith(b"location") for each in answer.headers)
        assert answer.status == 400 or len(hosts) == 1 or hosts[0] == "Host: edge"
    line.close()


@pytest.mark.parametrize(
    ("request_of", "status"),
    [
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"TRACE / HTTP/1.1\r\nHost: edge\r\n\r\n", 405),
        (b"GET /%s HTTP/1.1\r\nHost: edge\r\n\r\n" % (b"a" * 9000), 414),
        (b"GET / HTTP/1.1\r\nHost: edge\r\nX: %s\r\n\r\n" % (b"a" * 9000), 431),
        (b"POST / HTTP/1.1\r\nHost: edge\r\nContent-Length: 99999999\r\n\r\n", 413),
    ],
)
def test_what_nginx_refuses_itself_it_refuses_as_the_service_does(
    request_of: bytes, status: int, shared_front: Front
) -> None:
    line = Line(shared_front.nginx.port)
    answer = line.ask(request_of)
    line.close()
    assert answer.status == status
    assert b'"status":%d' % status in answer.body
    for header in (
        b"content-type: application/problem+json",
        b"cache-control: no-store",
        b"x-content-type-options: nosniff",
        b"referrer-policy: no-referrer",
    ):
        assert header in answer.headers


def test_odd_requests_are_answered_as_by_the_service(shared_front: Front) -> None:
    statuses = compare(shared_front, REQUESTS)
    assert statuses[200] > REQUESTS / 10
    assert {200, 304, 400, 401, 403, 404, 405, 422} <= set(statuses)


def test_neither_log_has_a_token_or_a_query_in_it(tmp_path: Path) -> None:
    with front(tmp_path) as started:
        pair = started.world.sign_up()
        for _ in range(2):
            started.get(pair)
        started.get(pair, f"&access_token={pair.at}&size=9999")
        started.client.get(f"/emoticon/?username={pair.username}&access_token={pair.at}")
        with started.paused():
            started.get(pair, f"&size=17&access_token={pair.at}")
        logs = started.nginx.log.read_text() + started.nginx.access_log.read_text()
    assert logs.count('"status":422') == logs.count('"status":401') == 1
    assert '"path":"/emoticon/"' in logs
    assert pair.at[-20:] not in logs
    assert pair.username not in logs
