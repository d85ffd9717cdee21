"""A disk tier in an empty directory."""

import sqlite3
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from tests.accounts import ManualClock

from emoticon.adapters.tiers.disk import DiskTier

OpenTier = Callable[..., DiskTier]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tier" / "pictures.db"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def open_tier(path: Path, clock: ManualClock) -> AsyncIterator[OpenTier]:
    """Open tiers on the same file; they are closed after the test."""
    opened: list[DiskTier] = []

    def open_one(*, max_bytes: int = 64 << 20, min_free_fraction: float = 0.0) -> DiskTier:
        tier = DiskTier(path, max_bytes=max_bytes, clock=clock, min_free_fraction=min_free_fraction)
        opened.append(tier)
        return tier

    yield open_one
    for tier in opened:
        await tier.aclose()


def rows(path: Path, select: str) -> list[tuple[Any, ...]]:
    """Read the file as any program would."""
    db = sqlite3.connect(path)
    try:
        return db.execute(select).fetchall()
    finally:
        db.close()


def change(path: Path, statement: str, *values: Any) -> None:
    """Write into the file as any program would."""
    db = sqlite3.connect(path)
    try:
        with db:
            db.execute(statement, values)
    finally:
        db.close()


def move_away(path: Path) -> Path:
    return path.rename(path.with_name("moved"))


def replace(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def content(path: Path) -> bytes:
    """Return what the file holds, nothing if there is none."""
    return path.read_bytes() if path.exists() else b""
