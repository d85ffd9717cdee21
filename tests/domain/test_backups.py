"""Facts about the manifest of a backup."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticon.domain.backups import BackupRefused, Manifest, Part

PARTS = (Part("accounts.sqlite3", 8192, "0" * 64), Part("jwt-secret", 65, "f" * 64))
MANIFEST = Manifest("1.0", "0003", "2026-01-31T23:59:59Z", "sqlite", "kept", PARTS)


def changed(**changes: Any) -> bytes:
    return json.dumps(json.loads(MANIFEST.encode()) | changes).encode()


def part(**changes: Any) -> dict[str, Any]:
    return {"name": "accounts.sqlite3", "size_bytes": 1, "sha256": "0" * 64} | changes


def test_it_is_read_as_it_was_written() -> None:
    assert Manifest.decode(MANIFEST.encode()) == MANIFEST
    assert MANIFEST.size_bytes == 8192 + 65


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b"null",
        b"[" * 60_000,
        changed(format=None),
        changed(format=True),
        changed(format=2),
        changed(format=-1),
        changed(emoticon="\x1b[2J"),
        changed(emoticon=1),
        changed(schema="3"),
        changed(schema="0003\n"),
        changed(made_at="yesterday"),
        changed(database="mysql"),
        changed(secret="lost"),
        changed(secret="given"),
        changed(parts=None),
        changed(parts=[]),
        changed(parts={}),
        changed(parts=["accounts.sqlite3"]),
        changed(parts=[part()] * 33),
        changed(parts=[part(), part()], secret="given"),
        changed(parts=[part()]),
        changed(parts=[part(name="../accounts")], secret="given"),
        changed(parts=[part(name="/etc/passwd")], secret="given"),
        changed(parts=[part(name="")], secret="given"),
        changed(parts=[part(size_bytes=-1)], secret="given"),
        changed(parts=[part(size_bytes=True)], secret="given"),
        changed(parts=[part(size_bytes=2**60)], secret="given"),
        changed(parts=[part(size_bytes="1")], secret="given"),
        changed(parts=[part(sha256="0" * 63)], secret="given"),
    ],
    ids=lambda text: text[:12],
)
def test_anything_else_is_refused_in_one_line(text: bytes) -> None:
    with pytest.raises(BackupRefused) as refusal:
        Manifest.decode(text)
    assert str(refusal.value).isprintable()


@given(st.recursive(st.none() | st.integers() | st.text(), st.lists))
def test_no_document_does_harm(value: Any) -> None:
    for name in ("format", "emoticon", "schema", "made_at", "database", "secret", "parts"):
        with pytest.raises(BackupRefused):
            Manifest.decode(changed(**{name: [value]}))
