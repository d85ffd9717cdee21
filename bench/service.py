"""A service of one's own to measure: `emoticon serve` as a process, and a client that costs little."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlencode

PASSWORD = "seven green boats at noon"  # noqa: S105 - of accounts that live as long as the measurement


@contextmanager
def running_service(**environment: str) -> Iterator[int]:
    """Yield the port of an embedded service with an empty data directory."""
    with tempfile.TemporaryDirectory() as data:
        process = subprocess.Popen(
            [sys.executable, "-m", "emoticon", "serve", "--port", "0"],
            env={**os.environ, "EMOTICON_DATA_DIR": data, **environment},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            assert process.stdout is not None  # noqa: S101 - for the type checker
            yield int(process.stdout.readline().rpartition(":")[2])
        finally:
            process.terminate()
            process.communicate()


class Connection:
    """One keep-alive connection; about 60 us of CPU for an exchange, a fifth of what a full client takes."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> "Connection":
        """Connect to the service."""
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def exchange(self, request: bytes) -> tuple[int, bytes]:
        """Send a request and return status and body of its answer."""
        self._writer.write(request)
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.partition(b":")[2])
            for line in head.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        return int(head[9:12]), await self._reader.readexactly(length)

    def close(self) -> None:
        """Disconnect."""
        self._writer.close()


def request(method: str, target: str, body: bytes = b"", **headers: str) -> bytes:
    """Return the bytes of a request; an underscore in a header's name stands for a hyphen."""
    lines = [f"{method} {target} HTTP/1.1", "Host: bench", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def sign_up(username: str) -> bytes:
    """Return the request that makes an account."""
    body = json.dumps({"username": username, "password": PASSWORD}).encode()
    return request("POST", "/auth/sign-up", body, Content_Type="application/json")


def sign_in(username: str) -> bytes:
    """Return the request that signs in to it."""
    body = urlencode({"username": username, "password": PASSWORD}).encode()
    return request("POST", "/auth/sign-in", body, Content_Type="application/x-www-form-urlencoded")


def emoticon(username: str, answer: bytes) -> bytes:
    """Return the request for the emoticon, with the token of a sign-up's or sign-in's answer."""
    token: dict[str, Any] = json.loads(answer)
    return request(
        "GET", f"/emoticon/?username={username}", Authorization=f"Bearer {token['access_token']}"
    )
