"""What holds for every request, as one pure ASGI layer: bounds, HEAD, request ids, headers, figures, the log."""

import asyncio
import re
import secrets
import time
from collections.abc import Mapping

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from emoticon.web.access_log import AccessLog
from emoticon.web.errors import ERROR_CODE, problem
from emoticon.web.requests import Requests, route_of

MAX_BODY_BYTES = 64 * 1024
MAX_UPLOAD_BYTES = 5 * 2**20
LARGE_BODIES: Mapping[str, int] = {"/emoticon/picture": MAX_UPLOAD_BYTES}
MAX_TARGET_BYTES = 8 * 1024
MAX_HEADER_BYTES = 16 * 1024
MAX_HEADERS = 100
BODY_DEADLINE_S = 30
REQUEST_ID = "emoticon.request_id"
"""Where the scope of a request has its id."""
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Boundary:
    """Answers what is too large without troubling the application; answers HEAD as GET without its body.

    Each answer carries X-Request-ID (the client's, when it is a plain word), nosniff and a strict referrer policy.
    Each is counted in `requests` and may be logged. `large_bodies` are the paths that take more than MAX_BODY_BYTES.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        requests: Requests,
        access_log: AccessLog,
        large_bodies: Mapping[str, int],
    ) -> None:
        self._app = app
        self._large_bodies = large_bodies
        self._requests = requests
        self._access_log = access_log

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        status, sent_bytes = 500, 0  # of a request that ends without an answer of its own
        request_id = request_id_for(Headers(scope=scope).get("x-request-id", ""))
        scope[REQUEST_ID] = request_id
        bodiless = scope["method"] == "HEAD"
        inner_scope = {**scope, "method": "GET"} if bodiless else scope

        async def send_on(message: Message) -> None:
            nonlocal status, sent_bytes
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = MutableHeaders(scope=message)
                headers["X-Request-ID"] = request_id
                headers["X-Content-Type-Options"] = "nosniff"
                headers.setdefault("Referrer-Policy", "no-referrer")
            elif bodiless:
                message = {**message, "body": b""}
            else:
                sent_bytes += len(message.get("body", b""))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                most_bytes = self._large_bodies.get(scope["path"], MAX_BODY_BYTES)
                refusal = _refusal(scope, most_bytes)
                if refusal is None:
                    await self._app(inner_scope, bounded(receive, most_bytes), send_on)
                else:
                    code, detail, refused_with = refusal
                    response = problem(refused_with, code, detail, headers={"Connection": "close"})
                    await response(inner_scope, receive, send_on)
            finally:
                took_s = time.perf_counter() - started
                scope["route"] = inner_scope.get("route")
                self._requests.count(route_of(scope), scope["method"], status, took_s)
                if ERROR_CODE in inner_scope:
                    self._requests.failed(inner_scope[ERROR_CODE])
                self._access_log.write(scope, status, took_s, sent_bytes)


def request_id_for(given: str) -> str:
    """Return the id of a request: the client's when it is a plain word, else a new one."""
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _refusal(scope: Scope, most_bytes: int) -> tuple[str, str, int] | None:
    """Return code, detail and status for a request that is too large by what it announces."""
    headers = scope["headers"]
    if len(scope.get("raw_path") or b"") + len(scope["query_string"]) > MAX_TARGET_BYTES:
        return "uri_too_long", f"A URL has at most {MAX_TARGET_BYTES} bytes", 414
    size_bytes = sum(len(name) + len(value) for name, value in headers)
    if len(headers) > MAX_HEADERS or size_bytes > MAX_HEADER_BYTES:
        return (
            "request_header_fields_too_large",
            f"Headers are at most {MAX_HEADERS} and {MAX_HEADER_BYTES} bytes",
            431,
        )
    length = Headers(scope=scope).get("content-length", "0")
    if length.isdecimal() and int(length[:20]) > most_bytes:
        return "content_too_large", _too_large(most_bytes), 413
    return None


def _too_large(most_bytes: int) -> str:
    return f"A body has at most {most_bytes} bytes"


def bounded(
    receive: Receive, most_bytes: int = MAX_BODY_BYTES, *, deadline_s: float = BODY_DEADLINE_S
) -> Receive:
    """Count what arrives, for a chunked body announces no length, and wait only so long for it."""
    received_bytes = 0
    deadline = time.monotonic() + deadline_s

    async def receive_on() -> Message:
        nonlocal received_bytes
        try:
            async with asyncio.timeout(max(0, deadline - time.monotonic())):
                message = await receive()
        except TimeoutError:
            raise HTTPException(
                408, "The body did not arrive in time", headers={"Connection": "close"}
            ) from None
        received_bytes += len(message.get("body", b""))
        if received_bytes > most_bytes:
            raise HTTPException(413, _too_large(most_bytes), headers={"Connection": "close"})
        return message

    return receive_on
