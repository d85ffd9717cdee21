"""Erasures while a tier or the store cannot be used: nothing is lost, nobody else waits, and it is said once."""

import asyncio
from collections.abc import Sequence
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.domain.erasing import (
    PICTURE,
    SOON_S,
    Drawer,
    erase,
    following,
    label_of,
    settle,
    tiers_of,
)
from tests.domain.nodes import until
from typing_extensions import override

from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.domain.erasures import Erasures
from emoticon.domain.errors import StoreUnavailable, TierUnavailable
from emoticon.domain.keeping import Erasure, ErasureLog

SHUT = TierUnavailable("shared is shut")


class Flaky(SqlErasureStore):
    """Fails on purpose, and counts how often it was asked."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.error: Exception | None = None
        self.page_error: Exception | None = None
        self.asked = 0

    @override
    async def log(self) -> ErasureLog:
        self.asked += 1
        if self.error is not None:
            raise self.error
        return await super().log()

    @override
    async def after(self, number: int, count: int) -> Sequence[Erasure]:
        if self.page_error is not None:
            raise self.page_error
        return await super().after(number, count)


@pytest.fixture
def store(engine: AsyncEngine) -> Flaky:
    return Flaky(engine)


@pytest.fixture
def drawer() -> Drawer:
    return Drawer()


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [
        record.getMessage()
        for record in caplog.records
        if record.name == "emoticon.domain.erasures"
    ]


# -- a tier --------------------------------------------------------------------------------------


async def test_a_tier_that_was_shut_catches_up_when_it_is_open_again(
    store: Flaky, engine: AsyncEngine, drawer: Drawer, caplog: pytest.LogCaptureFixture
) -> None:
    other = Drawer("disk")
    async with following(store, tiers_of(drawer, other)) as followed:
        await drawer.put(label_of(7), PICTURE)
        drawer.shut = True
        await erase(engine, 7, 8)
        await until(lambda: followed.pending() == {"memory": 0, "shared": 2, "disk": 0})
        tried = drawer.tried
        await until(lambda: drawer.tried > tried + 2)
        await settle(engine)
        await until(lambda: other.number == 2)
        assert drawer.number is None
        drawer.shut = False
        await until(lambda: drawer.number == 2)
        assert not drawer.pictures
        assert followed.pending() == {"memory": 0, "shared": 0, "disk": 0}
    assert drawer.forgotten == [(7, 8)] * 2
    assert said(caplog) == [
        f"Pictures of deleted accounts stay in the shared tier: {SHUT!r}",
        "Pictures of deleted accounts leave the shared tier again",
    ]


async def test_a_tier_that_is_shut_at_the_start_prevents_nothing_and_is_asked_later(
    store: Flaky, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 6, 7)
    await settle(engine)
    drawer.number, drawer.shut = 1, True
    other = Drawer("disk")
    async with following(store, tiers_of(drawer, other)) as followed:
        await until(partial(other.has_forgotten, 1))
        assert followed.pending() == {"memory": 0, "shared": 2, "disk": 0}
        drawer.shut = False
        await until(lambda: drawer.number == 2)
    assert drawer.forgotten == [(7,)] * 2


async def test_a_tier_that_cannot_note_its_mark_does_the_page_again(
    store: Flaky, engine: AsyncEngine, caplog: pytest.LogCaptureFixture
) -> None:
    class Unmarked(Drawer):
        unmarked = True

        @override
        async def mark(self, number: int) -> None:
            if self.unmarked:
                self.shut = True
            await super().mark(number)

    drawer = Unmarked()
    await erase(engine, 7)
    await settle(engine)
    async with following(store, tiers_of(drawer)):
        await until(lambda: drawer.shut)
        drawer.unmarked = drawer.shut = False
        await until(lambda: drawer.number == 1)
    assert drawer.forgotten == [(7,)] * 3
    assert len(said(caplog)) == 2


async def test_what_nobody_expected_of_a_tier_is_logged_and_ends_nothing(
    store: Flaky, engine: AsyncEngine, drawer: Drawer, caplog: pytest.LogCaptureFixture
) -> None:
    other = Drawer("disk")
    async with following(store, tiers_of(drawer, other)):
        drawer.error = ZeroDivisionError("a mistake")
        await erase(engine, 7)
        await until(lambda: (7,) in other.forgotten and drawer.tried > 3)
        drawer.error = None
        await until(lambda: (7,) in drawer.forgotten)
    assert said(caplog)[0].endswith("the shared tier: ZeroDivisionError('a mistake')")
    assert len(said(caplog)) == 2


async def test_a_tier_that_hangs_holds_up_no_other(
    store: Flaky, engine: AsyncEngine, drawer: Drawer
) -> None:
    class Hanging(Drawer):
        answers = asyncio.Event()

        @override
        async def forget(self, owners: Sequence[int]) -> int:
            await self.answers.wait()
            return await super().forget(owners)

    hanging = Hanging("disk")
    async with following(store, tiers_of(drawer, hanging)) as followed:
        for count, owner in enumerate((7, 8, 9), 1):
            await erase(engine, owner)
            await until(partial(drawer.has_forgotten, count))
        await until(lambda: followed.pending() == {"memory": 0, "shared": 0, "disk": 3})
        hanging.answers.set()
        await until(lambda: followed.pending()["disk"] == 0)
    assert drawer.forgotten == [(7,), (8,), (9,)]
    assert [owner for page in hanging.forgotten for owner in page] == [7, 8, 9]


# -- the store -----------------------------------------------------------------------------------


async def test_without_the_store_nothing_starts(store: Flaky) -> None:
    store.error = StoreUnavailable()
    followed = Erasures(store, tiers_of(), asyncio.Event(), withdraw=lambda _owner: None)
    with pytest.raises(StoreUnavailable):
        await followed.start()
    await followed.aclose()


@pytest.mark.parametrize("error", [StoreUnavailable(), ZeroDivisionError("a mistake")])
async def test_a_store_that_was_away_is_said_once_and_is_read_again(
    store: Flaky,
    engine: AsyncEngine,
    drawer: Drawer,
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    async with following(store, tiers_of(drawer)):
        store.error = error
        await erase(engine, 7)
        asked = store.asked
        await until(lambda: store.asked > asked + 3)
        assert not drawer.forgotten
        store.error = None
        await until(lambda: drawer.forgotten == [(7,)])
    assert said(caplog) == [
        f"Erasures cannot be read, pictures of deleted accounts stay: {error!r}",
        "Erasures are read again",
    ]


async def test_a_store_that_goes_away_between_two_questions_loses_nothing(
    store: Flaky, engine: AsyncEngine, drawer: Drawer
) -> None:
    async with following(store, tiers_of(drawer)) as followed:
        store.page_error = StoreUnavailable()
        await erase(engine, 7)
        asked = store.asked
        await until(lambda: store.asked > asked + 3)
        assert followed.pending() == {"memory": 1, "shared": 1}
        store.page_error = None
        await until(lambda: followed.pending() == {"memory": 0, "shared": 0})
    assert drawer.forgotten == [(7,)]


async def test_nothing_is_asked_but_one_question_for_each_poll_while_nothing_happens(
    store: Flaky, engine: AsyncEngine, drawer: Drawer
) -> None:
    await erase(engine, 7)
    await settle(engine)
    news = asyncio.Event()
    async with following(store, tiers_of(drawer), news=news):
        await until(lambda: drawer.number == 1)
        news.set()
        store.page_error = ZeroDivisionError("it was asked for a page")
        tried, asked = drawer.tried, store.asked
        began_s = asyncio.get_running_loop().time()
        await until(lambda: store.asked > asked + 10)
        took_s = asyncio.get_running_loop().time() - began_s
        assert store.asked - asked <= took_s / SOON_S + 2
        assert drawer.tried == tried


# -- the end -------------------------------------------------------------------------------------


async def test_closing_ends_it_at_any_time_and_may_be_repeated(
    store: Flaky, engine: AsyncEngine, drawer: Drawer, caplog: pytest.LogCaptureFixture
) -> None:
    before = asyncio.all_tasks()
    followed = Erasures(store, tiers_of(drawer), asyncio.Event(), withdraw=lambda _owner: None)
    await followed.aclose()
    await followed.start()
    await followed.aclose()
    await followed.aclose()
    asked = store.asked
    await erase(engine, 7)
    assert asyncio.all_tasks() <= before
    assert store.asked == asked
    assert not said(caplog)
