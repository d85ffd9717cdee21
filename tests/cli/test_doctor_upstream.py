"""Facts about what `emoticon doctor` says of another service that draws."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.upstream import Upstream, answering
from typer.testing import CliRunner, Result

from emoticon.cli import app
from emoticon.settings import Settings, variable


@pytest.fixture
def upstream(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Upstream]:
    """A service that draws, and the settings of one that has it draw."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    with Upstream() as server:
        monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))
        monkeypatch.setenv(
            "EMOTICON_UPSTREAM_URL", server.template.replace("//", "//ann:hush-hush@")
        )
        monkeypatch.setenv("EMOTICON_DEFAULT_STYLE", "upstream")
        yield server


def doctor() -> Result:
    result = CliRunner().invoke(app, ["doctor"])
    assert "hush" not in result.output
    return result


def test_it_is_asked_for_a_picture_and_so_is_what_stands_in(upstream: Upstream) -> None:
    result = doctor()
    assert result.exit_code == 0, result.output
    assert "drawing: moods, 128 px: " in result.stdout
    assert "upstream: upstream, 128 px: " in result.stdout
    assert [asked.size for asked in upstream.asked] == ["128"]


def test_what_is_wrong_with_it_is_said(upstream: Upstream) -> None:
    upstream.behaviour = answering(b"", status="500 Oh")
    result = doctor()
    assert result.exit_code == 1
    assert "FAIL upstream: The upstream generator gave no picture: status 500" in result.stdout
