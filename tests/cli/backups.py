"""Backups for tests: made and restored by the commands, or made up part by part."""

import gzip
import hashlib
import io
import json
import os
import tarfile
from pathlib import Path
from typing import Any

import pytest
from tests.cli.caches import SECRET
from typer.testing import CliRunner, Result

from emoticon.cli import app
from emoticon.settings import Settings, variable


def command(*arguments: str, given: bytes = b"") -> Result:
    result = CliRunner().invoke(app, arguments, input=given)
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(
        result.exception
    )
    return result


def done(*arguments: str) -> list[str]:
    """Return what a command says that succeeds."""
    result = command(*arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    return result.stdout.splitlines()


def refused(*arguments: str, given: bytes = b"") -> str:
    """Return the one line with which a command ends that refuses."""
    result = command(*arguments, given=given)
    assert result.exit_code == 1, result.output
    assert result.stderr.startswith("emoticon: ")
    assert result.stderr.count("\n") == 1, result.stderr
    assert SECRET not in result.output
    return result.stderr.strip()


def settle(monkeypatch: pytest.MonkeyPatch, data: Path, **given: str) -> None:
    """Let the environment hold these settings and no others."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(data))
    monkeypatch.setenv("EMOTICON_DATABASE_WAIT_S", "0")
    for name, value in given.items():
        monkeypatch.setenv(name, value)


def uncounted() -> dict[str, str]:
    """Return the environment for a process whose coverage is not wanted: it is killed, or may write nothing."""
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}


def data_dir() -> Path:
    return Path(os.environ["EMOTICON_DATA_DIR"])


def manifest_of(backup: Path) -> dict[str, Any]:
    with tarfile.open(backup) as tar:
        first = tar.extractfile("manifest.json")
        assert first is not None
        manifest: dict[str, Any] = json.load(first)
        return manifest


def parts_of(backup: Path) -> dict[str, bytes]:
    found = {}
    with tarfile.open(backup) as tar:
        for member in tar.getmembers()[1:]:
            file = tar.extractfile(member)
            assert file is not None
            found[member.name] = file.read()
    return found


def made_up(parts: dict[str, bytes], **changes: Any) -> bytes:
    """Return a backup of these parts, right but for the changes of its manifest."""
    manifest = {
        "format": 1,
        "emoticon": "1.0",
        "schema": "0004",
        "made_at": "2026-01-31T23:59:59Z",
        "database": "sqlite",
        "secret": "kept" if "jwt-secret" in parts else "given",
        "parts": [
            {
                "name": name,
                "size_bytes": len(content),
                "sha256": hashlib.sha256(content).hexdigest(),
            }
            for name, content in parts.items()
        ],
    } | changes
    return packed({"manifest.json": json.dumps(manifest).encode(), **parts})


def packed(files: dict[str, bytes]) -> bytes:
    """Return a compressed tar of these files."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for name, content in files.items():
            header = tarfile.TarInfo(name)
            header.size = len(content)
            tar.addfile(header, io.BytesIO(content))
    return out.getvalue()


def repacked(files: list[tuple[tarfile.TarInfo, bytes]]) -> bytes:
    """Return a compressed tar of these headers, whatever they are."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", format=tarfile.GNU_FORMAT) as tar:
        for header, content in files:
            tar.addfile(header, io.BytesIO(content))
    return out.getvalue()


def gzipped(content: bytes) -> bytes:
    return gzip.compress(content, 1)
