"""A bulletin in Valkey, and what its tests wait for."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.valkey import ValkeyServer

from emoticon.domain.errors import BulletinUnavailable
from emoticon.domain.models import Change


async def hear(changes: AsyncIterator[Change]) -> Change:
    """Return the next change that is heard."""
    async with asyncio.timeout(5):
        return await anext(changes)


async def expect_unavailable(waiting: Awaitable[object]) -> str:
    """Return what BulletinUnavailable says."""
    with pytest.raises(BulletinUnavailable) as caught:
        await waiting
    return str(caught.value)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds that the server is asked about."""
    async with asyncio.timeout(5):
        while not await asyncio.to_thread(holds):
            pass


async def until_listened_to(server: ValkeyServer) -> None:
    """Wait until a listener waits for the server's answer."""
    await until(lambda: b"cmd=xread " in server.call("CLIENT", "LIST"))


def connections_of(server: ValkeyServer) -> set[bytes]:
    """Return the ids of all connections but the one that asks."""
    lines: list[bytes] = server.call("CLIENT", "LIST").splitlines()
    return {line.split()[0] for line in lines if b"cmd=client|list" not in line}


@contextmanager
def took_at_most(seconds: float) -> Iterator[None]:
    """State how long the body takes."""
    began = time.perf_counter()
    yield
    assert time.perf_counter() - began < seconds
