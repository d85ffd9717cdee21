"""Facts about the boundary that every request crosses."""

import asyncio
import json
from collections.abc import AsyncIterator

import pytest
from httpx2 import ASGITransport, AsyncClient
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from tests.web.conftest import BASE_URL, assert_problem

from emoticon.web import middleware
from emoticon.web.access_log import AccessLog
from emoticon.web.addresses import ClientAddress
from emoticon.web.middleware import Boundary
from emoticon.web.requests import Requests

JSON = {"Content-Type": "application/json"}


async def test_a_body_that_announces_too_much_is_refused_unread(client: AsyncClient) -> None:
    read = []

    async def body() -> AsyncIterator[bytes]:
        read.append(True)
        yield b"x"

    answer = await client.post(
        "/auth/sign-up", content=body(), headers={**JSON, "Content-Length": "65537"}
    )
    assert not read
    assert_problem(answer, 413, "content_too_large")
    assert answer.headers["connection"] == "close"


@pytest.mark.parametrize("path", ["/auth/sign-up", "/auth/sign-in"])
async def test_a_body_without_length_is_read_only_to_the_limit(
    client: AsyncClient, path: str
) -> None:
    sent = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal sent
        while True:
            sent += 1024
            yield b"x" * 1024

    kind = "application/json" if path.endswith("up") else "application/x-www-form-urlencoded"
    answer = await client.post(path, content=endless(), headers={"Content-Type": kind})
    assert_problem(answer, 413, "content_too_large")
    assert sent <= 66 * 1024


async def test_a_body_of_exactly_the_limit_is_read(client: AsyncClient) -> None:
    body = json.dumps({"username": "a", "password": ""}).encode()
    answer = await client.post(
        "/auth/sign-up", content=body + b" " * (65536 - len(body)), headers=JSON
    )
    assert_problem(answer, 422, "invalid_password")


async def test_a_packed_body_is_not_unpacked(client: AsyncClient) -> None:
    answer = await client.post(
        "/auth/sign-up",
        content=b"\x1f\x8b" + b"\0" * 100,
        headers={**JSON, "Content-Encoding": "gzip"},
    )
    assert_problem(answer, 422, "invalid_input")


async def test_a_long_url_is_refused(client: AsyncClient) -> None:
    assert_problem(await client.get("/" + "x" * 8192), 414, "uri_too_long")
    assert_problem(await client.get("/livez?" + "x" * 8192), 414, "uri_too_long")
    assert (await client.get("/livez?" + "x=1&" * 1000)).status_code == 200


async def test_too_many_headers_are_refused(client: AsyncClient) -> None:
    many = {f"X-{number}": "x" for number in range(500)}
    code = "request_header_fields_too_large"
    assert_problem(await client.get("/livez", headers=many), 431, code)
    assert_problem(await client.get("/livez", headers={"X-Long": "x" * 16384}), 431, code)


async def test_a_request_keeps_its_id_when_that_is_a_plain_word(client: AsyncClient) -> None:
    answer = await client.get("/livez", headers={"X-Request-ID": "abc-123"})
    assert answer.headers["x-request-id"] == "abc-123"


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", '"'])
async def test_a_request_gets_an_id_otherwise(client: AsyncClient, given: str) -> None:
    first = await client.get("/livez", headers={"X-Request-ID": given})
    second = await client.get("/livez", headers={"X-Request-ID": given})
    assert len(first.headers["x-request-id"]) == 16
    assert first.headers["x-request-id"] != second.headers["x-request-id"]


async def test_no_answer_tells_pages_where_they_came_from(client: AsyncClient) -> None:
    assert (await client.get("/livez")).headers["referrer-policy"] == "no-referrer"


async def drop(_message: Message) -> None:
    return


async def test_what_is_no_request_passes_through() -> None:
    seen: list[str] = []

    async def app(scope: Scope, _receive: Receive, _send: Send) -> None:
        seen.append(scope["type"])

    async def receive() -> Message:
        return {"type": "lifespan.startup"}

    requests = Requests()
    log = AccessLog(1, 1, lambda _scope: "")
    await Boundary(app, requests=requests, access_log=log, large_bodies={})(
        {"type": "lifespan"}, receive, drop
    )
    assert seen == ["lifespan"]
    assert not list(requests.items())


async def test_a_body_that_does_not_come_is_given_up() -> None:
    async def silent() -> Message:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(HTTPException) as caught:
        await middleware.bounded(silent, deadline_s=0.01)()
    assert caught.value.status_code == 408


async def test_a_path_may_take_more_than_others() -> None:
    requests, log = Requests(), AccessLog(0, 1000, ClientAddress([]))
    read_bytes = 0

    async def reader(scope: Scope, receive: Receive, send: Send) -> None:
        nonlocal read_bytes
        more = True
        while more:
            message = await receive()
            read_bytes += len(message.get("body", b""))
            more = message.get("more_body", False)
        await Response(status_code=204)(scope, receive, send)

    boundary = Boundary(reader, requests=requests, access_log=log, large_bodies={"/large": 100_000})
    async with AsyncClient(transport=ASGITransport(boundary), base_url=BASE_URL) as client:
        assert (await client.put("/large", content=b"x" * 100_000)).status_code == 204
        assert read_bytes == 100_000
        too_large = await client.put("/large", content=b"x" * 100_001)
        assert_problem(too_large, 413, "content_too_large")
        assert too_large.json()["detail"] == "A body has at most 100000 bytes"
        assert (await client.put("/other", content=b"x" * 100_000)).status_code == 413
