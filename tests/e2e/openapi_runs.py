"""Runs of schemathesis against a service, with the hooks of these tests."""

import os
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

ROOT = Path(__file__).parents[2]
_PROGRAM = "from schemathesis.cli import schemathesis; schemathesis()"


def succeeded(
    url: str, directory: Path, *options: str, examples: int, signed_in: str = ""
) -> tuple[Collection[str], str]:
    """Try all operations that `options` leave; return those that succeeded, as `GET /path`, and what was printed.

    Asserts that nothing was found. The coverage is measured in the service alone: in the other program that takes
    minutes.
    """
    seen = directory / "seen"
    inherited = {
        name: text for name, text in os.environ.items() if not name.startswith("COVERAGE_")
    }
    done = subprocess.run(
        [
            *(sys.executable, "-c", _PROGRAM, "run", f"{url}/openapi.json", "--checks", "all"),
            *("--max-examples", str(examples), "--seed", "1", "--continue-on-failure"),
            *("--no-color", *options),
        ],
        env={
            **inherited,
            "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks",
            "SCHEMATHESIS_SIGNED_IN": signed_in,
            "SCHEMATHESIS_SEEN": str(seen),
            "PYTHONPATH": str(ROOT),
        },
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    answers = [line.rpartition(" ") for line in seen.read_text(encoding="utf-8").splitlines()]
    return {operation for operation, _, status in answers if status.startswith("2")}, done.stdout
