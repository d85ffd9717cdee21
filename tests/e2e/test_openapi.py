"""Facts about the OpenAPI document: it is current, and the service keeps to it whatever is sent."""

import json
import subprocess
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.e2e.conftest import METRICS_TOKEN, UNMEASURED, Service

from emoticon.app import create_app
from emoticon.settings import Settings

ROOT = Path(__file__).parents[2]


def test_the_document_in_docs_is_current() -> None:
    committed = json.loads((ROOT / "docs/openapi.json").read_text(encoding="utf-8"))
    assert committed == create_app(Settings()).openapi()


def test_every_operation_is_described() -> None:
    document = create_app(Settings()).openapi()
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            assert operation.get("summary"), f"{method} {path}"
            assert operation.get("description"), f"{method} {path}"


@pytest.fixture(scope="module")
def unlimited(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """A service for thousands of attempts from one address."""
    settings = {"EMOTICON_LIMITS": "off", "EMOTICON_METRICS_TOKEN": METRICS_TOKEN}
    with Service(tmp_path_factory.mktemp("unlimited"), settings) as running:
        yield running


@pytest.mark.parametrize("signed_in", ["yes", ""])
def test_schemathesis_finds_nothing(unlimited: Service, tmp_path: Path, signed_in: str) -> None:
    seen = tmp_path / "seen"
    done = subprocess.run(
        [
            *(sys.executable, "-c", "from schemathesis.cli import schemathesis; schemathesis()"),
            *("run", f"{unlimited.url}/openapi.json", "--checks", "all", "--max-examples", "40"),
            *("--seed", "1", "--continue-on-failure", "--no-color"),
        ],
        env={
            **UNMEASURED,
            "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks",
            "SCHEMATHESIS_SIGNED_IN": signed_in,
            "SCHEMATHESIS_SEEN": str(seen),
            "PYTHONPATH": str(ROOT),
        },
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in create_app(Settings()).openapi()["paths"].items()
        for method, operation in methods.items()
    }
    assert f"{len(operations)} selected / {len(operations)} total" in done.stdout
    succeeded = {
        line.rpartition(" ")[0]
        for line in seen.read_text(encoding="utf-8").splitlines()
        if line.rpartition(" ")[2].startswith("2")
    }
    reachable = {
        name for name, operation in operations.items() if signed_in or "security" not in operation
    }
    assert succeeded == reachable, "a run that sees only refusals proves nothing"
