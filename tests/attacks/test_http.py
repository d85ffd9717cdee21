"""Requests that HTTP allows and nobody sends, and some that it does not allow.

What is no request at all, odd methods, paths and hosts byte by byte: `tests/e2e/test_protocol.py`.
"""

import gzip
import json
from urllib.parse import quote

import psutil
import pytest
from tests.attacks.wire import connect, exchange, head, statuses
from tests.attacks.world import PASSWORD, Pair, World, new_name, refused

FORM = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"
READABLE = ["/emoticon/", "/emoticon", "/auth/user", "/auth/sessions", "/livez", "/readyz"]
PUBLIC = ["/.well-known/jwks.json", "/openapi.json"]
PER_ANSWER = {"date", "x-request-id"}


@pytest.fixture(scope="module")
def ann(lone_node: World) -> Pair:
    """An account that tests leave as it is."""
    return lone_node.sign_up()


def credentials(kind: str, name: str) -> bytes:
    """Return a name and a password as a body of this type."""
    members = {"username": name, "password": PASSWORD}
    if kind.startswith(FORM):
        return "&".join(f"{key}={quote(value)}" for key, value in members.items()).encode()
    if kind.startswith("multipart"):
        field = '--x\r\nContent-Disposition: form-data; name="{}"\r\n\r\n{}\r\n'
        parts = [field.format(key, value) for key, value in members.items()]
        return f"{''.join(parts)}--x--\r\n".encode()
    return json.dumps(members).encode()


@pytest.mark.parametrize(
    "kind",
    [
        *(FORM, MULTIPART, "text/plain", "", "application/json;charset=utf-7", "application/xml"),
        *("application/json; charset=utf-16", "application/jsonp", "text/json", "application/*"),
        *("application/json, text/plain", "multipart/form-data", "application/vnd.api+json"),
    ],
)
def test_h01_a_sign_up_is_json_in_utf_8_only(world: World, kind: str) -> None:
    headers = {"Content-Type": kind} if kind else {}
    for wrapped in {credentials(kind, new_name()), credentials("json", new_name())}:
        answer = world.send("POST", "/auth/sign-up", content=wrapped, headers=headers)
        refused(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "kind",
    [
        *("application/json", "text/plain", "", f"{FORM};charset=utf-7", f"{FORM};charset=latin-1"),
        *(
            "application/x-www-form-urlencoded-x",
            "multipart/mixed; boundary=x",
            f"text/plain;{FORM}",
        ),
    ],
)
def test_h01_a_sign_in_is_a_form_in_utf_8_only(world: World, kind: str) -> None:
    pair, headers = world.sign_up(), {"Content-Type": kind} if kind else {}
    for wrapped in {credentials(kind, pair.username), credentials(FORM, pair.username)}:
        answer = world.send("POST", "/auth/sign-in", content=wrapped, headers=headers)
        refused(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (FORM, b"username=x&username=y&password=z"),
        (FORM, b"username=x&password=y&password=z"),
        (FORM, b"username=x"),
        (FORM, b""),
        (FORM, b"\xff\xfe=\x00&%"),
        (FORM, b"&".join(b"a%d=1" % number for number in range(1000))),
        ("multipart/form-data", b"--x--"),
        (MULTIPART, b""),
        (MULTIPART, b"no parts"),
        (MULTIPART, b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\nann'),
        (
            MULTIPART,
            b'--x\r\nContent-Disposition: form-data; name="username"; filename="a"\r\n\r\nann\r\n--x--',
        ),
        (MULTIPART, b"--x\r\n" + b"A: b\r\n" * 5000 + b"\r\n\r\n--x--"),
        (MULTIPART, b"--x\r\nContent-Disposition: form-data; name*=utf-7''x\r\n\r\na\r\n--x--"),
    ],
)
def test_h01_a_form_that_is_not_whole_is_refused(world: World, kind: str, body: bytes) -> None:
    answer = world.send("POST", "/auth/sign-in", content=body, headers={"Content-Type": kind})
    assert answer.status_code in {400, 422}, answer.text
    refused(answer, answer.status_code)


def test_h01_a_length_that_is_wrong_is_refused(lone_node: World) -> None:
    body = credentials("json", new_name())
    for length in ("-1", "1e3", "0x10", "+10", "9" * 30, "", "10, 10", "10"):
        headers = {"Host": "x", "Content-Type": "application/json", "Content-Length": length}
        answer = exchange(lone_node.nodes[0], head("POST", "/auth/sign-up", headers), body)
        assert statuses(answer) == [400], length


def test_h02_a_body_beyond_64_kib_is_refused(world: World) -> None:
    for path, kind in (
        ("/auth/sign-up", "application/json"),
        ("/auth/sign-in", FORM),
        ("/auth/refresh", "application/json"),
        ("/auth/revoke", FORM),
    ):
        body = b" " * (64 * 1024 + 1)
        answer = world.send("POST", path, content=body, headers={"Content-Type": kind})
        refused(answer, 413, "content_too_large")


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        *(("/auth/sign-up", "application/json"), ("/auth/sign-in", FORM)),
        *(("/auth/sign-in", MULTIPART), ("/auth/refresh", FORM), ("/auth/revoke", FORM)),
    ],
)
def test_h02_a_body_without_end_is_refused(lone_node: World, path: str, kind: str) -> None:
    headers = {"Host": "x", "Content-Type": kind, "Transfer-Encoding": "chunked"}
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    # What is no multipart from its first byte on is refused for that, if that byte comes alone.
    opening = b'--x\r\nContent-Disposition: form-data; name="username"\r\n\r\n'
    first = [b"%x\r\n%b\r\n" % (len(opening), opening)] if kind == MULTIPART else []
    answer = exchange(lone_node.nodes[0], head("POST", path, headers), *first, *[chunk] * 5)
    assert statuses(answer) == [413]
    assert b"connection: close" in answer.lower()


@pytest.mark.parametrize("path", ["/auth/sign-up", "/auth/user", "/livez", "/no"])
def test_h02_a_body_without_end_that_nobody_reads_takes_no_memory(
    lone_node: World, path: str
) -> None:
    node = lone_node.nodes[0]
    headers = {"Host": "x", "Content-Type": "text/plain", "Transfer-Encoding": "chunked"}
    chunk = b"4000\r\n" + b" " * 0x4000 + b"\r\n"
    before_bytes = psutil.Process(node.pid).memory_info().rss
    with connect(node) as connection:
        connection.sendall(head("POST", path, headers))
        for _ in range(4000):  # 64 MB
            connection.sendall(chunk)
        assert psutil.Process(node.pid).memory_info().rss - before_bytes < 10 * 2**20
        assert statuses(connection.recv(65536))[0] in {404, 405, 415}


def test_h02_a_packed_body_is_never_unpacked(lone_node: World) -> None:
    bomb = gzip.compress(b" " * 40_000_000)
    assert len(bomb) < 64 * 1024
    node = lone_node.nodes[0]
    before_bytes = psutil.Process(node.pid).memory_info().rss
    for path, kind in (("/auth/sign-up", "application/json"), ("/auth/sign-in", FORM)):
        for encoding in ("gzip", "deflate", "br", "gzip, gzip"):
            headers = {"Content-Type": kind, "Content-Encoding": encoding}
            answer = node.send("POST", path, content=bomb, headers=headers)
            assert answer.status_code in {400, 415, 422}
    assert psutil.Process(node.pid).memory_info().rss - before_bytes < 10 * 2**20


@pytest.mark.parametrize("signed_in", [True, False])
@pytest.mark.parametrize("path", [*READABLE, *PUBLIC, "/no-such-path"])
def test_h04_head_answers_as_get_without_a_body(
    lone_node: World, ann: Pair, path: str, signed_in: bool
) -> None:
    at = ann.at if signed_in else None
    query = {"username": ann.username}
    got, without = (lone_node.send(method, path, at=at, params=query) for method in ("GET", "HEAD"))
    assert without.status_code == got.status_code
    assert without.content == b""
    assert {*without.headers.items()} - {*got.headers.items()} <= {
        (name, without.headers[name]) for name in PER_ANSWER
    }
    assert without.headers.keys() == got.headers.keys()
    if not signed_in and path in READABLE[:4]:
        assert without.status_code == 401


def test_h05_other_methods_are_not_allowed_and_the_allowed_ones_are_named(world: World) -> None:
    document = world.send("GET", "/openapi.json").json()
    for path, operations in document["paths"].items():
        known = {method.upper() for method in operations}
        allowed = sorted(known | ({"HEAD"} if "GET" in known else set()))
        for method in {"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} - known:
            answer = world.send(method, path.replace("{session_id}", "0" * 32))
            refused(answer, 405, "method_not_allowed")
            assert answer.headers["allow"] == ", ".join(allowed), path


def test_h05_trace_repeats_nothing(lone_node: World) -> None:
    headers = {"Host": "x", "Cookie": "secret=of-mine", "Connection": "close"}
    answer = exchange(lone_node.nodes[0], head("TRACE", "/auth/user", headers))
    assert statuses(answer) == [405]
    assert b"of-mine" not in answer


@pytest.mark.parametrize("header", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
def test_h06_a_method_in_a_header_is_ignored(world: World, header: str) -> None:
    pair = world.sign_up()
    headers = {header: "DELETE"}
    body = {"password": PASSWORD}
    assert world.send("GET", "/auth/user", at=pair.at, headers=headers).status_code == 200
    assert world.send("GET", "/auth/sessions", at=pair.at, headers=headers).status_code == 200
    for path in ("/auth/user", "/auth/user?_method=DELETE"):
        refused(world.send("POST", path, at=pair.at, headers=headers, json=body), 405)
    assert world.everywhere(pair.at) == [200] * len(world.nodes)


@pytest.mark.parametrize(
    "ranges",
    [
        *("bytes=0-9", "bytes=0-0", "bytes=-5", "bytes=99999-", "bytes=5-2", "bytes=0-0,2-2,4-4"),
        *("bytes=0-1000,0-1000,0-1000", "bytes=-", "bytes=x", "seconds=0-1", "bytes=-0"),
        "bytes=" + ",".join(f"{start}-" for start in range(1000)),
        "bytes=0-" + "9" * 400,
    ],
)
def test_h07_a_range_is_answered_with_the_whole(lone_node: World, ann: Pair, ranges: str) -> None:
    query = {"username": ann.username}
    whole = lone_node.send("GET", "/emoticon/", at=ann.at, params=query)
    for more in ({}, {"If-Range": '"of-long-ago"'}, {"If-Range": whole.headers["etag"]}):
        headers = {"Range": ranges, **more}
        answer = lone_node.send("GET", "/emoticon/", at=ann.at, params=query, headers=headers)
        assert answer.status_code == 200
        assert answer.content == whole.content
        assert "content-range" not in answer.headers


def test_h08_a_client_that_has_the_picture_gets_304(world: World) -> None:
    pair = world.sign_up()
    query = {"username": pair.username}
    picture = world.send("GET", "/emoticon/", at=pair.at, params=query)
    etag = picture.headers["etag"]
    for given, more, status in (
        (etag, {}, 304),
        (f"W/{etag}", {}, 304),
        (f'"a", W/"b,c", {etag}', {}, 304),
        ("*", {}, 304),
        (etag, {"If-Modified-Since": "Thu, 01 Jan 1970 00:00:00 GMT"}, 304),
        (etag, {"Range": "bytes=0-9"}, 304),
        ('"a"', {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"}, 200),
        (etag.strip('"'), {}, 200),
        (etag.upper(), {}, 200),
        (etag[:-2] + '"', {}, 200),
        ('"' * 3000, {}, 200),
        ("", {}, 200),
    ):
        headers = {"If-None-Match": given, **more}
        answer = world.send("GET", "/emoticon/", at=pair.at, params=query, headers=headers)
        assert answer.status_code == status, given
        assert answer.content == (b"" if status == 304 else picture.content)
        for name in ("etag", "cache-control", "vary"):
            assert answer.headers[name] == picture.headers[name]


def test_h08_nobody_gets_304_who_would_not_get_the_picture(world: World) -> None:
    pair, other = world.sign_up(), world.sign_up()
    query = {"username": pair.username}
    etag = world.send("GET", "/emoticon/", at=pair.at, params=query).headers["etag"]
    for given in (etag, "*"):
        headers = {"If-None-Match": given}
        refused(world.send("GET", "/emoticon/", params=query, headers=headers), 401)
        answer = world.send("GET", "/emoticon/", at=other.at, params=query, headers=headers)
        refused(answer, 403)
    node = world.nodes[0]
    world.sign_out(pair, node)
    headers = {"If-None-Match": etag}
    refused(node.send("GET", "/emoticon/", at=pair.at, params=query, headers=headers), 401)
