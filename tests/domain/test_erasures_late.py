"""Writes that come when their owner has been erased: in whatever order things happen, nothing is left."""

import asyncio
import random
from dataclasses import dataclass, field
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.domain.erasing import (
    NEVER_S,
    PICTURE,
    Drawer,
    erase,
    following,
    label_of,
    lacks,
    settle,
    tiers_of,
)
from tests.domain.nodes import until
from typing_extensions import override

from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.domain.keeping import Label
from emoticon.domain.models import Picture
from emoticon.domain.tiers import Tiers

OWNERS = range(1, 25)


@pytest.fixture
def store(engine: AsyncEngine) -> SqlErasureStore:
    return SqlErasureStore(engine)


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


@dataclass
class Pencil:
    """Draws when it may."""

    begun: asyncio.Event = field(default_factory=asyncio.Event)
    may: asyncio.Event = field(default_factory=asyncio.Event)

    async def draw(self) -> tuple[Picture, float]:
        self.begun.set()
        await self.may.wait()
        return PICTURE, 1.0


async def draw_at_once() -> tuple[Picture, float]:
    return PICTURE, 1.0


async def asked(tiers: Tiers, pencil: Pencil, owner: int) -> Picture:
    """Ask for a picture as a request does."""
    return await tiers.picture(label_of(owner), kept=True, slow=lambda: False, draw=pencil.draw)


# -- of this node --------------------------------------------------------------------------------


async def test_what_was_being_drawn_is_shown_to_who_waits_and_kept_nowhere(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    tiers, pencil = tiers_of(drawer), Pencil()
    async with following(store, tiers):
        asking = asyncio.create_task(asked(tiers, pencil, 7))
        keeping = asyncio.create_task(tiers.keep(label_of(7, 1), pencil.draw))
        await pencil.begun.wait()
        await erase(engine, 7)
        await until(lambda: drawer.has_forgotten(1))
        pencil.may.set()
        assert await asking == PICTURE
        await keeping
        assert await tiers.memory.get(label_of(7)) is None
        assert not drawer.pictures


async def test_a_write_that_is_under_way_is_waited_for_and_then_undone(
    store: SqlErasureStore, engine: AsyncEngine
) -> None:
    class Slow(Drawer):
        def __init__(self) -> None:
            super().__init__()
            self.begun, self.may = asyncio.Event(), asyncio.Event()

        @override
        async def put(self, label: Label, picture: Picture) -> None:
            self.begun.set()
            await self.may.wait()
            await super().put(label, picture)

    drawer = Slow()
    tiers = tiers_of(drawer)
    async with following(store, tiers) as followed:
        keeping = asyncio.create_task(tiers.keep(label_of(7), draw_at_once))
        await drawer.begun.wait()
        await erase(engine, 7)
        await until(lambda: followed.pending()["shared"] == 1)
        assert not drawer.has_forgotten(1)
        drawer.may.set()
        await keeping
        await until(lambda: drawer.has_forgotten(1))
        assert not drawer.pictures


async def test_a_request_that_was_let_in_before_and_draws_after_is_stopped_the_second_time(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    tiers, pencil = tiers_of(drawer), Pencil()
    async with following(store, tiers):
        await erase(engine, 7)
        await until(lambda: drawer.has_forgotten(1))
        late = asyncio.create_task(asked(tiers, pencil, 7))
        await pencil.begun.wait()
        await settle(engine)
        await until(lambda: drawer.number == 1)
        pencil.may.set()
        await late
        assert await tiers.memory.get(label_of(7)) is None
        assert not drawer.pictures


async def test_what_is_old_when_it_is_first_seen_is_done_again_only_after_a_poll(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    news = asyncio.Event()
    async with following(store, tiers_of(drawer), news=news, poll_s=NEVER_S):
        for number, owner in enumerate((7, 8), 1):
            await erase(engine, owner)
            await settle(engine)
            news.set()
            await until(partial(drawer.has_forgotten, number))
    assert drawer.forgotten == [(7,), (8,)]


async def test_who_is_erased_but_lives_gets_new_pictures_that_stay(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer
) -> None:
    tiers = tiers_of(drawer)
    async with following(store, tiers):
        await erase(engine, 7)
        await settle(engine)
        await until(lambda: drawer.number == 1)
        assert await tiers.keep(label_of(7), draw_at_once)
        await erase(engine, 8)
        await settle(engine)
        await until(lambda: drawer.number == 2)
    assert set(drawer.pictures.values()) == {7}


# -- of another node -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "moment", ["before the erasure", "before the first time", "before the second"]
)
async def test_what_a_node_that_then_dies_writes_late_goes_at_the_latest_when_it_is_settled(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer, moment: str
) -> None:
    def write(now: str) -> None:
        if now == moment:
            drawer.pictures[label_of(7).key] = 7

    async with following(store, tiers_of(drawer)):
        write("before the erasure")
        drawer.shut = True
        await erase(engine, 7)
        write("before the first time")
        drawer.shut = False
        await until(lambda: drawer.has_forgotten(1))
        write("before the second")
        await settle(engine)
        await until(lambda: drawer.number == 1)
    assert not drawer.pictures


@pytest.mark.parametrize("seed", range(3))
async def test_of_whoever_is_erased_nothing_is_left_and_of_all_others_everything(
    store: SqlErasureStore, engine: AsyncEngine, drawer: Drawer, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same each time
    gone: set[int] = set()
    nodes = [tiers_of(drawer), tiers_of(drawer)]

    async def draw() -> tuple[Picture, float]:
        for _ in range(dice.randrange(20)):
            await asyncio.sleep(0)
        return PICTURE, 1.0

    async def live(owner: int) -> None:
        """Ask either node again and again, as long as one is let in."""
        for _ in range(40):
            if owner in gone:
                return
            tiers = dice.choice(nodes)
            await tiers.picture(label_of(owner), kept=True, slow=lambda: False, draw=draw)
            await tiers.keep(label_of(owner), draw)

    async def leave() -> None:
        for owner in dice.sample(OWNERS, len(OWNERS) // 2):
            await erase(engine, owner)
            gone.add(owner)

    async with following(store, nodes[0]), following(store, nodes[1]):
        await asyncio.gather(leave(), *(live(owner) for owner in OWNERS for _ in range(2)))
        await settle(engine)
        # Twice by each node.
        await until(lambda: sum(map(len, drawer.forgotten)) == 4 * len(gone))
        assert set(drawer.pictures.values()) == set(OWNERS) - gone
        for tiers in nodes:
            for owner in gone:
                await until(partial(lacks, tiers.memory, owner))
