"""A disk tier in an empty directory, a shared tier over an empty Valkey."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from tests.accounts import ManualClock
from tests.adapters.tiers.sharing import AGES_S, OpenShared
from tests.valkey import ValkeyServer

from emoticon.adapters.tiers.disk import DiskTier
from emoticon.adapters.tiers.shared import SharedTier

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


@pytest.fixture
async def open_shared(empty_valkey: ValkeyServer, clock: ManualClock) -> AsyncIterator[OpenShared]:
    """Open tiers on the same server, or on what stands before it at another port; they are closed after the test."""
    opened: list[SharedTier] = []

    def open_one(
        port: int = empty_valkey.port, *, timeout_s: float = AGES_S, retry_s: float = 0.02
    ) -> SharedTier:
        url = empty_valkey.url.replace(str(empty_valkey.port), str(port))
        opened.append(SharedTier(url, clock, timeout_s=timeout_s, retry_s=retry_s))
        return opened[-1]

    yield open_one
    for tier in opened:
        await tier.aclose()
