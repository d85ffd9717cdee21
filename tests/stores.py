"""Stores of objects for tests: S3 as moto serves it, and stores that are ill in one way or another."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import AsyncGenerator, Generator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Self
from urllib.request import Request, urlopen

import pytest

SECRET = "the-secret-of-the-bucket"
_ADDRESS = re.compile(r"http://127\.0\.0\.1:([0-9]+)")
_numbers = count(1)


@dataclass
class S3Server:
    """moto's server of S3 on 127.0.0.1; it ends with the block."""

    process: "subprocess.Popen[str]" = field(init=False)
    port: int = 0

    def __enter__(self) -> Self:
        clean = {name: value for name, value in os.environ.items() if "COVERAGE" not in name}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "moto.server", "--host", "127.0.0.1", "--port", str(self.port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=clean,
        )
        assert self.process.stdout is not None
        said = ""
        while (match := _ADDRESS.search(said)) is None:
            line = self.process.stdout.readline()
            assert line, said
            said += line
        self.port = int(match[1])
        # Nobody reads its log of requests any more: a full pipe would make it stand still.
        self._drain = subprocess.Popen(
            ["/bin/cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self) -> None:
        """End it, with all that is in it. Idempotent."""
        self.process.terminate()
        self.process.wait()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self._drain.wait()

    def new_bucket(self) -> str:
        """Return the name of a bucket that is empty."""
        name = f"bucket-{next(_numbers)}"
        urlopen(Request(f"http://127.0.0.1:{self.port}/{name}", method="PUT")).close()
        return name


def variables(port: int) -> dict[str, str]:
    """Return what S3 at this port needs in the environment."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "AKIDOFTHETESTS",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


def surround(monkeypatch: pytest.MonkeyPatch, values: Mapping[str, str]) -> None:
    """Let the environment hold these variables of stores and no others."""
    for name in os.environ:
        if name.startswith(("AWS_", "GOOGLE_", "AZURE_")):
            monkeypatch.delenv(name)
    for name, value in values.items():
        monkeypatch.setenv(name, value)


@dataclass
class IllStore:
    """Takes connections and answers each request with `answer`, or never."""

    answer: bytes = b""
    port: int = 0
    asked: int = 0


@asynccontextmanager
async def ill(answer: bytes = b"") -> AsyncGenerator[IllStore]:
    """Open a store that is ill; without an answer it keeps whoever asks waiting."""
    store = IllStore(answer)
    ends = asyncio.Event()
    serving: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            store.asked += 1
            if not store.answer:
                await ends.wait()
            writer.write(store.answer)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.create_task(serve(reader, writer)))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        store.port = server.sockets[0].getsockname()[1]
        yield store
        ends.set()
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)


def answer(status: int, body: bytes = b"") -> bytes:
    """Return an answer of HTTP, after which the connection is closed."""
    head = f"HTTP/1.1 {status} Whatever\r\nETag: x\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    return head.encode() + body


@pytest.fixture(scope="session")
def s3() -> Generator[S3Server]:
    """One server for all tests; each takes a bucket of its own."""
    with S3Server() as server:
        yield server
