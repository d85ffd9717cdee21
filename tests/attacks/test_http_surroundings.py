"""What stands around a request: its host, its origin, its neighbours on the connection, its pace."""

import select
import socket
from contextlib import suppress
from functools import partial
from time import monotonic

import psutil
import pytest
from tests.attacks.conftest import Worlds
from tests.attacks.wire import connect, exchange, head, statuses
from tests.attacks.world import PASSWORD, Pair, World, at_once, refused, until

SLOW = 200
HEAD_DEADLINE_S = 10
EVIL = "evil.example"


@pytest.fixture(scope="module")
def ann(lone_node: World) -> Pair:
    """An account that tests leave as it is."""
    return lone_node.sign_up()


def wanted(pair: Pair, **headers: str) -> bytes:
    """Return the request for a picture."""
    given = {"Host": "x", "Authorization": f"Bearer {pair.at}", **headers}
    return head("GET", f"/emoticon/?username={pair.username}", given)


def test_h11_slow_heads_hold_up_nobody_and_are_given_up(lone_node: World, ann: Pair) -> None:
    node = lone_node.nodes[0]
    began_at = monotonic()
    slow = [connect(node) for _ in range(SLOW)]
    try:
        for connection in slow:
            connection.sendall(b"GET /livez HTTP/1.1\r\nX-Slow: ")
        query = {"username": ann.username}
        picture = partial(node.send, "GET", "/emoticon/", at=ann.at, params=query)
        assert {answer.status_code for answer in at_once([picture] * 20)} == {200}
        left = set(slow)
        while left:
            for connection in select.select(left, [], [], 1)[0]:
                with suppress(ConnectionResetError):
                    assert connection.recv(1) == b""
                left.remove(connection)
            assert monotonic() - began_at < 3 * HEAD_DEADLINE_S
            for connection in left:
                with suppress(OSError):
                    connection.send(b"x")  # a byte now and then does not help
    finally:
        for connection in slow:
            connection.close()
    assert monotonic() - began_at > HEAD_DEADLINE_S / 2


@pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/sign-up", "/auth/revoke"])
def test_h11_slow_bodies_hold_up_nobody(lone_node: World, ann: Pair, path: str) -> None:
    """They are given up after 30 s: `test_a_body_that_does_not_come_is_given_up` in tests/web/test_middleware.py."""
    node = lone_node.nodes[0]
    kind = "application/json" if path == "/auth/sign-up" else "application/x-www-form-urlencoded"
    slow = [connect(node) for _ in range(SLOW)]
    try:
        for connection in slow:
            headers = {"Host": "x", "Content-Type": kind, "Content-Length": "100"}
            connection.sendall(head("POST", path, headers) + b"u")
        query = {"username": ann.username}
        picture = partial(node.send, "GET", "/emoticon/", at=ann.at, params=query)
        assert {answer.status_code for answer in at_once([picture] * 20)} == {200}
        assert lone_node.try_sign_in(lone_node.sign_up().username).status_code == 200
    finally:
        for connection in slow:
            connection.close()


def test_h11_answers_that_nobody_reads_take_no_memory(lone_node: World, ann: Pair) -> None:
    node = lone_node.nodes[0]
    process = psutil.Process(node.pid)
    before_bytes = process.memory_info().rss
    deaf = [connect(node, receive_buffer_bytes=2048) for _ in range(20)]
    try:
        for connection in deaf:
            connection.setblocking(False)
            with suppress(OSError):  # in the end the node reads no more, or has closed it
                for _ in range(100_000):
                    connection.send(wanted(ann) * 10)
        assert node.status(ann.at) == 200
        assert process.memory_info().rss - before_bytes < 20 * 2**20
    finally:
        for connection in deaf:
            connection.close()


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/emoticon/?username=" + "a" * 10_000, 414),
        ("/" + "a" * 10_000, 414),
        ("/emoticon/?" + "a=1&" * 1000, 403),
        ("/emoticon/?" + "username=a&" * 700, 403),
        *((f"/emoticon/?username={name}", 403) for name in ("%", "%f", "%ff", "%c0%ae", "%u0041")),
        *((f"/emoticon/?username={name}", 403) for name in ("%zz", "%00", "%0d%0a", "%25")),
        ("/emoticon%2f", 403),  # the same path, and no name
        *((path, 404) for path in ("//emoticon/", "/emoticon//", "/./emoticon/", "/emoticon/../")),
        *((path, 404) for path in ("/%2e%2e/emoticon/", "/emoticon/%2e%2e/auth/user")),
        *((path, 404) for path in ("/Emoticon/", "/emoticon/.", "/emoticon/;a=b", "/emoticon/%00")),
    ],
)
def test_h12_odd_targets_are_refused(lone_node: World, ann: Pair, target: str, status: int) -> None:
    headers = {"Host": "x", "Authorization": f"Bearer {ann.at}", "Connection": "close"}
    answer = exchange(lone_node.nodes[0], head("GET", target, headers))
    assert statuses(answer) == [status], answer
    assert b"application/problem+json" in answer


def test_h12_many_headers_are_refused(lone_node: World, ann: Pair) -> None:
    for headers in (
        {f"X-{number}": "1" for number in range(500)},
        {"X-Long": "x" * 20_000},
        {"Cookie": "a=b;" * 5000},
        {"Accept-Language": "en," * 6000},
    ):
        answer = lone_node.send("GET", "/auth/user", at=ann.at, headers=headers)
        refused(answer, 431, "request_header_fields_too_large")


@pytest.mark.parametrize(
    "lines",
    [
        {"Host": EVIL},
        {"Host": f"{EVIL}:80@x"},
        {},
        {"Host": "x", "host": EVIL},
        {"Host": "x", "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": EVIL, "X-Host": EVIL},
        {"Host": "x", "Forwarded": f"host={EVIL}", "X-Original-URL": f"//{EVIL}/"},
    ],
)
@pytest.mark.parametrize(
    "path", ["/emoticon", "/emoticon/", "/auth/user/", "/auth/sessions/", "/no"]
)
def test_h13_no_host_is_believed_and_nobody_is_sent_elsewhere(
    lone_node: World, ann: Pair, path: str, lines: dict[str, str]
) -> None:
    authorised = {**lines, "Authorization": f"Bearer {ann.at}", "Connection": "close"}
    for target in (path, f"{path}?username={ann.username}", f"http://{EVIL}{path}"):
        answer = exchange(lone_node.nodes[0], head("GET", target, authorised))
        start, _, _ = answer.partition(b"\r\n\r\n")
        assert b"evil" not in answer
        assert b"\r\nlocation:" not in start.lower()
        assert statuses(answer)[0] in {200, 400, 403, 404}


def test_h15_no_header_comes_from_a_parameter(world: World) -> None:
    pair = world.sign_up()
    injected = "a%0d%0aX-Evil:1%0d%0a%0d%0a<b>"
    for target in (
        f"/emoticon/?username={injected}",
        f"/emoticon/?username={pair.username}&size={injected}",
        f"/emoticon/?username={pair.username}&format={injected}",
        f"/{injected}",
        f"/auth/sessions/{injected}",
    ):
        for method in ("GET", "DELETE"):
            answer = world.send(method, target, at=pair.at)
            assert 400 <= answer.status_code < 500
            assert not any("evil" in f"{name}{value}" for name, value in answer.headers.items())
            assert "<b>" not in answer.text


@pytest.mark.parametrize("given", ["a b", "a;b", "x" * 65, "\u00e9".encode(), b"", "<b>", "${x}"])
def test_h15_a_request_id_is_repeated_only_when_it_is_a_plain_word(
    world: World, given: str | bytes
) -> None:
    answer = world.send("GET", "/livez", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"].isalnum()
    assert len(answer.headers["x-request-id"]) == 16


@pytest.mark.parametrize("origin", [f"https://{EVIL}", "null", "", "SELF.evil.example", "http://x"])
def test_h16_no_other_site_may_read_or_write(world: World, origin: str) -> None:
    pair, node = world.sign_up(), world.nodes[0]
    headers = {"Origin": origin.replace("SELF", node.url), "Cookie": "a=b"}
    for path in [f"/emoticon/?username={pair.username}", "/auth/user", "/livez", "/openapi.json"]:
        answer = node.send("GET", path, at=pair.at, headers=headers)
        assert answer.status_code == 200
        assert not [name for name in answer.headers if name.startswith("access-control-")]
    for method in ("GET", "POST", "PUT", "DELETE"):
        asked = {**headers, "Access-Control-Request-Method": method}
        asked["Access-Control-Request-Headers"] = "authorization, content-type"
        for path in ("/emoticon/", "/auth/user", "/auth/sign-in", "/auth/refresh"):
            answer = node.send("OPTIONS", path, headers=asked)
            refused(answer, 405)
            assert not [name for name in answer.headers if name.startswith("access-control-")]
    form = {"username": pair.username, "password": PASSWORD}
    refused(node.send("POST", "/auth/sign-in", data=form, headers=headers), 403, "cross_site")


def test_h18_callers_on_one_connection_get_their_own_answers(world: World) -> None:
    ann, bob = world.sign_up(), world.sign_up()
    for node in world.nodes:
        asked = b"".join(
            head("GET", "/auth/user", {"Host": "x", "Authorization": f"Bearer {pair.at}"})
            for pair in [ann, bob] * 10
        )
        nobody = head("GET", "/auth/user", {"Host": "x", "Connection": "close"})
        answer = exchange(node, asked + nobody)
        assert statuses(answer) == [200] * 20 + [401]
        names = [part.partition(b'"')[0].decode() for part in answer.split(b'"username":"')[1:]]
        assert names == [ann.username, bob.username] * 10


def test_h18_a_thousand_requests_in_one_go_are_too_many(lone_node: World, ann: Pair) -> None:
    received = b""
    with connect(lone_node.nodes[0]) as connection, suppress(ConnectionError):  # it is closed
        connection.sendall(wanted(ann) * 1000)
        while data := connection.recv(65536):
            received += data
    assert len(statuses(received)) < 1000
    assert lone_node.nodes[0].status(ann.at) == 200


def test_h18_a_request_within_a_body_is_a_body(lone_node: World, ann: Pair) -> None:
    hidden = wanted(ann)
    for headers in (
        {"Content-Length": str(len(hidden))},
        {"Content-Length": str(len(hidden)), "X-Transfer-Encoding": "chunked"},
    ):
        outer = head("POST", "/auth/sign-out", {"Host": "x", "Connection": "close", **headers})
        assert statuses(exchange(lone_node.nodes[0], outer + hidden)) == [401]
    for headers in (
        {"Content-Length": "5", "Transfer-Encoding": "chunked"},
        {"Transfer-Encoding": "chunked, identity"},
        {"Transfer-Encoding": "xchunked"},
        {"Transfer-Encoding": "chunked\r\nTransfer-Encoding: identity"},
        {"Content-Length": "5\r\nContent-Length: 6"},
    ):
        outer = head("POST", "/auth/sign-out", {"Host": "x", **headers})
        answer = exchange(lone_node.nodes[0], outer + b"0\r\n\r\n" + hidden)
        assert statuses(answer)[-1] == 400, answer  # and the connection is closed
        assert 200 not in statuses(answer)


@pytest.mark.parametrize(
    "path",
    [
        *(
            "/docs",
            "/redoc",
            "/metrics",
            "/debug",
            "/debug/pprof/",
            "/.git/config",
            "/.env",
            "/admin",
        ),
        *(
            "/server-status",
            "/actuator",
            "/console",
            "/static/",
            "/favicon.ico",
            "/config",
            "/health",
        ),
        *(
            "/accounts.sqlite3",
            "/secret",
            "/../secret",
            "/.well-known/",
            "/swagger.json",
            "/phpinfo.php",
        ),
    ],
)
def test_h20_nothing_is_there_that_is_not_meant_to_be(world: World, path: str) -> None:
    refused(world.send("GET", path), 404, "not_found")


@pytest.mark.parametrize(
    "accept", ["application/xml", "*/*;q=0", "text/html", "x" * 9000, ",;q=", ""]
)
def test_h21_what_a_client_accepts_breaks_nothing(world: World, accept: str) -> None:
    pair = world.sign_up()
    headers = {"Accept": accept, "Accept-Language": "en;q=0.1," * 250, "Accept-Encoding": "*;q=0"}
    for wish in ("png", "auto"):
        query = {"username": pair.username, "format": wish}
        answer = world.send("GET", "/emoticon/", at=pair.at, params=query, headers=headers)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/png"
    refused(world.send("GET", "/auth/user", headers=headers), 401)


def test_h22_every_answer_has_the_headers_of_security(world: World) -> None:
    pair = world.sign_up()
    for path in (
        f"/emoticon/?username={pair.username}",
        "/auth/user",
        "/livez",
        "/openapi.json",
        "/no",
    ):
        for at in (pair.at, None):
            headers = world.send("GET", path, at=at).headers
            assert headers["x-content-type-options"] == "nosniff"
            assert headers["referrer-policy"] == "no-referrer"
            assert not {"server", "x-powered-by", "via"} & set(headers)


def test_h22_one_connection_too_many_gets_503_and_harms_nobody(worlds: Worlds) -> None:
    with worlds.one(EMOTICON_CONNECTIONS="5") as world:
        pair, node = world.sign_up(), world.nodes[0]
        idle = [connect(node) for _ in range(10)]
        try:
            until(lambda: node.status(pair.at), 503, within_s=10)
        finally:
            for connection in idle:
                connection.shutdown(socket.SHUT_RDWR)
                connection.close()
        until(lambda: node.status(pair.at), 200, within_s=10)
