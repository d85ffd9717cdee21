"""Facts about the log of requests."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from httpx2 import ASGITransport, AsyncClient
from starlette.types import Receive, Scope, Send
from tests.e2e.conftest import Service
from tests.web.conftest import BASE_URL, Person, served, sign_up

from emoticon.adapters.signers.refresh import HmacRefreshSigner
from emoticon.telemetry import configure_logging
from emoticon.web.access_log import LINES_PER_S, AccessLog
from emoticon.web.addresses import ClientAddress
from emoticon.web.middleware import Boundary
from emoticon.web.requests import Requests

Lines = list[dict[str, Any]]
REFRESH = HmacRefreshSigner([b"k" * 32]).seal("0123456789abcdef" * 2, 7)
QUIET_MS = 60_000


class Log:
    """What the service has logged, and what tests have read of it."""

    def __init__(self) -> None:
        self._stream = io.StringIO()

    def begin(self, log_format: str) -> None:
        configure_logging("info", log_format)
        handler = logging.getLogger().handlers[0]
        assert isinstance(handler, logging.StreamHandler)
        handler.setStream(self._stream)
        logging.getLogger("httpx2").setLevel(logging.WARNING)

    def text(self) -> str:
        text = self._stream.getvalue()
        self._stream.seek(0)
        self._stream.truncate()
        return text

    def lines(self) -> Lines:
        return [json.loads(line) for line in self.text().splitlines()]


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    log = Log()
    log.begin("json")
    yield log
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("httpx2").setLevel(logging.NOTSET)
    structlog.reset_defaults()


def speaking(share: float, slow_ms: int, status: int = 200, slow_s: float = 0) -> AsyncClient:
    """Return a client of an application that always says the same."""

    async def app(scope: Scope, _receive: Receive, send: Send) -> None:
        await asyncio.sleep(slow_s)
        if scope["path"] == "/broken":
            raise RuntimeError
        await send({"type": "http.response.start", "status": status, "headers": []})
        await send({"type": "http.response.body", "body": b"12345"})

    boundary = Boundary(
        app,
        requests=Requests(),
        access_log=AccessLog(share, slow_ms, ClientAddress([])),
        large_bodies={},
    )
    transport = ASGITransport(boundary, client=("192.0.2.7", 1), raise_app_exceptions=False)
    return AsyncClient(transport=transport, base_url=BASE_URL)


async def test_a_line_says_what_was_asked_and_answered_and_nothing_of_the_query(log: Log) -> None:
    async with speaking(1, QUIET_MS) as client:
        headers = {"X-Request-ID": "abc", "Authorization": f"Bearer {REFRESH}"}
        await client.post("/auth/x?access_token=secret", headers=headers)
    (line,) = log.lines()
    assert line.pop("took_ms") >= 0
    assert line.pop("timestamp")
    assert line == {
        "message": "request",
        "level": "info",
        "logger": "emoticon.request",
        "request_id": "abc",
        "method": "POST",
        "path": "/auth/x",
        "status": 200,
        "sent_bytes": 5,
        "client": "192.0.2.7",
    }


async def test_without_a_share_only_failed_and_slow_requests_are_logged(log: Log) -> None:
    async with speaking(0, QUIET_MS) as client:
        await client.get("/fine")
    async with speaking(0, QUIET_MS, status=503) as client:
        await client.get("/failed")
    async with speaking(0, 1, slow_s=0.02) as client:
        await client.get("/slow")
    failed, slow = log.lines()
    assert (failed["message"], failed["path"], failed["status"]) == (
        "request failed",
        "/failed",
        503,
    )
    assert (slow["message"], slow["path"], slow["level"]) == (
        "request was slow",
        "/slow",
        "warning",
    )
    assert slow["took_ms"] >= 20


async def test_of_many_requests_a_share_is_logged(log: Log) -> None:
    async with speaking(0.5, QUIET_MS) as client:
        for _ in range(200):
            await client.get("/fine")
    assert 40 <= len(log.lines()) <= 160  # by chance outside once in 10^17 runs


async def test_a_request_that_breaks_is_a_failed_one(log: Log) -> None:
    async with speaking(0, QUIET_MS) as client:
        await client.get("/broken")
    (line,) = log.lines()
    assert (line["message"], line["status"], line["sent_bytes"]) == ("request failed", 500, 0)


@pytest.mark.parametrize(
    "path",
    [
        "/a\r\n{}",
        "/a\x1b[2Jb",
        "/a\x00",
        "/a\u2028b",
        "/a\x85b",
        '/a","status":200,"b":"',
        "/a status=200",
        "/\udcff",
    ],
)
@pytest.mark.parametrize("log_format", ["json", "console"])
async def test_no_path_can_forge_a_line_or_a_field(log: Log, path: str, log_format: str) -> None:
    log.begin(log_format)
    scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": [], "client": None}
    AccessLog(1, QUIET_MS, ClientAddress([])).write(scope, 404, 0.001, 0)
    text = log.text()
    assert text.endswith("\n")
    assert text[:-1].isprintable()
    assert "status=200" not in text.replace("%20status=200", "")
    assert '"status":200' not in text


async def test_a_token_in_a_path_is_blanked_out_also_where_the_path_is_cut(log: Log) -> None:
    async with speaking(1, QUIET_MS) as client:
        for padding in (0, 100, 150, 190, 300):
            await client.get(f"/{'x/' * (padding // 2)}{REFRESH}")
    found = log.lines()
    assert len(found) == 5
    for line in found:
        assert len(str(line["path"])) <= 200
        assert REFRESH[:20] not in str(line)


async def test_a_flood_of_failures_is_cut_and_counted_and_hides_no_slow_request(log: Log) -> None:
    said: Lines = []
    sent = 0
    async with speaking(0, QUIET_MS, status=503) as client:
        while not any("left_out" in line for line in said):
            for _ in range(50):
                await client.get("/failed")
            sent += 50
            said += log.lines()
    assert len(said) < sent
    cut = next(number for number, line in enumerate(said) if "left_out" in line)
    assert said[cut]["left_out"] == sent - len(said) or said[cut]["left_out"] < sent
    assert cut <= 2 * LINES_PER_S
    scope: Scope = {"type": "http", "method": "GET", "path": "/", "headers": [], "client": None}
    access_log = AccessLog(0, 1, ClientAddress([]))
    for _ in range(50):
        access_log.write(scope, 500, 0.001, 0)
    access_log.write(scope, 200, 5.0, 0)
    assert log.lines()[-1]["message"] == "request was slow"


async def test_a_client_behind_a_trusted_proxy_is_named(tmp_path: Path, log: Log) -> None:
    knobs = {"access_log_share": 1, "trusted_proxies": "127.0.0.1"}
    async with served(tmp_path, **knobs) as client:
        await client.get("/livez", headers={"X-Forwarded-For": "203.0.113.9"})
    assert [line["client"] for line in log.lines()] == ["203.0.113.9"]


async def test_what_is_published_is_logged_by_the_same_share(tmp_path: Path, log: Log) -> None:
    async with served(tmp_path, access_log_share=1) as client:
        person: Person = await sign_up(client)
        for _ in range(3):
            await person.emoticon()
    assert [line["path"] for line in log.lines()] == ["/auth/sign-up", *["/emoticon/"] * 3]


def test_each_failure_of_an_outage_is_one_line(tmp_path: Path) -> None:
    with Service(tmp_path, {"EMOTICON_CONNECTIONS": "2"}) as service:
        with service.client() as first, service.client() as second:
            assert first.get("/livez").status_code == 200
            assert second.get("/livez").status_code == 503
        service.stop()
    assert len([line for line in service.errors.splitlines() if "limit" in line]) == 1
