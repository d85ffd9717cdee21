"""Facts about the README: its commands do what it says, as they stand there, save for ports and addresses."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
BLOCKS = re.findall(r"```sh\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
START_S = 60


def block(text: str) -> str:
    """Return the one block of commands with this text in it."""
    found: list[str] = [commands for commands in BLOCKS if text in commands]
    assert len(found) == 1, text
    return found[0]


def environment(home: Path, **more: str) -> dict[str, str]:
    """A new user's, with this very Python for the commands of the virtual environment."""
    inherited = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("EMOTICON_", "PG", "DATABASE_", "REDIS_", "JWT_", "XDG_", "MAKE"))
    }
    return {**inherited, "HOME": str(home), **more}


class Started:
    """A command that serves until it is told to stop."""

    def __init__(self, command: str, where: Path, settings: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", command],
            cwd=where,
            env=settings,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        assert self._process.stdout is not None
        lines = iter(self._process.stdout.readline, "")
        self.url = next(line for line in lines if "serves on" in line).split()[-1]

    def stop(self) -> None:
        os.killpg(self._process.pid, signal.SIGTERM)
        self._process.communicate(timeout=START_S)


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def served(home: Path) -> Generator[str]:
    """The service that the first of the two commands starts."""
    command = block("make run").splitlines()[0].partition("#")[0].strip()
    assert command == "make run"
    if not (ROOT / ".venv/run.stamp").exists():  # the test's own environment is another one
        command = f"{sys.executable} -m emoticon serve"
    started = Started(command, ROOT, environment(home, EMOTICON_PORT="0"))
    yield started.url
    started.stop()


def run(commands: str, where: Path, settings: dict[str, str]) -> str:
    done = subprocess.run(
        ["/bin/bash", "-euo", "pipefail", "-c", commands],
        cwd=where,
        env=settings,
        capture_output=True,
        text=True,
        timeout=START_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_second_command_is_a_target_of_make() -> None:
    command = block("make test").splitlines()[1].partition("#")[0].split()
    subprocess.run([*command, "--dry-run"], cwd=ROOT, check=True, capture_output=True)


def test_a_reader_gets_to_the_picture(served: str, home: Path, tmp_path: Path) -> None:
    assert shutil.which("curl"), "the README's commands need curl"
    commands = "\n".join(
        [block("/auth/sign-up"), block("/auth/sign-in"), block("&size=256&format=svg")]
    )
    commands = commands.replace("http://127.0.0.1:8000", served)
    output = run(commands, tmp_path, environment(home))
    assert '"access_token"' in output
    assert (tmp_path / "ann.png").read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "ann.svg").read_bytes().startswith(b"<svg")


def local(commands: str) -> str:
    """Run the Python of the tests instead of the one that make prepares."""
    return commands.replace(".venv/bin/emoticon", f"{sys.executable} -m emoticon")


def test_a_picture_is_drawn_without_a_server(home: Path, tmp_path: Path) -> None:
    run(local(block("emoticon render")), tmp_path, environment(home))
    assert (tmp_path / "ann.png").read_bytes().startswith(b"\x89PNG")


def test_the_commands_for_postgresql_serve(home: Path, tmp_path: Path, empty_postgres: str) -> None:
    commands = local(block("DATABASE_URL="))
    given = "postgresql://user:password@host:5432/emoticon"
    assert given in commands
    commands = commands.replace(given, f"'{empty_postgres}'").replace("0.0.0.0", "127.0.0.1")  # noqa: S104
    started = Started(commands, tmp_path, environment(home, EMOTICON_PORT="0"))
    done = subprocess.run(
        [sys.executable, ROOT / "tools/smoke.py", started.url],
        check=True,
        capture_output=True,
        text=True,
    )
    started.stop()
    assert "emoticon  200" in done.stdout
