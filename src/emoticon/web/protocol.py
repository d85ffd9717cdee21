"""The part of HTTP before an application is called: heads of requests that are too long, too slow or not HTTP."""

import asyncio
import json
from typing import Any

from typing_extensions import override
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from emoticon.web.errors import HEADERS, MEDIA_TYPE


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol with three bounds that it lacks, and its own error in the shape of all others.

    The head of a request is at most 64 KiB (the application refuses a quarter of that with a better answer) and
    arrives within 10 s, else the connection is closed: many connections that send a byte now and then would
    otherwise hold as many descriptors for as long as they like. At most 64 requests may wait behind one that is being
    answered: each takes kilobytes, and one read can bring a thousand.
    """

    max_waiting = 64

    max_head_bytes = 64 * 1024
    head_deadline_s = 10.0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._in_head = True
        self._heads = 0
        self._head_bytes = 0
        self._head_timer: asyncio.TimerHandle | None = None

    @override
    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        super().connection_made(transport)
        self._await_head()

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    @override
    def data_received(self, data: bytes) -> None:
        in_head, heads = self._in_head, self._heads
        if in_head:
            self._await_head()
        super().data_received(data)
        # Only what belongs to one head for sure: the rest may be a body, or requests in a pipeline.
        if in_head and heads == self._heads and not self.transport.is_closing():
            self._head_bytes += len(data)
            if self._head_bytes > self.max_head_bytes:
                self.send_400_response("The head of the request is too long")

    @override
    def on_headers_complete(self) -> None:
        if len(self.pipeline) >= self.max_waiting:
            raise ValueError  # ends the parsing; the answer is that to what is no HTTP
        self._stop_waiting()
        self._in_head = False
        self._heads += 1
        self._head_bytes = 0
        super().on_headers_complete()

    @override
    def on_message_complete(self) -> None:
        self._in_head = True
        super().on_message_complete()

    @override
    def send_400_response(self, msg: str) -> None:
        problem = {
            "type": "about:blank",
            "title": "Bad Request",
            "status": 400,
            "code": "bad_request",
            "detail": msg,
        }
        body = json.dumps(problem).encode()
        headers = {
            **HEADERS,
            "Content-Type": MEDIA_TYPE,
            "Content-Length": str(len(body)),
            "Connection": "close",
        }
        lines = [f"{name}: {value}\r\n".encode() for name, value in headers.items()]
        self.transport.write(b"".join([STATUS_LINE[400], *lines, b"\r\n", body]))
        self.transport.close()

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_deadline_s, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
