"""Whose token it is: what is asked of the store, what is remembered, and what stops that."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import LIFE_S, ORIGIN, PASSWORD, Node, new_node
from typing_extensions import override

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.domain.errors import (
    FloorsStale,
    InvalidToken,
    NotAuthenticated,
    SessionEnded,
    SessionSuperseded,
    StoreUnavailable,
)
from emoticon.domain.models import Account, Change


class Watched(SqlAccountStore):
    """Counts what is read by id, and can be slow or away."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.reads = 0
        self.away = False
        self.asked = asyncio.Event()
        self.answers = asyncio.Event()
        self.answers.set()

    @override
    async def by_id(self, account_id: int) -> Account | None:
        self.reads += 1
        if self.away:
            raise StoreUnavailable
        account = await super().by_id(account_id)
        self.asked.set()
        await self.answers.wait()
        return account


@pytest.fixture
def store(engine: AsyncEngine) -> Watched:
    return Watched(engine)


@pytest.fixture
async def node(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin, store: Watched
) -> AsyncGenerator[Node]:
    opened = new_node(engine, clock, bulletin, account_store=store)
    await opened.revocation.start()
    yield opened
    await opened.revocation.aclose()


@pytest.fixture
async def token(node: Node) -> str:
    pair = await node.accounts.sign_up("alice", PASSWORD, ORIGIN)
    return pair.access.value


async def test_the_second_request_with_a_token_reads_nothing(
    node: Node, store: Watched, token: str
) -> None:
    first = await node.of(token)
    assert (first.account.username, store.reads) == ("alice", 1)
    store.away = True
    assert await node.of(token) is first
    assert store.reads == 1


async def test_a_token_that_is_not_ours_costs_no_read(
    node: Node, store: Watched, token: str
) -> None:
    for forged in ("", "x", token[:-1], token + "=", token.swapcase()):
        with pytest.raises(InvalidToken):
            await node.of(forged)
    assert store.reads == 0
    assert len(node.verified) == 0


async def test_what_is_known_to_be_dead_costs_no_read(
    node: Node, store: Watched, token: str
) -> None:
    await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    with pytest.raises(SessionSuperseded):
        await node.of(token)
    assert store.reads == 0


async def test_a_failure_is_not_remembered(node: Node, store: Watched, token: str) -> None:
    store.away = True
    with pytest.raises(StoreUnavailable):
        await node.of(token)
    assert len(node.verified) == 0
    store.away = False
    assert (await node.of(token)).account.username == "alice"


async def test_what_is_remembered_ends_with_the_token(
    node: Node, clock: ManualClock, token: str
) -> None:
    await node.of(token)
    clock.ms += LIFE_S * 1000 - 1
    node.floors.refreshed(clock.ms)
    await node.of(token)
    clock.ms += 1
    with pytest.raises(InvalidToken):
        await node.of(token)
    assert len(node.verified) == 0


async def test_no_token_is_trusted_while_floors_are_stale_remembered_or_not(
    node: Node, clock: ManualClock, token: str
) -> None:
    other = (await node.accounts.sign_up("bob", PASSWORD, ORIGIN)).access.value
    await node.of(token)
    clock.ms += 5001
    for any_token in (token, other):
        with pytest.raises(FloorsStale):
            await node.of(any_token)
    node.floors.refreshed(clock.ms)
    for any_token in (token, other):
        await node.of(any_token)


async def test_news_withdraw_what_is_remembered_of_their_account_alone(
    node: Node, store: Watched, token: str
) -> None:
    other = (await node.accounts.sign_up("bob", PASSWORD, ORIGIN)).access.value
    alice = await node.of(token)
    await node.of(other)
    await node.sessions.sign_out(alice, ORIGIN)
    with pytest.raises(SessionEnded):
        await node.of(token)
    await node.of(other)
    assert store.reads == 2


@pytest.mark.parametrize(
    ("change", "error"),
    [
        (Change(0, floor=2), SessionSuperseded),
        (Change(0, session_id="its own"), SessionEnded),
    ],
)
async def test_news_that_come_while_the_store_is_read_count(
    node: Node, store: Watched, token: str, change: Change, error: type[NotAuthenticated]
) -> None:
    claims = node.tokens.signer.read(token)
    change = dataclasses.replace(
        change,
        account_id=claims.account_id,
        session_id=claims.session_id if change.session_id else "",
    )
    store.answers.clear()
    asking = asyncio.create_task(node.of(token))
    await store.asked.wait()
    await node.revocation.announce(change)
    store.answers.set()
    with pytest.raises(error):
        await asking
    assert len(node.verified) == 0


async def test_an_account_read_before_news_about_it_is_not_remembered(
    node: Node, store: Watched, token: str
) -> None:
    account_id = node.tokens.signer.read(token).account_id
    store.answers.clear()
    asking = asyncio.create_task(node.of(token))
    await store.asked.wait()
    await node.revocation.announce(Change(account_id, session_id="another one"))
    store.answers.set()
    assert (await asking).account.username == "alice"
    assert len(node.verified) == 0
    await node.of(token)
    assert len(node.verified) == 1


async def test_a_floor_that_only_the_store_knows_counts(node: Node, token: str) -> None:
    account_id = node.tokens.signer.read(token).account_id
    assert await node.sessions.store.end_all(account_id, ORIGIN)
    with pytest.raises(SessionSuperseded):
        await node.of(token)
    assert len(node.verified) == 0


async def test_a_floor_that_the_store_told_counts_before_its_news_come(
    node: Node, store: Watched, token: str
) -> None:
    """Else an answer that was being read meanwhile would be remembered, and a dead token be good once more."""
    account_id = (await node.sessions.identities.of(token)).account.id
    node.sessions.identities.verified.withdraw(account_id)
    await store.change_password(account_id, old=None, new="x", session=None, origin=ORIGIN)
    for _ in range(2):
        with pytest.raises(SessionSuperseded):
            await node.sessions.identities.of(token)
    assert store.reads == 2, "the second time it is known"


async def test_a_token_newer_than_its_account_is_from_before_the_database_was_set_back(
    node: Node, token: str
) -> None:
    claims = node.tokens.signer.read(token)
    newer = node.tokens.signer.sign(dataclasses.replace(claims, version=claims.version + 1))
    with pytest.raises(InvalidToken):
        await node.of(newer)
    assert len(node.verified) == 0


async def test_a_token_of_no_account_is_not_valid(node: Node, token: str) -> None:
    claims = node.tokens.signer.read(token)
    with pytest.raises(InvalidToken):
        await node.of(node.tokens.signer.sign(dataclasses.replace(claims, account_id=10**9)))
