"""Facts about the OpenAPI document: it is current, and the service keeps to it whatever is sent."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.e2e.conftest import Service

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


@pytest.mark.parametrize("with_token", [True, False])
def test_schemathesis_finds_nothing(service: Service, tmp_path: Path, *, with_token: bool) -> None:
    account = {"username": f"fuzzed-{with_token}".lower(), "password": "pw 0123456789abcdef ok"}
    headers = []
    with service.client() as client:
        token = client.post("/auth/sign-up", json=account).json()["access_token"]
        if with_token:
            headers = ["--header", f"Authorization: Bearer {token}"]
        done = subprocess.run(
            [
                *(
                    sys.executable,
                    "-c",
                    "from schemathesis.cli import schemathesis; schemathesis()",
                ),
                *("run", f"{service.url}/openapi.json", "--checks", "all", "--max-examples", "40"),
                *("--seed", "1", "--continue-on-failure", "--no-color", *headers),
            ],
            env={
                **os.environ,
                "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks",
                "PYTHONPATH": str(ROOT),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stdout
        assert "6 selected / 6 total" in done.stdout
        user = client.get("/auth/user", headers={"Authorization": f"Bearer {token}"})
        assert user.status_code == 200, "the token was good to the end"
