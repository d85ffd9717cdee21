"""What is published and what is not, and that no order of events lets a dead token have a picture."""

import asyncio
import dataclasses
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.adapters.tiers.drawings import drawn
from tests.domain.nodes import LIFE_S, ORIGIN, PASSWORD, STALE_S, Node, new_node, until
from typing_extensions import override

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.edge.memory import MemoryEdge
from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.domain.errors import SessionSuperseded
from emoticon.domain.models import Account, Change, Format, Identity, Picture
from emoticon.domain.publishing import Publishing
from emoticon.domain.sessions import TokenPolicy

PICTURE = drawn(1)


class Held(SqlAccountStore):
    """Reads an account at once and gives it out when it is let go."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.read = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    @override
    async def by_id(self, account_id: int) -> Account | None:
        account = await super().by_id(account_id)
        self.read.set()
        await self.go_on.wait()
        return account


@dataclass(frozen=True)
class Place:
    """A node with an edge."""

    node: Node
    publishing: Publishing
    edge: MemoryEdge
    store: Held

    async def sign_up(self) -> str:
        pair = await self.node.accounts.sign_up("alice", PASSWORD, ORIGIN)
        return pair.access.value

    async def sign_in(self) -> str:
        return (await self.node.sessions.sign_in("alice", PASSWORD, ORIGIN)).access.value

    def publish(self, token: str, identity: Identity, username: str = "alice") -> None:
        self.publishing.publish(token, identity, username, PICTURE)

    def find(self, token: str, username: str = "alice") -> Picture | None:
        return self.publishing.find(token, username, 128, Format.PNG)


Opener = Callable[..., Awaitable[Place]]


@pytest.fixture
async def opener(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> AsyncGenerator[Opener]:
    opened = []

    async def open_place(policy: TokenPolicy = TokenPolicy.ONE_TOKEN) -> Place:
        edge, store = MemoryEdge(10**6, clock), Held(engine)
        node = new_node(
            engine, clock, bulletin, policy=policy, account_store=store, withdraw=[edge.withdraw]
        )
        await node.revocation.start()
        opened.append(node)
        publishing = Publishing(edge, edge, node.floors, node.verified, clock)
        return Place(node, publishing, edge, store)

    yield open_place
    for node in opened:
        await node.revocation.aclose()


@pytest.fixture
async def place(opener: Opener) -> Place:
    return await opener()


async def test_what_was_given_is_found_by_the_same_token_name_size_and_format(
    place: Place,
) -> None:
    token = await place.sign_up()
    assert place.find(token) is None
    place.publish(token, await place.node.of(token))
    assert place.find(token) is PICTURE
    assert place.find(token, "Alice") is None
    assert place.publishing.find(token, "alice", 64, Format.PNG) is None
    assert place.publishing.find(token, "alice", 128, Format.SVG) is None
    assert place.find(token[:-1]) is None


@pytest.mark.parametrize("username", ["Alice", "a.l-i_ce", "9", "a" * 32])
async def test_a_plain_name_is_published_as_it_was_asked_for(place: Place, username: str) -> None:
    token = await place.sign_up()
    place.publish(token, await place.node.of(token), username)
    assert place.find(token, username) is PICTURE


@pytest.mark.parametrize(
    "username", ["", "анна", "a b", "a/b", "..", ".a", "a\n", "a%61", "a" * 33]
)
async def test_any_other_name_is_not_published(place: Place, username: str) -> None:
    token = await place.sign_up()
    place.publish(token, await place.node.of(token), username)
    assert place.edge.used_bytes == 0


async def test_what_stands_in_the_place_of_another_picture_is_not_published(place: Place) -> None:
    token = await place.sign_up()
    identity = await place.node.of(token)
    stand_in = dataclasses.replace(PICTURE, stand_in=True)
    place.publishing.publish(token, identity, "alice", stand_in)
    assert place.edge.used_bytes == 0


async def test_an_edge_that_others_ask_is_published_to_and_never_asked(place: Place) -> None:
    token = await place.sign_up()
    blind = dataclasses.replace(place.publishing, asked=None)
    blind.publish(token, await place.node.of(token), "alice", PICTURE)
    assert place.find(token) is PICTURE
    assert blind.find(token, "alice", 128, Format.PNG) is None


async def test_nothing_is_found_or_published_while_floors_are_stale(
    place: Place, clock: ManualClock
) -> None:
    token = await place.sign_up()
    identity = await place.node.of(token)
    place.publish(token, identity)
    clock.ms += STALE_S * 1000 + 1
    assert place.find(token) is None
    place.publish(token, identity, "ALICE")
    place.node.floors.refreshed(clock.ms)
    assert place.find(token) is PICTURE
    assert place.find(token, "ALICE") is None


async def test_nothing_is_found_after_the_end_of_the_token(
    place: Place, clock: ManualClock
) -> None:
    token = await place.sign_up()
    place.publish(token, await place.node.of(token))
    clock.ms += LIFE_S * 1000
    place.node.floors.refreshed(clock.ms)
    assert place.find(token) is None


async def replaced(place: Place, token: str, _identity: Identity) -> None:
    assert await place.sign_in() != token


async def signed_out(place: Place, _token: str, identity: Identity) -> None:
    await place.node.sessions.sign_out(identity, ORIGIN)


async def left(place: Place, _token: str, identity: Identity) -> None:
    await place.node.accounts.leave(identity, PASSWORD, ORIGIN)


async def heard_of(place: Place, _token: str, identity: Identity) -> None:
    """As from another node: the news are known here, and nothing has been asked of the store."""
    place.node.floors.merge(Change(identity.account.id, floor=identity.account.version + 1))


async def told_by_the_store(place: Place, token: str, identity: Identity) -> None:
    """Another node ended all, and before news of that come, somebody asks here with another dead token."""
    claims = place.node.tokens.signer.read(token)
    other = place.node.tokens.signer.sign(
        dataclasses.replace(claims, expires_at_s=claims.expires_at_s - 1)
    )
    await place.node.sessions.store.end_all(identity.account.id, ORIGIN)
    with pytest.raises(SessionSuperseded):
        await place.node.of(other)


ENDS = [replaced, signed_out, left, heard_of, told_by_the_store]
End = Callable[[Place, str, Identity], Awaitable[None]]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_an_end_after_the_publication_withdraws_it(place: Place, end: End) -> None:
    token = await place.sign_up()
    identity = await place.node.of(token)
    place.publish(token, identity)
    await end(place, token, identity)
    assert place.find(token) is None
    assert place.edge.used_bytes == 0


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_an_end_between_check_and_publication_lets_nothing_be_published(
    place: Place, end: End
) -> None:
    token = await place.sign_up()
    identity = await place.node.of(token)
    await end(place, token, identity)
    place.publish(token, identity)
    assert place.find(token) is None
    assert place.edge.used_bytes == 0


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_nothing_comes_back_when_the_news_come_once_more(place: Place, end: End) -> None:
    token = await place.sign_up()
    identity = await place.node.of(token)
    await end(place, token, identity)
    place.node.floors.merge(Change(identity.account.id, floor=identity.account.version + 1))
    place.publish(token, identity)
    assert place.edge.used_bytes == 0


async def test_an_end_while_the_account_is_read_lets_nothing_be_published(place: Place) -> None:
    token = await place.sign_up()
    account_id = place.node.tokens.signer.read(token).account_id
    place.store.go_on.clear()
    asking = asyncio.create_task(place.node.of(token))
    await place.store.read.wait()
    place.node.floors.merge(Change(account_id, session_id="another one"))
    place.store.go_on.set()
    place.publish(token, await asking)
    assert place.edge.used_bytes == 0, "the account may look otherwise by now"
    place.publish(token, await place.node.of(token))
    assert place.find(token) is PICTURE


async def test_news_of_another_session_withdraw_and_the_next_request_publishes_again(
    opener: Opener,
) -> None:
    place = await opener(TokenPolicy.MANY_SESSIONS)
    one, other = await place.sign_up(), await place.sign_in()
    identity = await place.node.of(one)
    place.publish(one, identity)
    await place.node.sessions.sign_out(await place.node.of(other), ORIGIN)
    assert place.find(one) is None
    place.publish(one, identity)
    assert place.find(one) is None
    place.publish(one, await place.node.of(one))
    assert place.find(one) is PICTURE


async def test_an_end_on_another_node_reaches_the_edge_of_this_one(opener: Opener) -> None:
    here, there = await opener(), await opener()
    token = await here.sign_up()
    here.publish(token, await here.node.of(token))
    assert here.find(token) is PICTURE
    await there.sign_in()
    await until(lambda: here.find(token) is None)
    assert here.edge.used_bytes == 0


async def test_the_news_of_one_account_leave_the_others_alone(place: Place) -> None:
    token = await place.sign_up()
    other = (await place.node.accounts.sign_up("bob", PASSWORD, ORIGIN)).access.value
    place.publish(token, await place.node.of(token))
    place.publish(other, await place.node.of(other), "bob")
    await place.sign_in()
    assert place.find(token) is None
    assert place.find(other, "bob") is PICTURE
