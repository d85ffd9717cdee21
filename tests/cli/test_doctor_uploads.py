"""Facts about what `emoticon doctor` says of the store of uploaded pictures."""

from pathlib import Path

import pytest
from tests.cli.backups import settle
from tests.servers import free_port
from tests.stores import SECRET, S3Server, surround, variables
from typer.testing import CliRunner

from emoticon.cli import app


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    settle(monkeypatch, tmp_path / "data")


def test_a_store_that_answers_is_fine(s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, variables(s3.port))
    monkeypatch.setenv("EMOTICON_STORE_URL", f"s3://{s3.new_bucket()}")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0, result.output
    assert "the store of EMOTICON_STORE_URL answers" in result.stdout


def test_a_store_that_does_not_is_said_without_its_secrets(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    surround(monkeypatch, variables(free_port()))
    monkeypatch.setenv("EMOTICON_STORE_URL", "s3://bucket")
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 1
    assert "FAIL uploads: Uploaded pictures cannot be reached now" in result.stdout
    assert SECRET not in result.output
