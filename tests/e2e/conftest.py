"""The command `emoticon serve` as its own process, spoken to over TCP."""

import os
import signal
import subprocess
import sys
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Self

import pytest
from httpx2 import Client

SECRET = "0123456789abcdef0123456789abcdef-for-tests"
METRICS_TOKEN = "a-token-for-metrics-alone"
START_S = 30


class Service:
    """One running service; `url` is known when the constructor returns."""

    def __init__(
        self,
        data: Path,
        environment: dict[str, str],
        command: Sequence[str] = ("-m", "emoticon", "serve"),
    ) -> None:
        self.process = start(data, environment, command)
        assert self.process.stdout is not None
        self.banner = self.process.stdout.readline().strip()
        assert self.banner, self.finish()
        self.url = self.banner.rpartition(" ")[2]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Send a signal and return the exit status; nothing may be left running."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.errors = self.finish()
        return self.process.returncode

    def finish(self) -> str:
        """Wait for the end and return what stood on standard error."""
        _, errors = self.process.communicate(timeout=START_S)
        return errors

    def client(self) -> Client:
        return Client(base_url=self.url, timeout=30)


def start(
    data: Path, environment: dict[str, str], command: Sequence[str] = ("-m", "emoticon", "serve")
) -> subprocess.Popen[str]:
    """Start a process with no settings but these."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EMOTICON_", "PG", "DATABASE_", "REDIS_", "JWT_"))
    }
    return subprocess.Popen(
        [sys.executable, *command],
        env={
            **inherited,
            "EMOTICON_DATA_DIR": str(data),
            "EMOTICON_PORT": "0",
            "EMOTICON_LOG_FORMAT": "json",
            **environment,
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def run_command(
    data: Path, *arguments: str, environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `emoticon ...` to its end."""
    process = start(data, environment or {}, ("-m", "emoticon", *arguments))
    output, errors = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, output, errors)


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """An embedded service for all tests that leave it as it is."""
    with Service(tmp_path_factory.mktemp("service"), {}) as running:
        yield running
        assert running.process.poll() is None, "a test has ended the service"
