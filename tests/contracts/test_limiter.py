"""What every Limiter does, asked through two nodes that count together: nodes in one process are the same object."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator

import pytest
from tests.valkey import ValkeyServer

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.limiter.local import LocalLimiter
from emoticon.adapters.limiter.redis import RedisLimiter
from emoticon.domain.models import Limit
from emoticon.domain.ports import Limiter

FIVE = Limit("password", count=5, window_s=60)
ONCE = Limit("once", count=1, window_s=60)

Nodes = tuple[Limiter, Limiter]


@pytest.fixture(params=["local", "redis"])
async def nodes(request: pytest.FixtureRequest) -> AsyncIterator[Nodes]:
    if request.param == "local":
        local = LocalLimiter(SystemClock())
        yield local, local
        await local.aclose()
        return
    server: ValkeyServer = request.getfixturevalue("empty_valkey")
    one, other = (RedisLimiter(server.url, SystemClock(), timeout_s=10) for _ in range(2))
    yield one, other
    await one.aclose()
    await other.aclose()


async def test_as_many_as_the_limit_says_may_be_made_and_no_more(nodes: Nodes) -> None:
    turns = itertools.cycle(nodes)
    waits = [await next(turns).hit(FIVE, "key") for _ in range(9)]
    assert waits[:5] == [0] * 5
    assert all(1 <= wait_s <= 60 for wait_s in waits[5:])
    assert 55 <= waits[5] <= 60


@pytest.mark.parametrize("round_", range(3))
async def test_of_a_hundred_at_once_only_five_pass(nodes: Nodes, round_: int) -> None:
    attempts = (node.hit(FIVE, f"key {round_}") for node in nodes for _ in range(50))
    assert sum(wait_s == 0 for wait_s in await asyncio.gather(*attempts)) == 5


async def test_the_window_moves_the_wait_is_enough_and_who_keeps_trying_waits_no_longer(
    nodes: Nodes,
) -> None:
    limit = Limit("short", count=3, window_s=1)
    one, other = nodes
    began = time.monotonic()
    assert await one.hit(limit, "key") == 0
    await asyncio.sleep(0.5)
    assert [await other.hit(limit, "key"), await one.hit(limit, "key")] == [0, 0]
    assert await other.hit(limit, "key") == 1
    enough_at = time.monotonic() + 1
    asked_at = began
    while await other.hit(limit, "key"):
        assert asked_at < enough_at
        await asyncio.sleep(0.01)
        asked_at = time.monotonic()
    assert time.monotonic() - began >= 0.99  # clocks of a millisecond, and a tick of the loop
    assert await other.hit(limit, "key") == 1


async def test_names_and_keys_of_any_characters_are_counted_apart(nodes: Nodes) -> None:
    parts = ["", "a", "a:b", "b", ":", "a/b", "/", "1/1/second", "'", '"', "\\", "\\'", ", ", "*"]
    parts += [
        "{a}",
        "%s",
        "\x00",
        "\n",
        "\r\nFLUSHALL\r\n",
        "é",
        "e\u0301",
        "😀",
        "\ud800",
        "a" * 9999,
    ]
    pairs = [(Limit(name, 1, 60), key) for name in parts for key in parts]
    assert [await nodes[0].hit(limit, key) for limit, key in pairs] == [0] * len(pairs)
    assert all([await nodes[1].hit(limit, key) for limit, key in pairs])


async def test_limits_of_one_name_with_other_numbers_are_counted_apart(nodes: Nodes) -> None:
    limits = [Limit("a", 1, 60), Limit("a", 1, 61), Limit("a", 11, 60)]
    assert [await nodes[0].hit(limit, "key") for limit in limits] == [0, 0, 0]


async def test_clearing_forgets_this_key_of_this_limit_only(nodes: Nodes) -> None:
    others = [(FIVE, "other"), (Limit("other", 5, 60), "key")]
    for limit, key in [(FIVE, "key"), *others]:
        for _ in range(5):
            assert await nodes[0].hit(limit, key) == 0
    await nodes[0].clear(FIVE, "key")
    assert await nodes[1].hit(FIVE, "key") == 0
    assert [await nodes[0].hit(FIVE, "key") == 0 for _ in range(5)] == [True] * 4 + [False]
    assert all([await nodes[1].hit(limit, key) for limit, key in others])


async def test_clearing_what_was_never_counted_is_nothing(nodes: Nodes) -> None:
    await nodes[0].clear(ONCE, "key")
    assert await nodes[0].hit(ONCE, "key") == 0


async def test_closing_twice_and_unused_is_closing(nodes: Nodes) -> None:
    await nodes[0].hit(ONCE, "key")
    for node in (*nodes, *nodes):
        await node.aclose()
