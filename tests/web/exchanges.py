"""Requests to the bytes, header by header, as no client would send them."""

from dataclasses import dataclass
from typing import Any

from starlette.types import ASGIApp, Message

Header = tuple[bytes, bytes]


@dataclass(frozen=True)
class Request:
    """What a server hands to the application."""

    method: str = "GET"
    path: str = "/emoticon/"
    query: bytes = b""
    headers: tuple[Header, ...] = ()
    body: bytes = b""


@dataclass(frozen=True)
class Answer:
    """What the application hands back, headers in their order."""

    status: int
    headers: tuple[Header, ...]
    body: bytes

    def header(self, name: bytes) -> bytes | None:
        """Return the one header of this name, None without it."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2
        return values[0] if values else None

    def without(self, name: bytes) -> "Answer":
        """Return it without a header."""
        rest = tuple(header for header in self.headers if header[0] != name)
        return Answer(self.status, rest, self.body)


async def exchange(app: ASGIApp, request: Request) -> Answer:
    """Send a request and return the answer, which has to be a whole one."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "scheme": "http",
        "server": ("127.0.0.1", 80),
        "client": ("127.0.0.1", 1234),
        "root_path": "",
        "method": request.method,
        "path": request.path,
        "raw_path": request.path.encode(),
        "query_string": request.query,
        "headers": list(request.headers),
        "state": {},
    }
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": request.body, "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    await app(scope, receive, send)
    start, *parts = sent
    assert start["type"] == "http.response.start"
    assert [part["type"] for part in parts] == ["http.response.body"] * len(parts)
    assert [bool(part.get("more_body")) for part in parts] == [True] * (len(parts) - 1) + [False]
    body = b"".join(part.get("body", b"") for part in parts)
    return Answer(start["status"], tuple(start["headers"]), body)
