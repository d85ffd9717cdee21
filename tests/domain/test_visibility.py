"""Who is shown to everybody, and that nobody can tell why somebody is not."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, audit_of, until
from tests.domain.sharing import NEUTRAL, Place, new_place

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.domain.errors import DrawingFailed, InvalidSize, InvalidToken
from emoticon.domain.models import Account, Change, Event, Format

NEUTRAL_BODY = f"{NEUTRAL.seed} 64 png".encode()


@pytest.fixture
def database(sqlite_database: str) -> str:
    """One is enough: the contracts of the stores are tested on both."""
    return sqlite_database


@pytest.fixture
async def alice(place: Place) -> Account:
    """Somebody public."""
    return await place.visibility.choose(await place.sign_up(), "public", ORIGIN)


async def body(place: Place, username: str, picture_format: Format = Format.PNG) -> bytes:
    return (await place.visibility.public(username, 64, picture_format)).body


async def test_an_account_is_private_until_it_chooses(place: Place) -> None:
    alice = await place.sign_up()
    assert await body(place, "alice") == NEUTRAL_BODY
    public = await place.visibility.choose(alice, "public", ORIGIN)
    assert (public.visibility, public.revision) == ("public", 1)
    assert await body(place, "alice") == f"{alice.look.seed} 64 png".encode()
    assert await place.account() == public
    private = await place.visibility.choose(alice, "private", ORIGIN)
    assert (private.visibility, private.revision) == ("private", 2)
    assert await body(place, "alice") == NEUTRAL_BODY
    assert (await audit_of(place.node, "alice"))[:2] == [Event.VISIBILITY] * 2


@pytest.mark.usefixtures("alice")
async def test_a_public_account_is_found_in_every_spelling_of_its_name(place: Place) -> None:
    shown = await body(place, "alice")
    for name in ("ALICE", "Alice", "ａlice"):
        assert await body(place, name) == shown


@pytest.mark.usefixtures("alice")
@pytest.mark.parametrize(
    "name", ["bob", "", " ", "x" * 5000, "\0", "\ud800", "../alice", "alice ", "alice\n", "%", "é"]
)
async def test_every_other_name_has_the_neutral_picture(place: Place, name: str) -> None:
    assert await body(place, name) == NEUTRAL_BODY


async def test_who_is_shut_or_has_left_has_the_neutral_picture(
    place: Place, alice: Account
) -> None:
    await place.node.operators.disable("alice")
    assert await body(place, "alice") == NEUTRAL_BODY
    await place.node.operators.enable("alice")
    assert await body(place, "alice") != NEUTRAL_BODY
    await place.node.accounts.store.delete(alice.id, ORIGIN)
    assert await body(place, "alice") == NEUTRAL_BODY


async def test_of_an_uploaded_picture_there_is_no_svg_but_the_neutral_one(
    place: Place, alice: Account
) -> None:
    await place.upload(alice)
    assert await body(place, "alice") != NEUTRAL_BODY
    assert await body(place, "alice", Format.SVG) == f"{NEUTRAL.seed} 64 svg".encode()


@pytest.mark.parametrize("name", ["alice", "bob", "\0"])
async def test_a_size_that_is_not_drawn_is_refused_for_every_name(place: Place, name: str) -> None:
    await place.sign_up()
    for size_px in (15, 513):
        with pytest.raises(InvalidSize):
            await place.visibility.public(name, size_px, Format.PNG)


@pytest.mark.usefixtures("alice")
async def test_while_nothing_can_be_drawn_there_is_no_picture_for_anybody(place: Place) -> None:
    place.built_in.broken = True
    for name in ("alice", "bob"):
        with pytest.raises(DrawingFailed):
            await body(place, name)


async def test_who_has_left_chooses_nothing(place: Place, alice: Account) -> None:
    await place.node.accounts.store.delete(alice.id, ORIGIN)
    with pytest.raises(InvalidToken):
        await place.visibility.choose(alice, "private", ORIGIN)


async def test_other_nodes_hear_of_the_choice(
    place: Place,
    alice: Account,
    engine: AsyncEngine,
    clock: ManualClock,
    bulletin: LocalBulletin,
) -> None:
    there = new_place(engine, clock, bulletin)
    await there.node.revocation.start()
    news = there.node.floors.news
    await place.visibility.choose(alice, "private", ORIGIN)
    await until(lambda: there.node.floors.news > news)
    assert not there.node.floors.merge(Change(alice.id, revision=2))
    await there.node.revocation.aclose()
