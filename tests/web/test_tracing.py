"""Facts about traces: a service that sends them, and a receiver that reads them."""

import json
import subprocess
import sys
import threading
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import pytest
from httpx2 import Client
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from tests.e2e.conftest import Service, start
from typing_extensions import override

REMOTE = "4bf92f3577b34da6a3ce929d0e0e4736"
TRACEPARENT = f"00-{REMOTE}-00f067aa0ba902b7-01"
WAIT_S = 30


class Receiver:
    """Takes OTLP over HTTP and keeps the spans."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.paths: set[str] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                assert self.headers["Content-Type"] == "application/x-protobuf"
                receiver.paths.add(self.path)
                receiver.requests.append(ExportTraceServiceRequest.FromString(body))
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(200)
                self.send_header("Content-Type", "application/x-protobuf")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            @override
            def log_message(self, *_: object) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def spans(self) -> list[Span]:
        return [
            span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        ]

    def resources(self) -> list[dict[str, str]]:
        return [
            {pair.key: pair.value.string_value for pair in resource.resource.attributes}
            for request in self.requests
            for resource in request.resource_spans
        ]


@pytest.fixture
def receiver() -> Generator[Receiver]:
    with Receiver() as running:
        yield running


def traced(receiver: Receiver, **more: str) -> dict[str, str]:
    return {
        "EMOTICON_TRACING": "on",
        "EMOTICON_ACCESS_LOG_SHARE": "1",
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        **more,
    }


def sign_up(client: Client, **headers: str) -> dict[str, Any]:
    body = {"username": "ann", "password": "seven green boats at noon"}
    answer = client.post("/auth/sign-up", json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    pair: dict[str, Any] = answer.json()
    return pair


def emoticon(client: Client, token: str, **headers: str) -> None:
    answer = client.get(
        "/emoticon/?username=ann&size=64",
        headers={"Authorization": f"Bearer {token}", **headers},
    )
    assert answer.status_code == 200, answer.text


def attributes(span: Span) -> dict[str, Any]:
    return {
        pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in span.attributes
    }


def test_a_picture_is_seen_from_the_request_to_the_drawing(
    tmp_path: Path, receiver: Receiver
) -> None:
    with Service(tmp_path, traced(receiver)) as service, service.client() as client:
        token = sign_up(client)["access_token"]
        emoticon(client, token)
        service.stop()
    assert receiver.paths == {"/v1/traces"}
    assert {resource["service.name"] for resource in receiver.resources()} == {"emoticon"}
    (request,) = [span for span in receiver.spans if span.name == "GET /emoticon"]
    inner = [span for span in receiver.spans if span.trace_id == request.trace_id]
    names = {span.name for span in inner}
    assert {"GET /emoticon", "tier disk get", "draw"} <= names
    assert request.kind == Span.SPAN_KIND_SERVER
    assert attributes(request) == {
        "http.request.method": "GET",
        "http.route": "/emoticon",
        "http.response.status_code": 200,
    }
    (drawing,) = [span for span in inner if span.name == "draw"]
    assert drawing.parent_span_id == request.span_id
    assert attributes(drawing)["emoticon.size_px"] == 64
    (look_up,) = [span for span in inner if span.name == "tier disk get"]
    assert attributes(look_up) == {"emoticon.hit": False}


def test_a_line_of_the_log_names_its_trace(tmp_path: Path, receiver: Receiver) -> None:
    with Service(tmp_path, traced(receiver)) as service, service.client() as client:
        sign_up(client)
        service.stop()
    (span,) = [span for span in receiver.spans if span.name == "POST /auth/sign-up"]
    (line,) = [json.loads(line) for line in service.errors.splitlines() if "/auth/sign-up" in line]
    assert line["trace_id"] == span.trace_id.hex()
    assert line["span_id"] == span.span_id.hex()


def test_no_span_names_an_account_or_holds_what_was_sent(
    tmp_path: Path, receiver: Receiver
) -> None:
    with Service(tmp_path, traced(receiver)) as service, service.client() as client:
        token = sign_up(client)["access_token"]
        emoticon(client, token)
        client.get("/ann?access_token=secret")
        service.stop()
    text = str(receiver.requests)
    for said in ("ann", "secret", "seven green", token, "127.0.0.1"):
        assert said not in text.replace("channel", ""), said


def test_the_trace_of_a_stranger_is_not_continued(tmp_path: Path, receiver: Receiver) -> None:
    with Service(tmp_path, traced(receiver)) as service, service.client() as client:
        client.get("/livez", headers={"traceparent": TRACEPARENT})
        service.stop()
    (span,) = receiver.spans
    assert span.trace_id.hex() != REMOTE


def test_the_trace_of_a_trusted_proxy_is_continued(tmp_path: Path, receiver: Receiver) -> None:
    environment = traced(receiver, EMOTICON_TRUSTED_PROXIES="127.0.0.1")
    with Service(tmp_path, environment) as service, service.client() as client:
        client.head("/livez", headers={"traceparent": TRACEPARENT})
        service.stop()
    (span,) = receiver.spans
    assert span.trace_id.hex() == REMOTE
    assert span.name == "HEAD /livez"


def test_standard_variables_name_the_service_and_choose_what_is_recorded(
    tmp_path: Path, receiver: Receiver
) -> None:
    named = traced(receiver, OTEL_SERVICE_NAME="faces")
    with Service(tmp_path, named) as service, service.client() as client:
        client.get("/livez")
        service.stop()
    assert {resource["service.name"] for resource in receiver.resources()} == {"faces"}
    receiver.requests.clear()
    unsampled = traced(receiver, OTEL_TRACES_SAMPLER="always_off")
    with Service(tmp_path, unsampled) as service, service.client() as client:
        client.get("/livez")
        service.stop()
    assert not receiver.spans


def test_a_failed_request_is_an_error(tmp_path: Path, receiver: Receiver) -> None:
    guess = {"username": "ann", "password": "wrong"}
    more = {"EMOTICON_HASH_QUEUE": "1", "EMOTICON_LIMITS": "off"}
    with Service(tmp_path, traced(receiver, **more)) as service, service.client() as client:
        with ThreadPoolExecutor(32) as threads:
            statuses: set[int] = set()
            while 503 not in statuses:
                answers = threads.map(
                    lambda _: client.post("/auth/sign-in", data=guess).status_code, range(64)
                )
                statuses.update(answers)
        service.stop()
    failed = [
        span for span in receiver.spans if attributes(span)["http.response.status_code"] == 503
    ]
    assert failed
    assert {span.status.code for span in failed} == {Status.STATUS_CODE_ERROR}
    others = [span for span in receiver.spans if span not in failed]
    assert {span.status.code for span in others} == {Status.STATUS_CODE_UNSET}


def test_a_receiver_that_is_away_keeps_nobody_from_a_picture(tmp_path: Path) -> None:
    environment = {
        "EMOTICON_TRACING": "on",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:1",
    }
    with Service(tmp_path, environment) as service, service.client() as client:
        emoticon(client, sign_up(client)["access_token"])
        assert service.stop() == 143


def test_without_it_nothing_is_loaded_but_the_names_that_the_framework_needs(
    tmp_path: Path,
) -> None:
    script = """
import asyncio, sys
from pathlib import Path
from emoticon.app import create_app
from emoticon.settings import Settings

async def main():
    app = create_app(Settings(data_dir=Path(sys.argv[1])))
    async with app.router.lifespan_context(app):
        extra = ("opentelemetry.sdk", "opentelemetry.exporter", "google.protobuf", "requests", "emoticon.web.tracing")
        assert not [name for name in sys.modules if name.startswith(extra)]

asyncio.run(main())
"""
    subprocess.run([sys.executable, "-c", script, tmp_path], check=True)


def test_where_the_extra_is_not_installed_the_start_says_so(tmp_path: Path) -> None:
    script = """
import sys
sys.modules["opentelemetry.sdk.trace"] = None
sys.argv = ["emoticon", "serve"]
from emoticon.__main__ import main
main()
"""
    process = start(tmp_path, {"EMOTICON_TRACING": "on"}, ("-c", script))
    _, errors = process.communicate(timeout=WAIT_S)
    assert process.returncode == 1
    assert "pip install 'emoticon[otel]'" in errors
