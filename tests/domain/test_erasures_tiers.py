"""Erasures over the tiers as they are, with a real Valkey and a real file, which come and go."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.erasing import PICTURE, erase, following, label_of, settle, tiers_of
from tests.domain.nodes import until
from tests.valkey import ValkeyServer

from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.tiers.disk import DiskTier
from emoticon.adapters.tiers.shared import SharedTier
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.ports import OuterTier

EVERY_S = 0.1


@pytest.fixture
def store(engine: AsyncEngine) -> SqlErasureStore:
    return SqlErasureStore(engine)


@pytest.fixture
async def shared(empty_valkey: ValkeyServer) -> AsyncGenerator[SharedTier]:
    tier = SharedTier(empty_valkey.url, ManualClock(), retry_s=EVERY_S)
    yield tier
    await tier.aclose()


@pytest.fixture
async def disk(tmp_path: Path) -> AsyncGenerator[DiskTier]:
    tier = open_disk(tmp_path)
    yield tier
    await tier.aclose()


def open_disk(path: Path) -> DiskTier:
    return DiskTier(
        path / "pictures.db", max_bytes=4 << 20, clock=ManualClock(), min_free_fraction=0
    )


async def fill(*tiers: OuterTier) -> None:
    """Keep two pictures of each of 7 and 8."""
    for tier in tiers:
        for owner in (7, 8):
            for number in range(2):
                await tier.put(label_of(owner, number), PICTURE)
            assert await tier.count(owner) == 2


def marked(tier: OuterTier, number: int) -> Callable[[], Awaitable[bool]]:
    """Return what says whether the tier has done everything up to this number, and twice."""

    async def is_so() -> bool:
        try:
            return await tier.marked() == number
        except TierUnavailable:
            return False

    return is_so


async def test_a_valkey_that_hangs_while_an_account_is_deleted_has_nothing_of_it_when_it_is_back(
    store: SqlErasureStore,
    engine: AsyncEngine,
    empty_valkey: ValkeyServer,
    shared: SharedTier,
    disk: DiskTier,
) -> None:
    await fill(shared, disk)
    async with following(store, tiers_of(shared, disk), poll_s=EVERY_S) as followed:
        empty_valkey.pause()
        with pytest.raises(
            TierUnavailable
        ):  # it may still be done when the server comes round to it
            await shared.put(label_of(7, 9), PICTURE)
        await erase(engine, 7)
        await until(lambda: followed.pending() == {"memory": 0, "shared": 1, "disk": 0})
        assert [await disk.count(owner) for owner in (7, 8)] == [0, 2]
        empty_valkey.resume()
        await until(lambda: followed.pending()["shared"] == 0)
        await settle(engine)
        await until(marked(shared, 1))
        assert [await shared.count(owner) for owner in (7, 8)] == [0, 2]


async def test_a_valkey_that_was_stopped_and_started_is_followed_on(
    store: SqlErasureStore, engine: AsyncEngine, empty_valkey: ValkeyServer, shared: SharedTier
) -> None:
    async with following(store, tiers_of(shared), poll_s=EVERY_S) as followed:
        empty_valkey.stop()
        await erase(engine, 6)
        await until(lambda: followed.pending() == {"memory": 0, "shared": 1})
        empty_valkey.start()
        await until(lambda: followed.pending()["shared"] == 0)
        await fill(shared)
        await erase(engine, 7)
        await settle(engine)
        await until(marked(shared, 2))
        assert [await shared.count(owner) for owner in (7, 8)] == [0, 2]


async def test_a_deletion_while_no_service_runs_is_made_up_for_by_the_next(
    store: SqlErasureStore,
    engine: AsyncEngine,
    shared: SharedTier,
    tmp_path: Path,
) -> None:
    await erase(engine, 5)
    await settle(engine)
    before = open_disk(tmp_path)
    async with following(store, tiers_of(shared, before), poll_s=EVERY_S):
        await until(marked(shared, 1))
        await until(marked(before, 1))
        await fill(shared, before)
    await before.aclose()
    await erase(engine, 7)
    again = open_disk(tmp_path)
    assert await again.marked() == 1
    async with following(store, tiers_of(shared, again), poll_s=EVERY_S) as followed:
        await until(lambda: not any(followed.pending().values()))
        for tier in (shared, again):
            assert [await tier.count(owner) for owner in (7, 8)] == [0, 2]
        await settle(engine)
        await until(marked(shared, 2))
        await until(marked(again, 2))
    await again.aclose()


async def test_tiers_that_have_missed_more_than_is_kept_are_emptied(
    store: SqlErasureStore, engine: AsyncEngine, shared: SharedTier, disk: DiskTier
) -> None:
    for tier in (shared, disk):
        await tier.mark(1)
    await fill(shared, disk)
    await erase(engine, 5, 6, 9)
    await settle(engine)
    assert await store.prune(2**60, 100) == 2
    async with following(store, tiers_of(shared, disk), poll_s=EVERY_S):
        for tier in (shared, disk):
            await until(marked(tier, 3))
            assert [await tier.count(owner) for owner in (7, 8)] == [0, 0]


async def test_a_valkey_that_has_lost_its_mark_alone_keeps_its_pictures_and_loses_those_erased(
    store: SqlErasureStore, engine: AsyncEngine, shared: SharedTier
) -> None:
    await erase(engine, 5, 6, 7)
    await settle(engine)
    assert await store.prune(2**60, 1) == 1
    await fill(shared)
    async with following(store, tiers_of(shared), poll_s=EVERY_S):
        await until(marked(shared, 3))
        assert [await shared.count(owner) for owner in (7, 8)] == [0, 2]
