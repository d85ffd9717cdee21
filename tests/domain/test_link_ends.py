"""What ends share links, and that no order of events lets one that has ended be published."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, STALE_S, until
from tests.domain.sharing import Place, new_place

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.domain.errors import UnknownLink
from emoticon.domain.links import SharedLink, forget_expired
from emoticon.domain.models import Account

HOUR_S = 3600
DAY_MS = 86_400_000


@pytest.fixture
def database(sqlite_database: str) -> str:
    """One is enough: the contracts of the stores are tested on both."""
    return sqlite_database


@pytest.fixture
async def alice(place: Place) -> Account:
    return await place.sign_up()


@pytest.fixture
async def shared(place: Place, alice: Account) -> SharedLink:
    return await place.share(alice)


def tick(place: Place, clock: ManualClock, ms: int) -> None:
    """Let time go by, in which the node heard all news."""
    clock.ms += ms
    place.node.floors.refreshed(clock.ms)


async def unknown(place: Place, token: str, size_px: int | None = None) -> bool:
    try:
        await place.show(token, size_px)
    except UnknownLink as error:
        return error.detail == UnknownLink.default_detail
    return False


async def revoked(place: Place, alice: Account, shared: SharedLink) -> None:
    await place.links.revoke(alice, shared.link.id, ORIGIN)


async def left(place: Place, alice: Account, _shared: SharedLink) -> None:
    change = await place.node.accounts.store.delete(alice.id, ORIGIN)
    assert change is not None
    await place.node.revocation.announce(change)


async def shut(place: Place, alice: Account, _shared: SharedLink) -> None:
    await place.node.operators.disable(alice.username)


ENDS = [revoked, left, shut]
End = Callable[[Place, Account, SharedLink], Awaitable[None]]
every_end = pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)


@every_end
async def test_c14_after_its_end_a_link_shows_nothing_and_the_edge_has_nothing(
    place: Place, alice: Account, shared: SharedLink, end: End
) -> None:
    for version in ("", shared.version):
        place.publish(shared.token, await place.show(shared.token, version=version))
        assert place.published(shared.token, version) is not None
    await end(place, alice, shared)
    assert await unknown(place, shared.token)
    assert place.published(shared.token) is None
    assert place.edge.used_bytes == 0


@every_end
async def test_an_end_while_the_link_is_read_lets_nothing_be_published(
    place: Place, alice: Account, shared: SharedLink, end: End
) -> None:
    place.store.go_on.clear()
    asking = asyncio.create_task(place.show(shared.token))
    await place.store.read.wait()
    await end(place, alice, shared)
    place.store.go_on.set()
    place.publish(shared.token, await asking)
    assert place.edge.used_bytes == 0


@every_end
async def test_an_end_between_the_answer_and_the_publication_lets_nothing_be_published(
    place: Place, alice: Account, shared: SharedLink, end: End
) -> None:
    shown = await place.show(shared.token)
    await end(place, alice, shared)
    place.publish(shared.token, shown)
    assert place.edge.used_bytes == 0


async def test_news_of_others_do_not_keep_a_link_from_being_published(
    place: Place, shared: SharedLink
) -> None:
    bob = await place.sign_up("bob")
    shown = await place.show(shared.token)
    await left(place, bob, shared)
    place.publish(shared.token, shown)
    assert place.published(shared.token) is not None


async def test_nothing_is_published_while_the_node_does_not_hear_the_news(
    place: Place, shared: SharedLink, clock: ManualClock
) -> None:
    clock.ms += STALE_S * 1000 + 1
    place.publish(shared.token, await place.show(shared.token))
    assert place.edge.used_bytes == 0
    tick(place, clock, 0)
    place.publish(shared.token, await place.show(shared.token))
    assert place.published(shared.token) is not None


async def test_other_links_of_the_account_go_on_when_one_is_revoked(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    other = await place.share(alice)
    await revoked(place, alice, shared)
    assert (await place.show(other.token)).link == other.link


async def test_a_link_of_a_shut_account_is_good_again_when_it_is_opened(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    await shut(place, alice, shared)
    assert await unknown(place, shared.token)
    await place.node.operators.enable(alice.username)
    assert (await place.show(shared.token)).link == shared.link


async def test_nobody_revokes_the_link_of_another_or_a_link_twice(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    bob = await place.sign_up("bob")
    for account, link_id in ((bob, shared.link.id), (alice, "0" * 32)):
        with pytest.raises(UnknownLink):
            await place.links.revoke(account, link_id, ORIGIN)
    assert (await place.show(shared.token)).link == shared.link
    await place.links.revoke(alice, shared.link.id, ORIGIN)
    with pytest.raises(UnknownLink):
        await place.links.revoke(alice, shared.link.id, ORIGIN)


async def test_a_link_that_is_revoked_on_one_node_is_withdrawn_on_the_others(
    place: Place, alice: Account, shared: SharedLink, bulletin: LocalBulletin
) -> None:
    there = new_place(place.engine, ManualClock(place.node.clock.now_ms()), bulletin)
    await there.node.revocation.start()
    there.publish(shared.token, await there.show(shared.token))
    assert there.published(shared.token) is not None
    await place.links.revoke(alice, shared.link.id, ORIGIN)
    await until(lambda: there.published(shared.token) is None)
    assert there.edge.used_bytes == 0
    await there.node.revocation.aclose()


async def test_a_revocation_is_announced_also_when_the_client_has_gone(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    place.publish(shared.token, await place.show(shared.token))
    revoking = asyncio.create_task(place.links.revoke(alice, shared.link.id, ORIGIN))
    await asyncio.sleep(0)
    revoking.cancel()
    await until(lambda: place.published(shared.token) is None)
    assert await unknown(place, shared.token)


@pytest.mark.parametrize("token", ["", "x", "A" * 43, "A" * 10_000, "é" * 43])
async def test_what_is_no_token_is_no_link(place: Place, token: str) -> None:
    assert await unknown(place, token)


async def test_links_are_forgotten_a_day_after_their_end(
    place: Place, alice: Account, clock: ManualClock
) -> None:
    await place.share(alice)
    await place.share(alice, life_s=HOUR_S)
    clock.ms += HOUR_S * 1000 + DAY_MS
    assert await forget_expired(place.store, clock) == 0
    clock.ms += 1
    assert await forget_expired(place.store, clock) == 1
    assert await forget_expired(place.store, clock) == 0
    assert len(await place.links.of(alice)) == 1
