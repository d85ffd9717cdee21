"""What is found out about the pictures in tiers, over both databases."""

from collections.abc import AsyncIterator, Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import new_account, new_session
from tests.domain.shelves import Shelf, account, deleted, unseen
from typing_extensions import override

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.domain.cache import Cache, Left, Verified
from emoticon.domain.keeping import Kept
from emoticon.domain.models import Account, Origin


@pytest.fixture
def shared() -> Shelf:
    return Shelf("shared")


@pytest.fixture
def disk() -> Shelf:
    return Shelf("disk")


@pytest.fixture
def cache(engine: AsyncEngine, shared: Shelf, disk: Shelf) -> Cache:
    return Cache(SqlAccountStore(engine), SqlErasureStore(engine), [shared, disk])


async def test_what_is_left_of_an_owner_is_counted_and_its_erasure_pending_until_marked(
    cache: Cache, disk: Shelf
) -> None:
    gone = await deleted(cache, "ann")
    kept = disk.keep(gone)

    async def left() -> Left:
        return (await cache.left_of(gone))[1]

    assert await left() == Left("disk", "", 1, erasure_pending=True)
    assert not (await left()).nothing
    await disk.discard([kept])
    assert await left() == Left("disk", "", 0, erasure_pending=True)
    assert (await left()).nothing
    await disk.mark((await cache.erasures.log()).newest)
    assert await left() == Left("disk", "", 0, erasure_pending=False)
    disk.keep(gone)
    assert await left() == Left("disk", "", 1, erasure_pending=False)


async def test_the_erasures_of_others_do_not_count(cache: Cache) -> None:
    ann = await account(cache, "ann")
    await deleted(cache, "bob")
    assert [left.erasure_pending for left in await cache.left_of(ann)] == [False, False]


async def test_a_tier_that_has_missed_forgotten_erasures_proves_nothing(
    cache: Cache, disk: Shelf
) -> None:
    await deleted(cache, "zoe")
    await disk.mark((await cache.erasures.log()).newest)
    gone, *_ = [await deleted(cache, name) for name in ("ann", "bob", "eve")]
    assert await cache.erasures.prune(2**62, 10) == 3
    assert (await cache.left_of(gone))[1] == Left("disk", "", 0, erasure_pending=True)
    await disk.mark((await cache.erasures.log()).oldest)
    assert (await cache.left_of(gone))[1] == Left("disk", "", 0, erasure_pending=False)


@pytest.mark.parametrize("mark", [None, 0, 2**40])
async def test_a_tier_that_is_new_or_ahead_of_the_database_has_every_erasure_to_do(
    cache: Cache, disk: Shelf, mark: int | None
) -> None:
    gone = [await deleted(cache, name) for name in ("ann", "bob", "eve")]
    assert await cache.erasures.prune(2**62, 10) == 2
    disk.number = mark
    assert (await cache.left_of(gone[2]))[1].erasure_pending
    assert not (await cache.left_of(gone[0]))[1].erasure_pending
    assert (await cache.stats())[1].erasures_pending == 1
    disk.keep(gone[2])
    assert (await cache.verify(repair=False, on_progress=unseen))[1].awaiting_erasure == 1


async def test_a_tier_of_intact_pictures_of_living_owners_and_nobody_is_clean(
    cache: Cache, disk: Shelf
) -> None:
    ann = await account(cache, "ann")
    for owner in (ann, 0, ann):
        disk.keep(owner)
    report = (await cache.verify(repair=True, on_progress=unseen))[1]
    assert report == Verified("disk", intact=3, repaired=True)
    assert report.clean
    assert len(disk.pictures) == 3


async def test_damage_and_orphans_are_counted_and_removed_when_asked(
    cache: Cache, disk: Shelf
) -> None:
    ann = await account(cache, "ann")
    for owner, intact in (
        (ann, True),
        (ann, False),
        (ann + 1, True),
        (0, False),
        (2**64 - 1, True),
    ):
        disk.keep(owner, intact=intact)
    report = (await cache.verify(repair=False, on_progress=unseen))[1]
    assert report == Verified("disk", "", intact=3, damaged=2, orphans=2)
    assert not report.clean
    report = (await cache.verify(repair=True, on_progress=unseen))[1]
    assert report == Verified("disk", "", 3, damaged=2, orphans=2, removed=4, repaired=True)
    assert report.clean
    assert (await cache.verify(repair=False, on_progress=unseen))[1] == Verified("disk", intact=1)


async def test_what_somebody_else_has_removed_meanwhile_is_repaired_too(cache: Cache) -> None:
    class Contested(Shelf):
        @override
        async def discard(self, kept: Sequence[Kept]) -> int:
            await super().discard(kept)
            return await super().discard(kept)

    shelf = Contested()
    shelf.keep(0, intact=False)
    contested = Cache(cache.accounts, cache.erasures, [shelf])
    (report,) = await contested.verify(repair=True, on_progress=unseen)
    assert report == Verified("disk", damaged=1, removed=0, repaired=True)
    assert report.clean


async def test_pictures_whose_erasure_is_on_its_way_are_no_orphans(
    cache: Cache, disk: Shelf
) -> None:
    gone, lost = await deleted(cache, "ann"), await deleted(cache, "bob")
    first, _ = await cache.erasures.after(0, 10)
    for owner in (gone, lost, lost):
        disk.keep(owner)
    await disk.mark(first.number)
    report = (await cache.verify(repair=True, on_progress=unseen))[1]
    assert report == Verified(
        "disk", "", 3, orphans=1, awaiting_erasure=2, removed=1, repaired=True
    )
    assert [kept.label.owner for kept in disk.pictures] == [lost, lost]


async def test_an_account_deleted_during_a_walk_leaves_no_orphans(
    cache: Cache, disk: Shelf
) -> None:
    leaving = [await account(cache, name) for name in ("ann", "bob")]
    for owner in (0, 0, *leaving):
        disk.keep(owner)

    class Leaving(Shelf):
        @override
        async def walk(self) -> AsyncIterator[Sequence[Kept]]:
            async for batch in super().walk():
                yield batch
                for owner in leaving:
                    await cache.accounts.delete(owner, Origin())

    watched = Cache(cache.accounts, cache.erasures, [Leaving("disk", disk.pictures)])
    (report,) = await watched.verify(repair=True, on_progress=unseen)
    assert report == Verified("disk", intact=4, awaiting_erasure=2, repaired=True)


async def test_any_number_of_owners_is_looked_up(
    cache: Cache, disk: Shelf, engine: AsyncEngine
) -> None:
    class Everybody(SqlAccountStore):
        asked = 0

        @override
        async def by_id(self, account_id: int) -> Account | None:
            self.asked += 1
            return new

    new = await cache.accounts.add(new_account(), new_session(), free_before=0)
    everybody = Everybody(engine)
    disk.batch = 500
    for owner in (*range(1, 10_004), 1, 2):
        disk.keep(owner)
    many = Cache(everybody, cache.erasures, [disk])
    assert await many.verify(repair=False, on_progress=unseen) == [Verified("disk", intact=10_005)]
    assert everybody.asked > 10_003, "what was learned is forgotten, not kept without bound"
