"""Turns to draw, between nodes over one Valkey."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from tests.adapters.tiers.drawings import key_of
from tests.adapters.tiers.sharing import AGES_S
from tests.valkey import ValkeyServer

from emoticon.adapters.tiers.turns import RedisTurns
from emoticon.adapters.valkey.cluster import Valkey


@pytest.fixture
async def server(empty_valkey: ValkeyServer) -> AsyncIterator[Valkey]:
    opened = Valkey(empty_valkey.url, timeout_s=AGES_S, retry_s=60)
    yield opened
    await opened.aclose()


async def test_one_of_many_nodes_has_the_turn_until_it_gives_it_back(server: Valkey) -> None:
    nodes = [RedisTurns(server) for _ in range(20)]
    taken = await asyncio.gather(*(node.take(key_of(1)) for node in nodes))
    assert taken.count(True) == 1
    assert await nodes[0].take(key_of(2))
    await nodes[taken.index(True)].give_back(key_of(1))
    assert await nodes[taken.index(False)].take(key_of(1))


async def test_nobody_gives_back_the_turn_of_another(server: Valkey) -> None:
    one, other = RedisTurns(server), RedisTurns(server)
    assert await one.take(key_of(1))
    await other.give_back(key_of(1))
    await other.give_back(key_of(2))
    assert not await other.take(key_of(1))


async def test_a_turn_ends_by_itself(server: Valkey, empty_valkey: ValkeyServer) -> None:
    one, other = RedisTurns(server, hold_ms=60_000), RedisTurns(server, hold_ms=60_000)
    assert await one.take(key_of(1))
    name = f"emoticon:turn:{key_of(1).hex()}"
    assert 0 < empty_valkey.call("PTTL", name) <= 60_000
    empty_valkey.call("PEXPIRE", name, 0)
    assert await other.take(key_of(1))
    await one.give_back(key_of(1))
    assert not await one.take(key_of(1))


async def test_everybody_has_the_turn_when_nobody_can_say(
    server: Valkey, empty_valkey: ValkeyServer
) -> None:
    one, other = RedisTurns(server), RedisTurns(server)
    assert await one.take(key_of(1))
    empty_valkey.stop()
    for _ in range(5):
        assert await one.take(key_of(1))
        assert await other.take(key_of(1))
        await one.give_back(key_of(1))
