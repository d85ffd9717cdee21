"""Fixtures for the bulletin in Valkey."""

from collections.abc import AsyncIterator

import pytest
from tests.accounts import ManualClock
from tests.valkey import ValkeyServer

from emoticon.adapters.bulletin.redis import RedisBulletin


@pytest.fixture
def watch() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def bulletin(empty_valkey: ValkeyServer, watch: ManualClock) -> AsyncIterator[RedisBulletin]:
    opened = RedisBulletin(empty_valkey.url, clock=watch)
    yield opened
    await opened.aclose()
