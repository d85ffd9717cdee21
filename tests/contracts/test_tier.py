"""What every Tier does. A new one joins by a line in KINDS."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accounts import ManualClock
from tests.adapters.tiers.drawings import drawn, key_of

from emoticon.adapters.tiers.disk import DiskTier
from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.models import Format, Picture
from emoticon.domain.pictures import KEPT_PX, picture
from emoticon.domain.ports import Tier

LIMIT_BYTES = 1 << 20
LARGE_BYTES = 100_000


@dataclass(frozen=True)
class Kind:
    """How a tier of LIMIT_BYTES is opened in an empty place, made to finish its writes, and measured."""

    title: str
    open: Callable[[Path], Tier]
    settle: Callable[[Any], Awaitable[None]]
    used_bytes: Callable[[Any], int]


async def nothing(_tier: Tier) -> None:
    """Tiers that write at once have nothing to finish."""


def disk_used_bytes(tier: DiskTier) -> int:
    file_bytes = tier._path.stat().st_size if tier._path.exists() else 0
    return max(file_bytes, tier.stats().bytes)


KINDS = [
    Kind("memory", lambda _: MemoryTier(LIMIT_BYTES), nothing, lambda tier: tier.used_bytes),
    Kind(
        "disk",
        lambda path: DiskTier(
            path / "pictures.db", max_bytes=LIMIT_BYTES, clock=ManualClock(), min_free_fraction=0
        ),
        DiskTier.flush,
        disk_used_bytes,
    ),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.title)
def kind(request: pytest.FixtureRequest) -> Kind:
    return cast("Kind", request.param)


@pytest.fixture
async def tier(kind: Kind, tmp_path: Path) -> AsyncIterator[Tier]:
    opened = kind.open(tmp_path)
    yield opened
    await opened.aclose()


async def test_it_has_the_name_of_its_kind(kind: Kind, tier: Tier) -> None:
    assert tier.name == kind.title


async def test_an_unknown_key_is_none(tier: Tier) -> None:
    assert await tier.get(key_of(1)) is None
    await tier.put(key_of(2), drawn(2), owner=1)
    assert await tier.get(key_of(1)) is None


async def test_what_was_put_is_found_at_once_and_after_the_writes_are_finished(
    kind: Kind, tier: Tier
) -> None:
    await tier.put(key_of(1), drawn(1), owner=1)
    assert await tier.get(key_of(1)) == drawn(1)
    await kind.settle(tier)
    assert await tier.get(key_of(1)) == drawn(1)


@pytest.mark.parametrize("picture_format", Format)
async def test_every_format_and_every_kept_size_comes_back_equal(
    kind: Kind, tier: Tier, picture_format: Format
) -> None:
    pictures = {
        key_of(size_px): drawn(size_px, 500, picture_format, size_px) for size_px in KEPT_PX
    }
    for key, put in pictures.items():
        await tier.put(key, put, owner=0)
    await kind.settle(tier)
    assert {key: await tier.get(key) for key in pictures} == pictures


@pytest.mark.parametrize("size_bytes", [0, 1, 16_000, 16_384, LARGE_BYTES])
async def test_a_picture_of_any_length_up_to_a_tenth_of_the_limit_comes_back_equal(
    kind: Kind, tier: Tier, size_bytes: int
) -> None:
    await tier.put(key_of(1), drawn(1, size_bytes), owner=1)
    await kind.settle(tier)
    assert await tier.get(key_of(1)) == drawn(1, size_bytes)


async def test_a_picture_beyond_the_limit_is_not_kept_and_does_no_harm(
    kind: Kind, tier: Tier
) -> None:
    await tier.put(key_of(1), drawn(1), owner=1)
    await tier.put(key_of(2), drawn(2, LIMIT_BYTES + 1), owner=1)
    await kind.settle(tier)
    assert await tier.get(key_of(2)) is None
    assert await tier.get(key_of(1)) == drawn(1)


async def test_the_last_picture_put_under_a_key_is_the_one_found(kind: Kind, tier: Tier) -> None:
    for number in (1, 2):
        await tier.put(key_of(1), drawn(number), owner=number)
        await kind.settle(tier)
    await tier.put(key_of(1), drawn(3), owner=3)
    await tier.put(key_of(1), drawn(4), owner=4)
    await kind.settle(tier)
    assert await tier.get(key_of(1)) == drawn(4)


async def test_many_at_once_get_their_own_pictures(kind: Kind, tier: Tier) -> None:
    async def use(number: int) -> bool:
        key, own = key_of(number % 50), drawn(number % 50, 700)
        await tier.put(key, own, owner=number)
        if number % 7 == 0:
            await kind.settle(tier)
        return await tier.get(key) == own

    assert all(await asyncio.gather(*(use(number) for number in range(200))))


async def test_closing_twice_and_at_once_is_closing(kind: Kind, tmp_path: Path) -> None:
    tier = kind.open(tmp_path)
    await tier.put(key_of(1), drawn(1), owner=1)
    await asyncio.gather(tier.aclose(), tier.aclose())
    await tier.aclose()


async def test_a_tier_that_was_never_used_can_be_closed(kind: Kind, tmp_path: Path) -> None:
    await kind.open(tmp_path).aclose()


async def test_a_closed_tier_finds_nothing_or_says_that_it_is_unavailable(
    kind: Kind, tmp_path: Path
) -> None:
    tier = kind.open(tmp_path)
    await tier.put(key_of(1), drawn(1), owner=1)
    await tier.aclose()
    found = None
    with suppress(TierUnavailable):
        found = await tier.get(key_of(1))
    assert found is None


sizes = st.sampled_from([0, 4, 3000, 16_384, 50_000, LARGE_BYTES])  # integers would be small ones
put = st.tuples(st.just("put"), st.integers(0, 60), sizes)
get = st.tuples(st.just("get"), st.integers(0, 60), st.just(0))
settle = st.tuples(st.just("settle"), st.just(0), st.just(0))


def test_it_never_invents_a_picture_and_never_passes_its_limit(kind: Kind, tmp_path: Path) -> None:
    reached: set[str] = set()
    places = (tmp_path / str(n) for n in itertools.count())

    async def holds(steps: list[tuple[str, int, int]]) -> None:
        tier = kind.open(next(places))
        ever: dict[bytes, list[Picture]] = {}
        total_bytes = 0
        for number, (step, name, size_bytes) in enumerate(steps):
            key = key_of(name)
            if step == "put":
                new = picture(number.to_bytes(4, "big") * (size_bytes // 4), Format.PNG, 64)
                ever.setdefault(key, []).append(new)
                total_bytes += size_bytes
                await tier.put(key, new, owner=name)
            elif step == "get":
                found = await tier.get(key)
                assert found in [None, *ever.get(key, ())]
                if key in ever:
                    reached.add("found" if found else "forgotten")
            else:
                await kind.settle(tier)
                assert kind.used_bytes(tier) <= LIMIT_BYTES
                if total_bytes > 1.5 * LIMIT_BYTES:
                    reached.add("full")
        await tier.aclose()

    @settings(max_examples=25, deadline=None)
    @given(st.lists(st.one_of(put, put, get, settle), min_size=150, max_size=250))
    def holds_for_all(steps: list[tuple[str, int, int]]) -> None:
        asyncio.run(holds(steps))

    holds_for_all()
    assert reached == {"found", "forgotten", "full"}
