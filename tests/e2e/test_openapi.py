"""Facts about the OpenAPI document: it is current, and the service keeps to it whatever is sent."""

import json
from collections.abc import Generator
from pathlib import Path

import pytest
from tests.e2e.conftest import METRICS_TOKEN, Service
from tests.e2e.openapi_runs import ROOT, succeeded

from emoticon.app import create_app
from emoticon.settings import Settings


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
    found, printed = succeeded(unlimited.url, tmp_path, examples=40, signed_in=signed_in)
    operations = {
        f"{method.upper()} {path}": operation
        for path, methods in create_app(Settings()).openapi()["paths"].items()
        for method, operation in methods.items()
    }
    assert f"{len(operations)} selected / {len(operations)} total" in printed
    reachable = {
        name for name, operation in operations.items() if signed_in or "security" not in operation
    }
    assert found == reachable, "a run that sees only refusals proves nothing"
