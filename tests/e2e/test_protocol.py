"""Facts about what is not, or not yet, a request: raw bytes over TCP."""

import asyncio
import json
import re
import socket
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send
from tests.e2e.conftest import Service

from emoticon.web.protocol import BoundedProtocol


def exchange(url: str, *parts: bytes) -> bytes:
    """Send the parts and return all that comes until the service closes the connection."""
    address = urlsplit(url)
    assert address.hostname is not None
    assert address.port is not None
    received = b""
    with socket.create_connection((address.hostname, address.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        while data := connection.recv(65536):
            received += data
    return received


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\r\n\r\nnonsense\r\n\r\n",
        b"FOO\r\n\r\n",
        b"get /livez HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /livez HTTP/9.9\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"GET /livez HTTP/1.1\r\nBad Header: x\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"CONNECT 127.0.0.1:1 HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
)
def test_what_is_not_http_is_a_problem_and_closes(service: Service, request_bytes: bytes) -> None:
    head, _, body = exchange(service.url, request_bytes).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 400 ")
    assert b"application/problem+json" in head
    assert json.loads(body)["code"] == "bad_request"


@pytest.mark.parametrize("part", [b"X-Long: " + b"x" * 70_000, b"X: y\r\n" * 20_000])
def test_a_head_without_end_is_cut_off(service: Service, part: bytes) -> None:
    answer = exchange(service.url, b"GET /livez HTTP/1.1\r\n", part)
    assert answer.startswith((b"HTTP/1.1 400 ", b"HTTP/1.1 431 "))


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /livez HTTP/1.1\r\n", 200),
        (b"GET /livez HTTP/1.0\r\n", 200),
        (b"GET http://evil.example/livez HTTP/1.1\r\n", 200),
        (b"TRACE /livez HTTP/1.1\r\n", 405),
        (b"OPTIONS * HTTP/1.1\r\n", 404),
        (b"GET //livez HTTP/1.1\r\n", 404),
        (b"GET /./livez HTTP/1.1\r\n", 404),
        (b"GET /%2e%2e/livez HTTP/1.1\r\n", 404),
        (b"GET /%ff%c0%ae%00 HTTP/1.1\r\n", 404),
        (b"GET /%zz HTTP/1.1\r\n", 404),
        (
            b"GET /emoticon HTTP/1.1\r\nHost: evil.example\r\nX-Forwarded-Host: evil.example\r\n",
            401,
        ),
        (b"GET /livez HTTP/1.1\r\nHost: a\r\nHost: b\r\n", 200),
        (b"GET /livez HTTP/1.1\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n", 200),
        (b"GET /livez HTTP/1.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n", 200),
    ],
)
def test_odd_requests_get_their_status_and_no_host_is_believed(
    service: Service, head: bytes, status: int
) -> None:
    answer = exchange(service.url, head + b"Connection: close\r\n\r\n")
    assert answer.startswith(f"HTTP/1.1 {status} ".encode())
    assert b"evil" not in answer
    assert b"server:" not in answer.lower()


def test_requests_in_a_pipeline_are_answered_in_order(service: Service) -> None:
    answer = exchange(
        service.url,
        b"GET /livez HTTP/1.1\r\n\r\nGET /none HTTP/1.1\r\n\r\n"
        b"GET /livez HTTP/1.1\r\nConnection: close\r\n\r\n",
    )
    assert re.findall(rb"HTTP/1.1 ([0-9]+) ", answer) == [b"200", b"404", b"200"]


def test_a_body_that_is_shorter_than_announced_harms_nobody(service: Service) -> None:
    address = urlsplit(service.url)
    assert address.port is not None
    head = b"POST /auth/sign-up HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: 99\r\n\r\n{"
    with socket.create_connection(("127.0.0.1", address.port)) as connection:
        connection.sendall(head)
    with service.client() as client:
        assert client.get("/livez").status_code == 200


class ImpatientProtocol(BoundedProtocol):
    """Waits for a head as long as a test may."""

    head_deadline_s = 0.2


async def hello(scope: Scope, receive: Receive, send: Send) -> None:
    assert scope["type"] == "http"
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})
    await send({"type": "http.response.body"})


@pytest.fixture
async def impatient_port() -> AsyncGenerator[int]:
    config = uvicorn.Config(hello, port=0, http=ImpatientProtocol, lifespan="off", log_config=None)
    server = uvicorn.Server(config)
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup()
    yield server.servers[0].sockets[0].getsockname()[1]
    await server.shutdown()


@pytest.mark.parametrize("sent", [b"", b"G", b"GET / HTTP/1.1\r\nX-Slow: "])
async def test_a_head_that_does_not_end_in_time_closes_the_connection(
    impatient_port: int, sent: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient_port)
    writer.write(sent)
    assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()


async def test_the_time_of_a_body_and_of_idling_is_not_the_time_of_a_head(
    impatient_port: int,
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", impatient_port)
    for _ in range(2):
        writer.write(b"POST / HTTP/1.1\r\nContent-Length: 2\r\n\r\nx")
        await asyncio.sleep(0.3)
        writer.write(b"y")
        assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 204")
        await asyncio.sleep(0.3)
    writer.close()
