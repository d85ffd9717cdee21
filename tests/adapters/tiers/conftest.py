"""A disk tier in an empty directory."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

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
