"""A node over either database, and its clock."""

import time
from collections.abc import AsyncGenerator

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, PASSWORD, Node, new_node

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.domain.models import TokenPair
from emoticon.domain.sessions import TokenPolicy


@pytest.fixture
def clock() -> ManualClock:
    """Stands at the time of the database, which has a clock of its own."""
    return ManualClock(time.time_ns() // 1_000_000)


@pytest.fixture
def bulletin() -> LocalBulletin:
    return LocalBulletin()


@pytest.fixture
async def node(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> AsyncGenerator[Node]:
    """A node that follows the others on `bulletin`."""
    opened = new_node(engine, clock, bulletin)
    await opened.revocation.start()
    yield opened
    await opened.revocation.aclose()


@pytest.fixture(params=list(TokenPolicy))
async def node_by_policy(
    request: pytest.FixtureRequest, engine: AsyncEngine, clock: ManualClock
) -> AsyncGenerator[Node]:
    """A node under each policy."""
    opened = new_node(engine, clock, LocalBulletin(), policy=request.param)
    await opened.revocation.start()
    yield opened
    await opened.revocation.aclose()


@pytest.fixture
async def alice(node: Node) -> TokenPair:
    """Somebody who has just signed up on `node`."""
    return await node.accounts.sign_up("alice", PASSWORD, ORIGIN)
