"""docker-compose, on a copy of this repository as a clean clone has it."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx2
from tests.servers import free_port

ROOT = Path(__file__).parents[2]
TEST_STACK = "docker-compose-test.yml"
SUITE = "DigitalPower_test"
IMAGE = "emoticon:under-test"
NOTHING = Path(os.devnull)


def works(command: list[str]) -> bool:
    """Say whether this docker-compose is here: `docker-compose` is 1.29 or newer, `docker compose` the plugin."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run([*command, "version"], capture_output=True, check=False).returncode == 0


def docker(*words: str, check: bool = True) -> str:
    """Run docker and return what it said."""
    return _run(["docker", *words], check=check)


class Compose:
    """One docker-compose on one copy; `base` is where nginx listens."""

    def __init__(
        self, command: list[str], directory: Path, port: int, settings: dict[str, str]
    ) -> None:
        self._command = command
        self.directory = directory
        self.base = f"http://127.0.0.1:{port}"
        self._environment = os.environ | {
            "PUBLISH": f"127.0.0.1:{port}",
            "APP_IMAGE": IMAGE,
            **settings,
        }

    def __call__(self, *words: str, check: bool = True, **environment: str) -> str:
        """Run it and return what it said."""
        return _run(
            [*self._command, *words],
            check=check,
            cwd=self.directory,
            env=self._environment | environment,
        )

    def up(self) -> None:
        """Start what does not run yet, and return when nginx listens, for which nothing in the file waits."""
        self("up", "-d")
        with httpx2.Client(timeout=30) as client:
            for _ in range(100):
                with suppress(httpx2.TransportError):
                    client.get(f"{self.base}/readyz").raise_for_status()
                    return
                time.sleep(0.1)
        raise AssertionError(self("logs", "--tail", "20", "nginx"))

    def piped(self, *words: str, source: Path = NOTHING, target: Path = NOTHING) -> None:
        """Run it with its input from a file, and its output into one."""
        with source.open("rb") as given, target.open("wb") as taken:
            subprocess.run(
                [*self._command, *words],
                cwd=self.directory,
                env=self._environment,
                stdin=given,
                stdout=taken,
                stderr=subprocess.DEVNULL,
                check=True,
            )

    def inside(self, service: str, script: str, *, check: bool = True) -> str:
        """Run a line of shell in a container."""
        return self("exec", "-T", service, "sh", "-c", script, check=check)

    def ids(self, service: str = "") -> list[str]:
        """Return the containers of a service, or of all; those that do not run, too."""
        labels = [f"project.working_dir={self.directory}"]
        if service:
            labels.append(f"service={service}")
        filters = [f"--filter=label=com.docker.compose.{label}" for label in labels]
        return docker("ps", "--all", "--quiet", *filters).split()

    def containers(self) -> dict[str, dict[str, Any]]:
        """Return docker's view of each container of docker-compose.yml, the finished ones, too, by service."""
        seen: list[dict[str, Any]] = json.loads(docker("inspect", *self.ids()))
        by_service = {one["Config"]["Labels"]["com.docker.compose.service"]: one for one in seen}
        return {name: one for name, one in by_service.items() if not name.startswith("test")}


@contextmanager
def running(command: list[str], directory: Path, **settings: str) -> Generator[Compose]:
    """A running stack, from a clean clone in a directory, with these settings; no container of it stays."""
    copy(directory)
    stack = Compose(command, directory, free_port(), settings)
    try:
        stack("build")  # a start makes only images that are not there yet
        stack.up()
        yield stack
    finally:
        stack("-f", TEST_STACK, "down", "--volumes", check=False)
        stack("down", "--volumes", check=False)


def copy(directory: Path) -> None:
    """Put what git has, or is about to have, into a directory."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, directory / name)


def _run(command: list[str], *, check: bool, **options: Any) -> str:
    done: subprocess.CompletedProcess[str] = subprocess.run(
        command,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        check=False,
        **options,
    )
    assert not check or done.returncode == 0, f"{command}:\n{done.stdout[-3000:]}"
    return done.stdout
