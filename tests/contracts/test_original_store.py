"""What every OriginalStore does, and the looks that name originals."""

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.contracts.rows import database_now, put, rows_of

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.adapters.sql.originals import SqlOriginalStore
from emoticon.adapters.sql.tables import originals
from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.models import Account, Event, Look, Origin, OriginalPlace
from emoticon.domain.stores import OriginalStore

MINUTE_MS = 60_000
BEFORE_ALL = OriginalPlace(0, "")


@pytest.fixture
def store(engine: AsyncEngine) -> OriginalStore:
    return SqlOriginalStore(engine)


def place(name: str, account_id: int = 7) -> OriginalPlace:
    return OriginalPlace(account_id, f"{account_id}-{name}")


async def states(engine: AsyncEngine) -> dict[str, str]:
    return {row.name: row.state for row in await rows_of(engine, originals)}


async def show(engine: AsyncEngine, account: Account, name: str) -> None:
    """Let the account show an original."""

    def edit(look: Look) -> Look:
        return replace(look, original=name)

    await SqlLookStore(engine).change(account.id, edit, Event.PICTURE, Origin())


async def age(engine: AsyncEngine, name: str, age_ms: int) -> None:
    """Let an original have been begun so long ago."""
    begun_at = await database_now(engine) - age_ms
    await put(engine, originals, originals.c.name == name, begun_at=begun_at)


async def test_what_is_begun_is_new(store: OriginalStore, engine: AsyncEngine) -> None:
    before = await database_now(engine)
    await store.begin(place("a"), 123)
    [row] = await rows_of(engine, originals)
    assert (row.account_id, row.name, row.state, row.size_bytes) == (7, "7-a", "new", 123)
    assert before <= row.begun_at <= await database_now(engine)


async def test_what_is_new_can_be_dropped_and_then_has_to_go(store: OriginalStore) -> None:
    await store.begin(place("a"), 1)
    await store.begin(place("b"), 1)
    assert await store.dropped(MINUTE_MS, 10) == []
    await store.drop([place("a"), place("nobody's")])
    assert await store.dropped(MINUTE_MS, 10) == [place("a")]


async def test_what_a_look_names_cannot_be_dropped(
    store: OriginalStore, engine: AsyncEngine, alice: Account
) -> None:
    shown = place("a", alice.id)
    await store.begin(shown, 1)
    await show(engine, alice, shown.name)
    await store.drop([shown])
    await age(engine, shown.name, 10 * MINUTE_MS)
    assert await store.dropped(0, 10) == []
    assert await states(engine) == {shown.name: "kept"}


async def test_what_is_new_for_too_long_is_given_up(
    store: OriginalStore, engine: AsyncEngine, alice: Account
) -> None:
    late, early = place("late", alice.id), place("early", alice.id)
    await store.begin(late, 1)
    await store.begin(early, 1)
    await age(engine, late.name, MINUTE_MS + 1)
    await age(engine, early.name, MINUTE_MS - 10_000)
    assert await store.dropped(MINUTE_MS, 10) == [late]
    with pytest.raises(OriginalsUnavailable):
        await show(engine, alice, late.name)
    assert (await SqlAccountStore(engine).by_id(alice.id)) == alice


async def test_the_oldest_go_first_and_no_more_than_asked_for(
    store: OriginalStore, engine: AsyncEngine
) -> None:
    for number, name in enumerate("cab"):
        await store.begin(place(name), 1)
        await age(engine, f"7-{name}", (10 - number) * MINUTE_MS)
    assert await store.dropped(0, 2) == [place("c"), place("a")]
    await store.forget([place("c"), place("a")])
    assert await store.dropped(0, 2) == [place("b")]


async def test_only_what_is_dropped_is_forgotten(
    store: OriginalStore, engine: AsyncEngine, alice: Account
) -> None:
    kept, new, gone = (place(name, alice.id) for name in ("kept", "new", "gone"))
    for each in (kept, new, gone):
        await store.begin(each, 1)
    await show(engine, alice, kept.name)
    await store.drop([gone])
    await store.forget([kept, new, gone])
    assert await states(engine) == {kept.name: "kept", new.name: "new"}


async def test_an_account_that_goes_leaves_its_originals_to_be_deleted(
    store: OriginalStore, engine: AsyncEngine, alice: Account
) -> None:
    shown, begun = place("shown", alice.id), place("begun", alice.id)
    await store.begin(shown, 1)
    await store.begin(begun, 1)
    await show(engine, alice, shown.name)
    await SqlAccountStore(engine).delete(alice.id, Origin())
    assert {*await store.dropped(MINUTE_MS, 10)} == {shown, begun}


async def test_those_without_a_row_are_told_from_the_others(store: OriginalStore) -> None:
    await store.begin(place("a"), 1)
    await store.begin(place("b"), 1)
    await store.drop([place("b")])
    asked = [place("a"), place("x"), place("b"), place("a", 8)]
    assert await store.unknown(asked) == [place("x"), place("a", 8)]
    assert await store.unknown([]) == []


async def test_many_are_asked_about_at_once(store: OriginalStore) -> None:
    asked = [place(f"{number}") for number in range(1000)]
    await store.begin(asked[500], 1)
    assert await store.unknown(asked) == asked[:500] + asked[501:]


async def test_those_that_are_shown_come_in_their_order_page_by_page(
    store: OriginalStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    shown = []
    for account in (bob, alice):
        each = place("shown", account.id)
        await store.begin(each, 1)
        await store.begin(place("new", account.id), 1)
        await show(engine, account, each.name)
        shown.append(each)
    assert await store.kept(after=BEFORE_ALL, count=10) == shown[::-1]
    assert await store.kept(after=BEFORE_ALL, count=1) == [shown[1]]
    assert await store.kept(after=shown[1], count=1) == [shown[0]]
    assert await store.kept(after=shown[0], count=1) == []


async def test_an_original_that_is_given_up_as_a_look_takes_it_is_one_or_the_other(
    store: OriginalStore, engine: AsyncEngine, alice: Account
) -> None:
    for number in range(10):
        each = place(f"{number}", alice.id)
        await store.begin(each, 1)
        _, taken = await asyncio.gather(
            store.drop([each]), show(engine, alice, each.name), return_exceptions=True
        )
        state = (await states(engine))[each.name]
        assert state == ("kept" if taken is None else "dropped")
