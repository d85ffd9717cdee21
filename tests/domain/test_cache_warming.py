"""What is drawn ahead, over both databases."""

import asyncio
import itertools
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, ManualClock, new_account, new_session
from tests.contracts.rows import put
from tests.domain.shelves import Shelf
from typing_extensions import override

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.tables import sessions
from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.access_logs import Request
from emoticon.domain.admission import Admission
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import DrawingFailed, StoreUnavailable, UnknownStyle
from emoticon.domain.generators import Generators
from emoticon.domain.media import Generator
from emoticon.domain.models import BUILT_IN, Account, Drawing, Format, Look, Origin, Style
from emoticon.domain.tiers import Tiers
from emoticon.domain.warming import MOST_ASKED, Asked, Warmed, Warming, most_asked

PNG = Format.PNG


class Painter(Generator):
    """Draws the seed; `bad` cannot be drawn."""

    def __init__(self) -> None:
        self.seeds: list[str] = []
        self.busy = 0
        self.most_busy = 0

    @property
    @override
    def version(self) -> int:
        return 10

    @property
    @override
    def revision(self) -> str:
        return "1"

    @property
    @override
    def style_names(self) -> Sequence[str]:
        return ("moods",)

    @override
    def style(self, name: str) -> Style:
        raise UnknownStyle

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        self.seeds.append(look.seed)
        self.busy += 1
        self.most_busy = max(self.busy, self.most_busy)
        await asyncio.sleep(0)
        self.busy -= 1
        if look.seed == "bad":
            raise DrawingFailed
        return Drawing(f"{look.seed} {size_px} {picture_format}".encode(), 1.0)


@pytest.fixture
def painter() -> Painter:
    return Painter()


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


@pytest.fixture
def warming(engine: AsyncEngine, painter: Painter, shelf: Shelf) -> Warming:
    tiers = Tiers(MemoryTier(1 << 20), [shelf], Admission(keys=64, fresh=1), clock=ManualClock())
    return Warming(
        SqlAccountStore(engine),
        Emoticons(tiers, Generators({BUILT_IN: painter}, "moods")),
        at_once=2,
    )


@pytest.fixture
async def people(engine: AsyncEngine) -> list[Account]:
    """Three accounts, the last of which was used last; the first cannot be drawn."""
    store = SqlAccountStore(engine)
    made = []
    for number, name in enumerate(("bad", "bob", "eve")):
        session = new_session()
        made.append(await store.add(new_account(name), session, free_before=0))
        await put(engine, sessions, sessions.c.id == session.id, last_used_at=NOW_MS + number)
    return made


def bodies(shelf: Shelf) -> list[str]:
    return sorted(picture.body.decode() for picture in shelf.drawings.values())


async def draw_last_used(
    warming: Warming,
    count: int,
    sizes_px: Sequence[int] = (128,),
    formats: Sequence[Format] = (PNG,),
) -> tuple[Warmed, list[int]]:
    tally, totals = Warmed(), list[int]()
    await warming.last_used(count, sizes_px, formats, tally=tally, on_progress=totals.append)
    return tally, totals


async def draw_asked(warming: Warming, *wishes: Asked) -> Warmed:
    tally = Warmed()
    await warming.asked(wishes, tally=tally, on_progress=lambda _: None)
    return tally


@pytest.mark.usefixtures("people")
async def test_those_used_last_are_drawn_in_every_size_and_format(
    warming: Warming, shelf: Shelf
) -> None:
    tally, totals = await draw_last_used(warming, 2, (16, 128), (PNG, Format.SVG))
    assert bodies(shelf) == sorted(
        f"{name} {size} {kind}"
        for name, size, kind in itertools.product(("bob", "eve"), (16, 128), ("png", "svg"))
    )
    assert tally == Warmed(drawn=8)
    assert totals == [8] * 9, "the total is told before the first and after each"


@pytest.mark.usefixtures("people")
async def test_what_is_there_is_not_drawn_again(warming: Warming, painter: Painter) -> None:
    await draw_last_used(warming, 1)
    assert await draw_last_used(warming, 2) == (Warmed(drawn=1, present=1), [2, 2, 2])
    assert painter.seeds == ["eve", "bob"]


@pytest.mark.usefixtures("people")
async def test_what_cannot_be_drawn_is_counted_and_the_rest_goes_on(warming: Warming) -> None:
    tally, _ = await draw_last_used(warming, 3)
    assert tally == Warmed(drawn=2, failed=1)
    assert tally.done == 3


@pytest.mark.usefixtures("people")
async def test_no_more_are_drawn_at_once_than_said(warming: Warming, painter: Painter) -> None:
    await draw_last_used(warming, 3, (16, 24, 32, 40))
    assert painter.most_busy == 2


async def test_without_accounts_nothing_is_drawn(warming: Warming) -> None:
    assert await draw_last_used(warming, 3) == (Warmed(), [0])


@pytest.mark.usefixtures("people")
async def test_what_was_asked_for_is_drawn_for_names_in_any_spelling(
    warming: Warming, shelf: Shelf
) -> None:
    tally = await draw_asked(warming, ("EVE", 64, PNG), ("bob", 16, Format.SVG))
    assert tally == Warmed(drawn=2)
    assert bodies(shelf) == ["bob 16 svg", "eve 64 png"]


async def test_names_of_nobody_and_of_disabled_accounts_are_unknown(
    warming: Warming, people: list[Account]
) -> None:
    await warming.accounts.disable(people[1].id, Origin())
    tally = await draw_asked(warming, *((name, 64, PNG) for name in ("bob", "ann", "\x00", "eve")))
    assert tally == Warmed(drawn=1, unknown=3)


async def test_a_database_that_goes_away_ends_the_work(warming: Warming) -> None:
    class Away(SqlAccountStore):
        @override
        async def by_username_key(self, username_key: str) -> Account | None:
            raise StoreUnavailable

    store = warming.accounts
    assert isinstance(store, SqlAccountStore)
    away = Warming(Away(store._engine), warming.emoticons, at_once=2)
    with pytest.raises(StoreUnavailable):
        await draw_asked(away, *((f"u{number}", 64, PNG) for number in range(5)))


@pytest.mark.usefixtures("people")
async def test_who_stops_it_finds_what_was_done_counted(warming: Warming, shelf: Shelf) -> None:
    tally = Warmed()

    def stop(_total: int) -> None:
        if tally.done == 1:
            task.cancel()

    task = asyncio.create_task(
        warming.last_used(2, (16, 24, 32, 40), [PNG], tally=tally, on_progress=stop)
    )
    with pytest.raises(asyncio.CancelledError):
        await task
    assert 1 <= tally.drawn < 8
    assert tally.drawn <= len(shelf.drawings) < 8


def request(name: str, size_px: int = 128, picture_format: Format = PNG) -> Request:
    return Request(name, size_px, picture_format, None)


def test_the_most_asked_for_come_first_whatever_else_is_asked_for() -> None:
    requests = [request("ann"), request("bob", 16), request("bob", 16), request("ann", 100)]
    requests += [request("eve", 16, Format.SVG)] * 3
    assert most_asked(requests, 10) == [
        ("eve", 16, Format.SVG),
        ("bob", 16, PNG),
        ("ann", 128, PNG),
    ], "100 px is never kept outside of memory"
    assert most_asked(requests, 1) == [("eve", 16, Format.SVG)]


def test_a_log_of_any_number_of_names_takes_bounded_memory() -> None:
    names = (request(f"u{number}") for number in range(MOST_ASKED + 10))
    late = [request("late")] * 3 + [request("u7")]
    asked = most_asked(itertools.chain(names, late), MOST_ASKED + 100)
    assert len(asked) == MOST_ASKED
    assert asked[0] == ("u7", 128, PNG)
