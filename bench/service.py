"""A service of one's own to measure: `emoticon serve` as a process, and a client that costs little."""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from tests.servers import PostgresServer
from tests.valkey import ValkeyServer

SERVE = ("-m", "emoticon", "serve")
DATABASE = "bench"
PASSWORD = "seven green boats at noon"  # noqa: S105 - of accounts that live as long as the measurement


@contextmanager
def running_service(**environment: str) -> Iterator[int]:
    """Yield the port of an embedded service with an empty data directory."""
    with tempfile.TemporaryDirectory() as data, running(Path(data), environment) as node:
        yield node.port


@dataclass(frozen=True)
class Node:
    """A process that serves."""

    port: int
    process: subprocess.Popen[str]
    log: Path


@contextmanager
def running(
    data: Path, environment: dict[str, str], command: Sequence[str] = SERVE
) -> Iterator[Node]:
    """Yield a service with its files in `data` and no settings but these."""
    log = data / "log"
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, *command],
            env=_environment(data, environment),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        first_line = process.stdout.readline()
        if not first_line:
            raise RuntimeError(log.read_text(encoding="utf-8"))
        yield Node(int(first_line.rpartition(":")[2]), process, log)
    finally:
        process.terminate()
        process.communicate()


@dataclass(frozen=True)
class Nodes:
    """Services that share their accounts, and the servers behind them."""

    nodes: Sequence[Node]
    postgres: PostgresServer
    valkey: ValkeyServer | None

    @property
    def ports(self) -> list[int]:
        """Where each listens."""
        return [node.port for node in self.nodes]


@contextmanager
def running_nodes(count: int = 3, *, with_valkey: bool, **environment: str) -> Iterator[Nodes]:
    """Yield services on a PostgreSQL of their own and, if wanted, a Valkey; they limit no attempts."""
    with ExitStack() as stack:
        here = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        # Apart, for another user owns it, and the path of a socket must be short.
        owned = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="emoticon-")))
        postgres = stack.enter_context(PostgresServer(owned))
        valkey = stack.enter_context(ValkeyServer(here)) if with_valkey else None
        postgres.sql(f"CREATE DATABASE {DATABASE} OWNER {postgres.user}")
        settings = {
            "DATABASE_URL": postgres.url(DATABASE),
            "REDIS_URL": valkey.url if valkey else "",
            "JWT_SECRET": os.urandom(32).hex(),
            **environment,
        }
        subprocess.run(
            [sys.executable, "-m", "emoticon", "migrate"],
            env=_environment(here, settings),
            stdout=subprocess.DEVNULL,
            check=True,
        )
        directories = [here / f"node-{number}" for number in range(1, count + 1)]
        for directory in directories:
            directory.mkdir()
        nodes = [stack.enter_context(running(directory, settings)) for directory in directories]
        yield Nodes(nodes, postgres, valkey)


def _environment(data: Path, given: dict[str, str]) -> dict[str, str]:
    foreign = ("EMOTICON_", "PG", "DATABASE_", "REDIS_", "JWT_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    own = {
        "EMOTICON_DATA_DIR": str(data),
        "EMOTICON_PORT": "0",
        "EMOTICON_LOG_FORMAT": "json",
        "EMOTICON_LIMITS": "off",  # all clients of a measurement have one address
    }
    return {**inherited, **own, **given}


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


def refresh(answer: bytes) -> bytes:
    """Return the request for the next tokens, with the refresh token of an answer."""
    token: dict[str, Any] = json.loads(answer)
    body = urlencode({"grant_type": "refresh_token", "refresh_token": token["refresh_token"]})
    return request(
        "POST", "/auth/refresh", body.encode(), Content_Type="application/x-www-form-urlencoded"
    )


def sign_out(answer: bytes) -> bytes:
    """Return the request that ends the session of an answer's tokens."""
    return request("POST", "/auth/sign-out", Authorization=_bearer(answer))


def emoticon(username: str, answer: bytes) -> bytes:
    """Return the request for the emoticon, with the token of a sign-up's or sign-in's answer."""
    return request("GET", f"/emoticon/?username={username}", Authorization=_bearer(answer))


def _bearer(answer: bytes) -> str:
    token: dict[str, Any] = json.loads(answer)
    return f"Bearer {token['access_token']}"
