"""Facts about originals that nobody shows, that nobody knows, and that are lost."""

import pytest
from sqlalchemy import delete
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, PASSWORD, Node
from tests.domain.uploading import Shelf, sending, states

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.audit import SqlAuditStore
from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.sql.originals import SqlOriginalStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import originals as table
from emoticon.domain.blobs import blob_name, new_place, place_of
from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.housekeeping import Housekeeping
from emoticon.domain.models import OriginalPlace
from emoticon.domain.originals import Originals
from emoticon.domain.sweeping import Examined, Sweeping

CLEAN = Examined()


@pytest.fixture
def database(sqlite_database: str) -> str:
    """One kind is enough here: what the stores do is told by their contracts."""
    return sqlite_database


@pytest.fixture
def sweeping(engine: AsyncEngine, shelf: Shelf, clock: ManualClock) -> Sweeping:
    clock.ms += 10_000  # the files of a test are older than that
    return Sweeping(SqlOriginalStore(engine), shelf, clock)


async def shown(node: Node, originals: Originals, username: str = "ann") -> OriginalPlace:
    """Let somebody new show a picture, and return its place."""
    pair = await node.accounts.sign_up(username, PASSWORD, ORIGIN)
    me = await node.of(pair.access.value)
    account = await originals.put(me, sending(b"a picture"), None, ORIGIN)
    await originals.aclose()
    return OriginalPlace(account.id, account.look.original)


async def begun(sweeping: Sweeping, shelf: Shelf, data: bytes = b"begun") -> OriginalPlace:
    """Leave what a process leaves that was killed between the store and the database."""
    place = new_place(7, data)
    await sweeping.store.begin(place, len(data))
    await shelf.put(blob_name(place.name), data)
    return place


async def stray(shelf: Shelf, data: bytes = b"stray") -> OriginalPlace:
    """Put a blob without a row."""
    place = new_place(7, data)
    await shelf.put(blob_name(place.name), data)
    return place


async def examined(sweeping: Sweeping, *, repair: bool = False, age_ms: int = 0) -> Examined:
    return await sweeping.examine(repair=repair, age_ms=age_ms, on_progress=lambda _seen: None)


async def test_what_nobody_shows_goes_and_then_its_row(
    sweeping: Sweeping, shelf: Shelf, engine: AsyncEngine, node: Node, originals: Originals
) -> None:
    kept = await shown(node, originals)
    young = await begun(sweeping, shelf, b"young")
    gone = await begun(sweeping, shelf, b"gone")
    await sweeping.store.drop([gone])
    assert await sweeping.sweep() == 1
    assert await sweeping.sweep() == 0
    assert await states(engine) == {kept.name: "kept", young.name: "new"}
    assert await shelf.names() == sorted([kept.name, young.name])


async def test_a_row_stays_while_its_blob_cannot_be_deleted(
    sweeping: Sweeping, shelf: Shelf, engine: AsyncEngine
) -> None:
    gone = await begun(sweeping, shelf)
    await sweeping.store.drop([gone])
    shelf.away = True
    with pytest.raises(OriginalsUnavailable):
        await sweeping.sweep()
    assert await states(engine) == {gone.name: "dropped"}
    shelf.away = False
    assert await sweeping.sweep() == 1


async def test_housekeeping_deletes_them_and_goes_on_without_the_store(
    sweeping: Sweeping, shelf: Shelf, engine: AsyncEngine, clock: ManualClock
) -> None:
    gone = await begun(sweeping, shelf)
    await sweeping.store.drop([gone])
    housekeeping = Housekeeping(
        SqlAccountStore(engine),
        SqlSessionStore(engine),
        SqlAuditStore(engine),
        SqlErasureStore(engine),
        clock,
        audit_days=90,
        name_hold_days=30,
        others={"uploaded pictures": sweeping.sweep, "the rest": sweeping.sweep},
    )
    shelf.away = True
    told: list[tuple[str, int]] = []
    assert (await housekeeping.prune(lambda *step: told.append(step)))["uploaded pictures"] == 0
    shelf.away = False
    gone_now = await housekeeping.prune(lambda *step: told.append(step))
    assert (gone_now["uploaded pictures"], gone_now["the rest"]) == (1, 0)
    assert told == [("uploaded pictures", 1)]


async def test_where_all_is_well_nothing_is_said_or_done(
    sweeping: Sweeping, shelf: Shelf, node: Node, originals: Originals
) -> None:
    assert await examined(sweeping) == CLEAN
    kept = await shown(node, originals)
    found = await examined(sweeping, repair=True)
    assert found == Examined(intact=1, repaired=True)
    assert found.clean
    assert await shelf.names() == [kept.name]


async def test_what_was_begun_and_what_has_no_row_is_found_and_with_repair_removed(
    sweeping: Sweeping, shelf: Shelf, engine: AsyncEngine, node: Node, originals: Originals
) -> None:
    kept = await shown(node, originals)
    await begun(sweeping, shelf)
    await stray(shelf)
    found = await examined(sweeping)
    assert found == Examined(intact=1, given_up=1, unknown=1)
    assert not found.clean
    assert len(await shelf.names()) == 3
    found = await examined(sweeping, repair=True)
    assert found == Examined(intact=1, given_up=1, unknown=1, repaired=True)
    assert found.clean
    assert await states(engine) == {kept.name: "kept"}
    assert await shelf.names() == [kept.name]


async def test_what_is_young_is_left_alone(
    sweeping: Sweeping, shelf: Shelf, engine: AsyncEngine
) -> None:
    await begun(sweeping, shelf)
    await stray(shelf)
    found = await examined(sweeping, repair=True, age_ms=3_600_000)
    assert found == Examined(repaired=True)
    assert len(await shelf.names()) == 2
    assert [*(await states(engine)).values()] == ["new"]


async def test_what_this_service_has_not_put_there_is_left_alone(
    sweeping: Sweeping, shelf: Shelf
) -> None:
    await shelf.put("originals/somebody-elses", b"x")
    assert await examined(sweeping, repair=True) == Examined(repaired=True)
    assert await shelf.names() == ["somebody-elses"]


async def test_what_is_lost_or_damaged_is_said_with_whose_it_is(
    sweeping: Sweeping, shelf: Shelf, node: Node, originals: Originals
) -> None:
    lost = await shown(node, originals, "ann")
    damaged = await shown(node, originals, "bob")
    await shown(node, originals, "cid")
    await shelf.delete(blob_name(lost.name))
    await shelf.put(blob_name(damaged.name), b"another picture")
    found = await examined(sweeping, repair=True)
    assert found == Examined(
        intact=1, lost=2, lost_of=[lost.account_id, damaged.account_id], repaired=True
    )
    assert not found.clean
    assert damaged.name in await shelf.names(), "nothing that is shown is ever deleted"


async def test_a_database_that_was_set_back_makes_its_later_blobs_unknown(
    sweeping: Sweeping, shelf: Shelf, engine: AsyncEngine, node: Node, originals: Originals
) -> None:
    await shown(node, originals)
    async with writing(engine) as connection:
        await connection.execute(delete(table))
    assert await examined(sweeping, repair=True) == Examined(unknown=1, repaired=True)
    assert await shelf.names() == []


async def test_while_the_store_is_away_nothing_is_lost(
    sweeping: Sweeping, shelf: Shelf, node: Node, originals: Originals
) -> None:
    await shown(node, originals)
    shelf.away = True
    found = await examined(sweeping, repair=True)
    assert found == Examined(trouble=OriginalsUnavailable.default_detail)
    assert not found.clean


async def test_progress_is_told(
    sweeping: Sweeping, shelf: Shelf, node: Node, originals: Originals
) -> None:
    for name in ("ann", "bob"):
        await shown(node, originals, name)
    told: list[int] = []
    await sweeping.examine(repair=False, age_ms=0, on_progress=told.append)
    assert told == [2, 2]
    assert len(await shelf.names()) == 2


@pytest.mark.parametrize(
    "blob",
    [
        "originals/",
        "originals/7-0123abcd",
        f"originals/0-{'a' * 40}",
        f"originals/7-{'g' * 40}",
        f"originals/{2**63}-{'a' * 40}",
        f"originals/7-{'a' * 41}",
    ],
)
def test_other_names_are_of_no_original(blob: str) -> None:
    assert place_of(blob) is None


def test_the_place_of_a_blob_is_where_it_was_put() -> None:
    place = new_place(2**63 - 1, b"x")
    assert place_of(blob_name(place.name)) == place
