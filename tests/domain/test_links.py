"""Share links: what they may be like, and what they show."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, audit_of
from tests.domain.sharing import Place, new_place

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.domain.errors import (
    DrawingFailed,
    InvalidLink,
    InvalidToken,
    TooManyLinks,
    UnknownLink,
)
from emoticon.domain.links import MAX_LIFE_S, MIN_LIFE_S, SharedLink
from emoticon.domain.models import Account, Event, Format, Look

HOUR_S = 3600


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


async def unknown(place: Place, token: str, size_px: int | None = None) -> bool:
    try:
        await place.show(token, size_px)
    except UnknownLink as error:
        return error.detail == UnknownLink.default_detail
    return False


# -- making and listing -------------------------------------------------------------------------


async def test_a_link_is_what_was_asked_for_and_shows_the_look_of_its_account(
    place: Place, alice: Account, clock: ManualClock
) -> None:
    shared = await place.share(alice, label="forum", life_s=HOUR_S, sizes_px=[64, 16, 64])
    link = shared.link
    assert (link.label, link.sizes_px, link.account_id) == ("forum", (16, 64), alice.id)
    assert (link.created_at, link.expires_at) == (clock.ms, clock.ms + HOUR_S * 1000)
    assert shared.version == place.links.emoticons.version(alice.look)
    shown = await place.show(shared.token, 64)
    assert shown.picture.body == f"{alice.look.seed} 64 png".encode()
    assert shown.link == link


async def test_c12_the_token_of_a_link_is_the_same_each_time(place: Place, alice: Account) -> None:
    first, second = await place.share(alice), await place.share(alice)
    assert first.token != second.token
    for _ in range(2):
        found = {each.link.id: each.token for each in await place.links.of(alice)}
        assert found == {each.link.id: each.token for each in (first, second)}


async def test_links_are_those_of_the_account_that_have_not_expired(
    place: Place, alice: Account, clock: ManualClock
) -> None:
    lasting = await place.share(alice)
    await place.share(alice, life_s=HOUR_S)
    assert len(await place.links.of(alice)) == 2
    clock.ms += HOUR_S * 1000
    assert await place.links.of(alice) == [lasting]
    assert await place.links.of(await place.sign_up("bob")) == []


@pytest.mark.parametrize("label", ["", "x" * 100, " «Форум» 😀👩‍🚀 \u3000", "'; DROP TABLE links"])
async def test_any_line_is_a_label(place: Place, alice: Account, label: str) -> None:
    await place.share(alice, label=label)
    assert (await place.links.of(alice))[0].link.label == label


@pytest.mark.parametrize(
    "label", ["x" * 101, "a\nb", "a\rb", "\0", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ud800"]
)
async def test_anything_else_is_no_label(place: Place, alice: Account, label: str) -> None:
    with pytest.raises(InvalidLink, match="one line of at most 100"):
        await place.share(alice, label=label)
    assert await place.links.of(alice) == []


@pytest.mark.parametrize("life_s", [MIN_LIFE_S, MAX_LIFE_S])
async def test_a_life_in_bounds_is_taken(place: Place, alice: Account, life_s: int) -> None:
    assert (await place.share(alice, life_s=life_s)).link.expires_at is not None


@pytest.mark.parametrize("life_s", [-1, 0, MIN_LIFE_S - 1, MAX_LIFE_S + 1, 2**63])
async def test_c11_any_other_life_is_refused(place: Place, alice: Account, life_s: int) -> None:
    with pytest.raises(InvalidLink, match="lives for 60 to 31536000"):
        await place.share(alice, life_s=life_s)


@pytest.mark.parametrize("sizes_px", [[15], [513], [0], [-64], [64, 2**40], [*range(16, 33)]])
async def test_sizes_that_are_not_drawn_or_too_many_are_refused(
    place: Place, alice: Account, sizes_px: list[int]
) -> None:
    with pytest.raises(InvalidLink, match="at most 16 sizes of 16 to 512"):
        await place.share(alice, sizes_px=sizes_px)


async def test_an_account_has_so_many_links_and_no_more(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> None:
    place = new_place(engine, clock, bulletin, most=2)
    alice = await place.sign_up()
    await place.share(alice)
    last = await place.share(alice, life_s=HOUR_S)
    with pytest.raises(TooManyLinks, match="revoke one"):
        await place.share(alice)
    await place.links.revoke(alice, last.link.id, ORIGIN)
    await place.share(alice)


async def test_where_nobody_may_have_links_nobody_makes_one(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> None:
    place = new_place(engine, clock, bulletin, most=0)
    alice = await place.sign_up()
    with pytest.raises(TooManyLinks, match="Nobody may have links here"):
        await place.share(alice)


async def test_who_has_left_makes_no_link(place: Place, alice: Account) -> None:
    await place.node.accounts.store.delete(alice.id, ORIGIN)
    with pytest.raises(InvalidToken):
        await place.share(alice)


async def test_links_and_their_ends_are_in_the_audit(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    await place.links.revoke(alice, shared.link.id, ORIGIN)
    assert (await audit_of(place.node, "alice"))[:2] == [Event.LINK_REVOKED, Event.LINK]


async def test_no_representation_shows_a_token(shared: SharedLink) -> None:
    assert shared.token not in repr(shared)


# -- showing ------------------------------------------------------------------------------------


async def test_without_a_size_it_is_the_usual_one_or_the_largest_that_the_link_allows(
    place: Place, alice: Account
) -> None:
    for sizes_px, size_px in ([], 128), ([64, 128, 256], 128), ([32, 64], 64):
        shared = await place.share(alice, sizes_px=sizes_px)
        assert (await place.show(shared.token)).picture.size_px == size_px


async def test_a_size_that_the_link_does_not_allow_is_no_link(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    bound = await place.share(alice, sizes_px=[64])
    assert (await place.show(bound.token, 64)).picture.size_px == 64
    for size_px in (16, 63, 65, 128, 0, 513):
        assert await unknown(place, bound.token, size_px)
    for size_px in (0, 15, 513, 10**9):
        assert await unknown(place, shared.token, size_px)
    assert (await place.show(shared.token, 512)).picture.size_px == 512


async def test_c11_a_link_shows_nothing_from_its_end_on(
    place: Place, alice: Account, clock: ManualClock
) -> None:
    shared = await place.share(alice, life_s=HOUR_S)
    clock.ms += HOUR_S * 1000 - 1
    assert (await place.show(shared.token)).left_s == 0
    clock.ms += 1
    assert await unknown(place, shared.token)


async def test_a_link_says_how_long_it_is_good(place: Place, alice: Account) -> None:
    assert (await place.show((await place.share(alice)).token)).left_s is None
    assert (await place.show((await place.share(alice, life_s=60)).token)).left_s == 60


async def test_the_version_is_said_when_it_is_the_current_one(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    assert (await place.show(shared.token, version=shared.version)).version == shared.version
    for version in ("", "0" * 12, shared.version.upper(), shared.version + "0", "latest"):
        assert (await place.show(shared.token, version=version)).version == ""
    await place.wear(alice, Look("moods", "another"))
    assert (await place.show(shared.token, version=shared.version)).version == ""
    (now,) = await place.links.of(await place.account())
    assert now.token == shared.token
    assert now.version != shared.version


async def test_every_link_shows_a_new_look_at_once(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    await place.wear(alice, Look("moods", "another"))
    assert (await place.show(shared.token)).picture.body == b"another 128 png"


async def test_what_cannot_be_drawn_now_is_stood_in_for(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    await place.wear(alice, Look("monsters", "seed", generator="upstream"))
    version = place.links.emoticons.version((await place.account()).look)
    place.upstream.broken = True
    shown = await place.show(shared.token, version=version)
    assert shown.picture.stand_in
    place.publish(shared.token, shown)
    assert place.edge.used_bytes == 0
    place.built_in.broken = True
    with pytest.raises(DrawingFailed):
        await place.show(shared.token, 64)


async def test_a_look_of_a_generator_that_is_here_no_more_has_no_version(
    place: Place, alice: Account
) -> None:
    gone = await place.wear(alice, Look("monsters", "seed", generator="gone"))
    shared = await place.share(gone)
    assert shared.version == ""
    shown = await place.show(shared.token)
    assert (shown.picture.stand_in, shown.version) == (True, "")


async def test_of_an_uploaded_picture_there_is_no_svg(
    place: Place, alice: Account, shared: SharedLink
) -> None:
    await place.upload(alice)
    assert (await place.show(shared.token)).picture.body
    with pytest.raises(UnknownLink):
        await place.show(shared.token, picture_format=Format.SVG)
