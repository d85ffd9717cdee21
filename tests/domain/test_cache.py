"""What an operator's commands do to tiers, over both databases."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.domain.shelves import Shelf, account, deleted, unseen

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.domain.cache import Cache, Compacted, Left, Purged, Standing, Verified
from emoticon.domain.errors import UnknownAccount
from emoticon.domain.pictures import style_tag

MAX_ID = 2**63 - 1


@pytest.fixture
def shared() -> Shelf:
    return Shelf("shared")


@pytest.fixture
def disk() -> Shelf:
    return Shelf("disk")


@pytest.fixture
def cache(engine: AsyncEngine, shared: Shelf, disk: Shelf) -> Cache:
    return Cache(SqlAccountStore(engine), SqlErasureStore(engine), [shared, disk])


async def test_a_living_account_is_found_by_its_name_in_any_spelling(cache: Cache) -> None:
    ann = await account(cache, "ann")
    assert [await cache.owner(name) for name in ("ann", "ANN")] == [ann, ann]


async def test_a_number_is_an_id_whoever_had_it(cache: Cache) -> None:
    assert await cache.owner("7") == 7
    assert await cache.owner(str(MAX_ID)) == MAX_ID


async def test_a_number_that_is_a_name_is_the_name_unless_it_is_said_to_be_an_id(
    cache: Cache,
) -> None:
    named = await account(cache, "700")
    assert await cache.owner("700") == named
    assert await cache.owner("id:700") == 700


@pytest.mark.parametrize(
    "name",
    [
        "bob",
        "",
        "0",
        "id:0",
        "-1",
        "id:",
        "id:bob",
        "1e3",
        "\u0661",
        "\0",
        "1" * 5000,
        f"{MAX_ID + 1}",
    ],
)
async def test_neither_a_name_nor_an_id_is_an_unknown_account(cache: Cache, name: str) -> None:
    with pytest.raises(UnknownAccount):
        await cache.owner(name)


async def test_stats_are_the_extent_and_what_is_to_be_erased(
    cache: Cache, shared: Shelf, disk: Shelf
) -> None:
    for name in ("ann", "bob"):
        await deleted(cache, name)
    log = await cache.erasures.log()
    shared.keep(1)
    await disk.mark(log.newest)
    assert await cache.stats() == [
        Standing("shared", "", 1, 100, 1000, log.newest - log.oldest + 1),
        Standing("disk", "", 0, 0, 1000, 0),
    ]


async def test_without_any_erasure_none_is_pending(cache: Cache) -> None:
    assert [standing.erasures_pending for standing in await cache.stats()] == [0, 0]


async def test_a_dry_run_finds_and_deletes_nothing(
    cache: Cache, shared: Shelf, disk: Shelf
) -> None:
    for number in range(5):
        disk.keep(1, drawn_at_s=number)
    shared.keep(1, drawn_at_s=9)
    found = await cache.purge(lambda kept: kept.drawn_at_s < 3, apply=False, on_progress=unseen)
    assert found == [Purged("shared", "", 0, 0), Purged("disk", "", 3, 0)]
    assert len(disk.pictures) == 5


async def test_a_purge_deletes_what_it_finds_and_nothing_else(
    cache: Cache, shared: Shelf, disk: Shelf
) -> None:
    for style in ("moods", "glass", "moods"):
        disk.keep(1, style=style)
        shared.keep(1, style=style)
    shared.keep(1, style="moods", intact=False)  # it may say anything of itself
    tag = style_tag("moods")
    found = await cache.purge(
        lambda kept: kept.label.style_tag == tag, apply=True, on_progress=unseen
    )
    assert found == [Purged("shared", "", 2, 2), Purged("disk", "", 2, 2)]
    assert [kept.label.style_tag for kept in disk.pictures] == [style_tag("glass")]
    assert [kept.intact for kept in shared.pictures] == [True, False]


async def test_progress_is_told_before_the_first_batch_and_after_each(
    cache: Cache, disk: Shelf
) -> None:
    for _ in range(3):
        disk.keep(1)
    told: list[tuple[str, int, int | None]] = []
    await cache.purge(
        lambda _: False, apply=True, on_progress=lambda *progress: told.append(progress)
    )
    assert told == [("shared", 0, 0), ("disk", 0, 3), ("disk", 2, 3), ("disk", 3, 3)]


async def test_a_tier_that_is_away_is_reported_and_the_others_are_done(
    cache: Cache, shared: Shelf, disk: Shelf
) -> None:
    ann = await account(cache, "ann")
    disk.keep(ann)
    shared.on = False
    away = "the shelf has fallen"
    assert (await cache.stats())[0].trouble == away
    assert (await cache.compact())[0] == Compacted("shared", away)
    assert await cache.left_of(ann) == [
        Left("shared", away, None, None),
        Left("disk", "", 1, erasure_pending=False),
    ]
    purged = await cache.purge(lambda _: True, apply=False, on_progress=unseen)
    assert purged == [Purged("shared", away), Purged("disk", "", 1, 0)]
    verified = await cache.verify(repair=False, on_progress=unseen)
    assert verified == [Verified("shared", away), Verified("disk", intact=1)]
    assert [one.clean for one in verified] == [False, True]
    assert await cache.erase(ann, apply=True) == [Purged("shared", away), Purged("disk", "", 1, 1)]
    shared.on = True
    assert (await cache.left_of(ann))[0].erasure_pending, "it is done when the tier is back"


async def test_what_was_done_before_a_tier_went_away_is_reported(cache: Cache, disk: Shelf) -> None:
    for _ in range(5):
        disk.keep(0)
    disk.batches = 2
    report = (await cache.purge(lambda _: True, apply=True, on_progress=unseen))[1]
    assert report == Purged("disk", "the shelf is falling", 4, 4)


async def test_an_erasure_tried_dry_counts_and_writes_nothing(cache: Cache, disk: Shelf) -> None:
    ann = await account(cache, "ann")
    disk.keep(ann)
    disk.keep(ann + 1)
    before = await cache.erasures.log()
    assert (await cache.erase(ann, apply=False))[1] == Purged("disk", "", 1, 0)
    assert await cache.erasures.log() == before
    assert len(disk.pictures) == 2


async def test_an_erasure_is_written_for_all_nodes_and_done_here(
    cache: Cache, shared: Shelf, disk: Shelf
) -> None:
    ann = await account(cache, "ann")
    for shelf in (shared, disk):
        shelf.keep(ann)
        shelf.keep(ann + 1)
    assert [one.removed for one in await cache.erase(ann, apply=True)] == [1, 1]
    assert [erasure.owner for erasure in await cache.erasures.after(0, 10)] == [ann]
    assert [kept.label.owner for kept in disk.pictures] == [ann + 1]


async def test_compacting_tells_the_bytes_of_each_tier(cache: Cache) -> None:
    assert await cache.compact() == [Compacted("shared", "", 7), Compacted("disk", "", 7)]
