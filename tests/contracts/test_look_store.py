"""What every LookStore does."""

import asyncio
import dataclasses
from collections.abc import Callable

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import (
    database_now,
    everything,
    put,
    refuse,
    row_of,
    rows_of,
)
from tests.servers import opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.changes import SqlFloorStore
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.adapters.sql.originals import SqlOriginalStore
from emoticon.adapters.sql.tables import accounts, audit, originals
from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.keeping import Erasure
from emoticon.domain.models import Account, Change, Event, Look, Origin, OriginalPlace
from emoticon.domain.stores import LookStore

ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")
GLASS = Look("glass", "«Зоя» 😀 'x' \\", '{"rotate":[1,2.5]}', "another", 7)

Edit = Callable[[Look], Look]


@pytest.fixture
def store(engine: AsyncEngine) -> LookStore:
    return SqlLookStore(engine)


def becoming(look: Look) -> Edit:
    return lambda _: look


def showing(original: str) -> Edit:
    return lambda look: dataclasses.replace(look, original=original)


async def begin(engine: AsyncEngine, account: Account, *names: str) -> None:
    for name in names:
        await SqlOriginalStore(engine).begin(OriginalPlace(account.id, name), 100)


async def states(engine: AsyncEngine) -> dict[tuple[int, str], str]:
    rows = await rows_of(engine, originals)
    return {(row.account_id, row.name): row.state for row in rows}


async def change(
    store: LookStore, account: Account, edit: Edit, event: Event = Event.LOOK
) -> Account:
    """Change the look of an account that is there, and return it as it is then."""
    changed = await store.change(account.id, edit, event, ORIGIN)
    assert changed is not None
    return changed[0]


async def erased(engine: AsyncEngine) -> list[Erasure]:
    return list(await SqlErasureStore(engine).after(0, 100))


# -- looks --------------------------------------------------------------------------------------


async def test_the_look_is_what_the_edit_makes_of_it(
    store: LookStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    seen: list[Look] = []

    def edit(look: Look) -> Look:
        seen.append(look)
        return GLASS

    changed = await store.change(alice.id, edit, Event.LOOK, ORIGIN)
    wanted = dataclasses.replace(alice, look=GLASS, revision=1)
    assert changed == (wanted, Change(alice.id, revision=1))
    assert seen == [alice.look]
    assert await SqlAccountStore(engine).by_id(alice.id) == wanted
    assert await SqlAccountStore(engine).by_id(bob.id) == bob


async def test_each_change_raises_the_revision_and_no_token_dies_of_it(
    store: LookStore, engine: AsyncEngine, alice: Account
) -> None:
    for revision in (1, 2, 3):
        changed = await store.change(alice.id, lambda look: look, Event.LOOK, ORIGIN)
        assert changed is not None
        assert changed[0].revision == changed[1].revision == revision
    row = await row_of(engine, alice)
    assert (row.version, row.floor) == (1, 1)


async def test_every_node_finds_a_change_that_has_returned(
    database: str, store: LookStore, alice: Account
) -> None:
    async with opened(database) as other:
        assert await SqlFloorStore(other).recent(0) == []
        await change(store, alice, becoming(GLASS))
        assert await SqlFloorStore(other).recent(0) == [Change(alice.id, floor=1, revision=1)]
        await store.show(alice.id, "public", ORIGIN)
        assert await SqlFloorStore(other).recent(0) == [Change(alice.id, floor=1, revision=2)]


@pytest.mark.parametrize("event", [Event.LOOK, Event.PICTURE, Event.PICTURE_DELETED])
async def test_the_audit_says_what_when_and_from_where(
    store: LookStore, engine: AsyncEngine, alice: Account, event: Event
) -> None:
    begun = await database_now(engine)
    await change(store, alice, becoming(GLASS), event)
    _, row = await rows_of(engine, audit)
    assert (row.account_id, row.event) == (alice.id, event)
    assert (row.user_agent, row.address, row.request_id) == (
        ORIGIN.user_agent,
        ORIGIN.address,
        ORIGIN.request_id,
    )
    assert begun <= row.at <= await database_now(engine)


async def test_of_changes_at_once_each_sees_the_one_before(
    store: LookStore, engine: AsyncEngine, alice: Account
) -> None:
    def longer(look: Look) -> Look:
        return dataclasses.replace(look, seed=look.seed + "x")

    revisions = [
        account.revision
        for account in await asyncio.gather(*(change(store, alice, longer) for _ in range(8)))
    ]
    assert sorted(revisions) == list(range(1, 9))
    found = await SqlAccountStore(engine).by_id(alice.id)
    assert found is not None
    assert found.look.seed == "alicexxxxxxxx"


async def test_an_edit_that_raises_changes_nothing(
    store: LookStore, engine: AsyncEngine, alice: Account
) -> None:
    def refuses(_: Look) -> Look:
        raise ArithmeticError

    before = await everything(engine)
    with pytest.raises(ArithmeticError):
        await store.change(alice.id, refuses, Event.LOOK, ORIGIN)
    assert await everything(engine) == before
    await change(store, alice, becoming(GLASS))  # and the row is free


async def test_nothing_is_done_to_whom_there_is_not(
    store: LookStore, engine: AsyncEngine, alice: Account
) -> None:
    await put(engine, accounts, deleted_at=NOW_MS)
    before = await everything(engine)
    for account_id in (alice.id, alice.id + 1):
        assert await store.change(account_id, becoming(GLASS), Event.LOOK, ORIGIN) is None
        assert await store.show(account_id, "public", ORIGIN) is None
    assert await everything(engine) == before


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ON accounts",
        "INSERT ON audit",
        "UPDATE OF state ON originals",
        "INSERT ON erasures",
    ],
)
async def test_a_change_that_fails_half_way_changes_nothing(
    store: LookStore, engine: AsyncEngine, alice: Account, statement: str
) -> None:
    await begin(engine, alice, "one", "two")
    await change(store, alice, showing("one"))
    await refuse(engine, statement)
    before = await everything(engine)
    with pytest.raises(DBAPIError, match="refused"):
        await store.change(alice.id, showing("two"), Event.PICTURE, ORIGIN)
    assert await everything(engine) == before


# -- uploaded pictures --------------------------------------------------------------------------


async def test_an_original_that_was_begun_is_kept_when_the_look_names_it(
    store: LookStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    await begin(engine, alice, "one", "two")
    await begin(engine, bob, "one")
    changed = await change(store, alice, showing("one"), Event.PICTURE)
    assert changed.look == dataclasses.replace(alice.look, original="one")
    assert await states(engine) == {
        (alice.id, "one"): "kept",
        (alice.id, "two"): "new",
        (bob.id, "one"): "new",
    }
    assert await erased(engine) == []


async def test_one_that_takes_the_place_of_another_drops_it_and_all_pictures_of_the_account(
    store: LookStore, engine: AsyncEngine, alice: Account
) -> None:
    await begin(engine, alice, "one", "two")
    await change(store, alice, showing("one"))
    await change(store, alice, showing("two"))
    assert await states(engine) == {(alice.id, "one"): "dropped", (alice.id, "two"): "kept"}
    assert await erased(engine) == [Erasure(1, alice.id)]


async def test_a_look_without_an_original_drops_it(
    store: LookStore, engine: AsyncEngine, alice: Account
) -> None:
    await begin(engine, alice, "one")
    await change(store, alice, showing("one"))
    assert (await change(store, alice, becoming(GLASS))).look == GLASS
    assert await states(engine) == {(alice.id, "one"): "dropped"}
    assert await erased(engine) == [Erasure(1, alice.id)]


async def test_a_change_of_the_style_below_keeps_the_original(
    store: LookStore, engine: AsyncEngine, alice: Account
) -> None:
    await begin(engine, alice, "one")
    await change(store, alice, showing("one"))
    await change(store, alice, lambda look: dataclasses.replace(look, seed="another"))
    assert await states(engine) == {(alice.id, "one"): "kept"}
    assert await erased(engine) == []


@pytest.mark.parametrize("given_up", [True, False])
async def test_an_original_that_is_not_there_to_be_kept_changes_nothing(
    store: LookStore, engine: AsyncEngine, alice: Account, bob: Account, given_up: bool
) -> None:
    await begin(engine, bob, "one")
    await begin(engine, alice, "kept")
    await change(store, alice, showing("kept"))
    if given_up:
        await begin(engine, alice, "one")
        await SqlOriginalStore(engine).drop([OriginalPlace(alice.id, "one")])
    before = await everything(engine)
    with pytest.raises(OriginalsUnavailable):
        await store.change(alice.id, showing("one"), Event.PICTURE, ORIGIN)
    assert await everything(engine) == before


async def test_of_two_that_take_the_same_place_at_once_one_stays_and_the_other_goes(
    store: LookStore, engine: AsyncEngine, alice: Account
) -> None:
    await begin(engine, alice, "one", "two")
    await asyncio.gather(change(store, alice, showing("one")), change(store, alice, showing("two")))
    found = await SqlAccountStore(engine).by_id(alice.id)
    assert found is not None
    other = {"one": "two", "two": "one"}[found.look.original]
    assert await states(engine) == {
        (alice.id, found.look.original): "kept",
        (alice.id, other): "dropped",
    }


# -- who may see it -----------------------------------------------------------------------------


async def test_an_account_is_as_visible_as_it_was_last_made(
    store: LookStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    for revision, visibility in enumerate(("public", "public", "private"), 1):
        wanted = dataclasses.replace(alice, visibility=visibility, revision=revision)
        shown = await store.show(alice.id, visibility, ORIGIN)
        assert shown == (wanted, Change(alice.id, revision=revision))
        assert await SqlAccountStore(engine).by_id(alice.id) == wanted
    assert await SqlAccountStore(engine).by_id(bob.id) == bob
    assert [row.event for row in await rows_of(engine, audit)][2:] == ["visibility"] * 3


@pytest.mark.parametrize("statement", ["UPDATE ON accounts", "INSERT ON audit"])
async def test_a_visibility_that_fails_half_way_changes_nothing(
    store: LookStore, engine: AsyncEngine, alice: Account, statement: str
) -> None:
    await refuse(engine, statement)
    before = await everything(engine)
    with pytest.raises(DBAPIError, match="refused"):
        await store.show(alice.id, "public", ORIGIN)
    assert await everything(engine) == before


# -- older versions -----------------------------------------------------------------------------


async def people(engine: AsyncEngine, *looks: Look) -> list[Account]:
    return [
        await SqlAccountStore(engine).add(
            new_account(f"number-{number}", look=look), new_session(), free_before=0
        )
        for number, look in enumerate(looks)
    ]


async def test_outdated_are_looks_of_an_older_version_of_that_generator(
    store: LookStore, engine: AsyncEngine
) -> None:
    old, _, older, _, gone = await people(
        engine,
        Look("moods", "a", generator_version=10),
        Look("moods", "a", generator_version=11),
        Look("moods", "a", generator_version=9),
        Look("upstream", "a", generator="upstream", generator_version=9),
        Look("moods", "a", generator_version=9),
    )
    await SqlAccountStore(engine).delete(gone.id, ORIGIN)
    assert await store.outdated("dicebear", 11, after_id=0, count=100) == ([old, older], 0)
    assert await store.outdated("dicebear", 10, after_id=0, count=100) == ([older], 0)
    assert await store.outdated("another", 11, after_id=0, count=100) == ([], 0)
    assert await store.outdated("dicebear", 11, after_id=old.id, count=100) == ([older], 0)


async def test_all_are_looked_at_page_by_page(store: LookStore, engine: AsyncEngine) -> None:
    made = await people(
        engine, *(Look("moods", "a", generator_version=9 + number % 2) for number in range(6))
    )
    found: list[Account] = []
    after_id, pages = 0, 0
    while True:
        page, after_id = await store.outdated("dicebear", 10, after_id=after_id, count=2)
        found += page
        pages += 1
        if not after_id:
            break
    assert (found, pages) == (made[::2], 4)
