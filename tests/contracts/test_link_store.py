"""What every LinkStore does."""

import asyncio
import dataclasses
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import (
    database_now,
    events,
    everything,
    marks_of,
    put,
    refuse,
    row_of,
    rows_of,
)
from tests.servers import opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.changes import SqlFloorStore
from emoticon.adapters.sql.links import SqlLinkStore
from emoticon.adapters.sql.tables import accounts, audit, links
from emoticon.domain.errors import TooManyLinks
from emoticon.domain.models import Account, Change, Link, NewLink, Origin
from emoticon.domain.stores import LinkStore

ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")
ONE, TWO, THREE = ("1" * 32, "2" * 32, "3" * 32)
MANY = 1000


@pytest.fixture
def store(engine: AsyncEngine) -> LinkStore:
    return SqlLinkStore(engine)


def new_link(link_id: str = ONE, **changes: Any) -> NewLink:
    link = NewLink(link_id, "forum", (), NOW_MS, None)
    return dataclasses.replace(link, **changes)


async def add(store: LinkStore, account: Account, link: NewLink, most: int = MANY) -> Link | None:
    return await store.add(account.id, link, most=most, origin=ORIGIN)


# -- adding -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "link",
    [
        new_link(),
        new_link(label=""),
        new_link(label="  «Форум» 😀 'x' \"y\" \\ %_ "),
        new_link(sizes_px=(16,)),
        new_link(sizes_px=tuple(range(16, 513, 31))),
        new_link(expires_at=NOW_MS + 1),
    ],
)
async def test_a_link_is_found_as_it_was_added(
    store: LinkStore, alice: Account, link: NewLink
) -> None:
    added = await add(store, alice, link)
    assert added == Link(**dataclasses.asdict(link), account_id=alice.id)
    assert await store.find(link.id) == (added, alice)
    assert await store.of_account(alice.id, now_ms=NOW_MS) == [added]


async def test_adding_is_in_the_audit_and_is_no_news_of_the_account(
    store: LinkStore, engine: AsyncEngine, alice: Account
) -> None:
    before = await row_of(engine, alice)
    begun = await database_now(engine)
    await add(store, alice, new_link())
    row = (await rows_of(engine, audit))[-1]
    assert (row.event, row.account_id) == ("link", alice.id)
    assert begun <= row.at <= await database_now(engine)
    assert (row.user_agent, row.address, row.request_id) == dataclasses.astuple(ORIGIN)
    assert await row_of(engine, alice) == before


async def test_nobody_and_the_deleted_get_no_link(
    store: LinkStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    await put(engine, accounts, accounts.c.id == alice.id, deleted_at=NOW_MS)
    before = await everything(engine)
    for account_id in (alice.id, bob.id + 1, 0, -1):
        assert await store.add(account_id, new_link(), most=MANY, origin=ORIGIN) is None
    assert await everything(engine) == before


async def test_one_link_more_than_the_most_is_too_many_and_leaves_nothing(
    store: LinkStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    for link_id in (ONE, TWO):
        await add(store, alice, new_link(link_id), most=2)
    before = await everything(engine)
    with pytest.raises(TooManyLinks):
        await add(store, alice, new_link(THREE), most=2)
    assert await everything(engine) == before
    assert await add(store, bob, new_link(THREE), most=2)


async def test_links_that_have_expired_or_are_revoked_do_not_count(
    store: LinkStore, alice: Account
) -> None:
    await add(store, alice, new_link(ONE, created_at=NOW_MS - 1, expires_at=NOW_MS), most=1)
    await add(store, alice, new_link(TWO), most=1)
    await store.remove(alice.id, TWO, ORIGIN)
    assert await add(store, alice, new_link(THREE), most=1)


async def test_of_many_at_once_on_two_nodes_no_more_are_added_than_the_most(
    database: str, alice: Account
) -> None:
    async with opened(database) as one, opened(database) as other:
        stores = [SqlLinkStore(one), SqlLinkStore(other)]
        added = await asyncio.gather(
            *(
                add(stores[number % 2], alice, new_link(f"{number:032x}"), most=3)
                for number in range(12)
            ),
            return_exceptions=True,
        )
        assert sum(isinstance(result, Link) for result in added) == 3
        assert sum(isinstance(result, TooManyLinks) for result in added) == 9
        assert len(await stores[0].of_account(alice.id, now_ms=NOW_MS)) == 3
        assert await events(one) == ["link"] * 3


# -- finding ------------------------------------------------------------------------------------


async def test_the_newest_link_comes_first_and_those_of_others_not_at_all(
    store: LinkStore, alice: Account, bob: Account
) -> None:
    await add(store, alice, new_link(TWO, created_at=NOW_MS))
    await add(store, alice, new_link(ONE, created_at=NOW_MS))
    await add(store, alice, new_link(THREE, created_at=NOW_MS + 1))
    await add(store, bob, new_link("4" * 32))
    found = await store.of_account(alice.id, now_ms=NOW_MS + 2)
    assert [link.id for link in found] == [THREE, ONE, TWO]
    assert await store.of_account(bob.id + 1, now_ms=NOW_MS) == []


async def test_a_link_is_listed_until_it_expires(store: LinkStore, alice: Account) -> None:
    await add(store, alice, new_link(expires_at=NOW_MS + 10))
    assert len(await store.of_account(alice.id, now_ms=NOW_MS + 9)) == 1
    assert await store.of_account(alice.id, now_ms=NOW_MS + 10) == []


@pytest.mark.parametrize("link_id", ["", TWO, ONE[:-1], ONE + "1", "%", "_" * 32, "A" * 32])
async def test_what_is_not_there_is_not_found(
    store: LinkStore, alice: Account, link_id: str
) -> None:
    await add(store, alice, new_link("a" * 32))
    await add(store, alice, new_link(ONE))
    assert await store.find(link_id) is None


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
async def test_the_link_of_an_account_that_is_shut_or_gone_is_not_found(
    store: LinkStore, engine: AsyncEngine, alice: Account, column: str
) -> None:
    await add(store, alice, new_link())
    await put(engine, accounts, None, **{column: NOW_MS})
    assert await store.find(ONE) is None
    await put(engine, accounts, None, **{column: None})
    assert await store.find(ONE) is not None


async def test_a_link_is_found_with_the_account_as_it_is_now(
    store: LinkStore, engine: AsyncEngine, alice: Account
) -> None:
    await add(store, alice, new_link())
    look = '{"generator":"dicebear","generator_version":10,"options":"{}","seed":"x","style":"y"}'
    await put(engine, accounts, look=look, visibility="public")
    found = await store.find(ONE)
    assert found is not None
    assert (found[1].look.style, found[1].visibility) == ("y", "public")


async def test_the_links_of_an_account_go_with_it(
    store: LinkStore, engine: AsyncEngine, alice: Account, bob: Account
) -> None:
    await add(store, alice, new_link(ONE))
    await add(store, bob, new_link(TWO))
    await SqlAccountStore(engine).delete(alice.id, ORIGIN)
    assert [row.id for row in await rows_of(engine, links)] == [TWO]


# -- revoking -----------------------------------------------------------------------------------


async def test_revoking_takes_one_link_raises_the_revision_and_is_in_the_audit(
    store: LinkStore, engine: AsyncEngine, alice: Account
) -> None:
    await add(store, alice, new_link(ONE))
    await add(store, alice, new_link(TWO))
    begun = await database_now(engine)
    assert await store.remove(alice.id, ONE, ORIGIN) == Change(alice.id, revision=1)
    now = await database_now(engine)
    assert await store.find(ONE) is None
    assert await store.find(TWO) is not None
    row = await row_of(engine, alice)
    assert (row.version, row.floor, row.revision) == (1, 1, 1)
    assert begun <= row.floor_at <= now
    note = (await rows_of(engine, audit))[-1]
    assert (note.event, note.account_id) == ("link_revoked", alice.id)
    assert (note.user_agent, note.address, note.request_id) == dataclasses.astuple(ORIGIN)
    assert await store.remove(alice.id, TWO, ORIGIN) == Change(alice.id, revision=2)


async def test_other_nodes_find_that_a_link_was_revoked(
    store: LinkStore, engine: AsyncEngine, alice: Account
) -> None:
    await add(store, alice, new_link())
    floors = SqlFloorStore(engine)
    assert not [change for change in await floors.recent(0) if change.revision]
    await store.remove(alice.id, ONE, ORIGIN)
    assert Change(alice.id, floor=1, revision=1) in await floors.recent(0)


async def test_a_link_that_has_expired_can_be_revoked(store: LinkStore, alice: Account) -> None:
    await add(store, alice, new_link(expires_at=NOW_MS - 1))
    assert await store.remove(alice.id, ONE, ORIGIN) is not None


Wrong = Callable[[Account, Account], tuple[int, str]]


@pytest.mark.parametrize(
    "wrong",
    [
        lambda _, bob: (bob.id, ONE),
        lambda _, bob: (bob.id + 1, ONE),
        lambda alice, _: (alice.id, TWO),
        lambda alice, _: (alice.id, ""),
        lambda alice, _: (alice.id, "%"),
    ],
)
async def test_nobody_revokes_what_is_not_there_or_anothers(
    store: LinkStore, engine: AsyncEngine, alice: Account, bob: Account, wrong: Wrong
) -> None:
    await add(store, alice, new_link())
    before = await everything(engine)
    assert await store.remove(*wrong(alice, bob), ORIGIN) is None
    assert await everything(engine) == before


async def test_of_eight_revocations_at_once_one_is_made(
    store: LinkStore, engine: AsyncEngine, alice: Account
) -> None:
    await add(store, alice, new_link())
    made = await asyncio.gather(*(store.remove(alice.id, ONE, ORIGIN) for _ in range(8)))
    assert [change for change in made if change is not None] == [Change(alice.id, revision=1)]
    assert await events(engine) == ["link", "link_revoked"]


async def test_revoking_after_the_deletion_of_the_account_does_nothing(
    store: LinkStore, engine: AsyncEngine, alice: Account
) -> None:
    await add(store, alice, new_link())
    await SqlAccountStore(engine).delete(alice.id, ORIGIN)
    before = await everything(engine)
    assert await store.remove(alice.id, ONE, ORIGIN) is None
    assert await everything(engine) == before


# -- all or nothing -----------------------------------------------------------------------------


@pytest.mark.parametrize("statement", ["INSERT ON links", "INSERT ON audit"])
async def test_an_addition_that_fails_half_way_changes_nothing(
    store: LinkStore, engine: AsyncEngine, alice: Account, statement: str
) -> None:
    await refuse(engine, statement)
    before = await everything(engine)
    with pytest.raises(DBAPIError, match="refused"):
        await add(store, alice, new_link())
    assert await everything(engine) == before


@pytest.mark.parametrize("statement", ["DELETE ON links", "UPDATE ON accounts", "INSERT ON audit"])
async def test_a_revocation_that_fails_half_way_changes_nothing(
    store: LinkStore, engine: AsyncEngine, alice: Account, statement: str
) -> None:
    await add(store, alice, new_link())
    await refuse(engine, statement)
    before = await everything(engine)
    with pytest.raises(DBAPIError, match="refused"):
        await store.remove(alice.id, ONE, ORIGIN)
    assert await everything(engine) == before


# -- pruning ------------------------------------------------------------------------------------


async def test_what_expired_before_goes_in_steps_and_nothing_else(
    store: LinkStore, engine: AsyncEngine, alice: Account
) -> None:
    for number, expires_at in enumerate([None, NOW_MS, NOW_MS - 1, NOW_MS - 2, 1]):
        await add(store, alice, new_link(str(number) * 32, expires_at=expires_at))
    assert await store.prune(NOW_MS, 2) == 2
    assert await store.prune(NOW_MS, 2) == 1
    assert await store.prune(NOW_MS, 2) == 0
    assert [row.id for row in await rows_of(engine, links)] == ["0" * 32, "1" * 32]
    assert await marks_of(engine, alice) == (1, 1, 0)


async def test_several_may_prune_add_and_revoke_at_once(database: str) -> None:
    async with opened(database) as one, opened(database) as other:
        people = [
            await SqlAccountStore(one).add(new_account(name), new_session(), free_before=0)
            for name in ("ann", "ben")
        ]
        stores = [SqlLinkStore(one), SqlLinkStore(other)]
        ids = [f"{number:032x}" for number in range(40)]

        async def come_and_go(turn: int) -> int:
            store, person = stores[turn % 2], people[turn % 2]
            pruned = 0
            for link_id in ids[turn::4]:
                expires_at = NOW_MS - 1 if turn < 2 else None
                await add(store, person, new_link(link_id, expires_at=expires_at))
                pruned += await stores[1 - turn % 2].prune(NOW_MS, 3)
                await store.remove(person.id, link_id, ORIGIN)
            return pruned

        pruned = sum(await asyncio.gather(*(come_and_go(turn) for turn in range(4))))
        revoked = (await events(one)).count("link_revoked")
        assert pruned + revoked == len(ids)
        assert await rows_of(one, links) == []
