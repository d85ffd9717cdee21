"""A node over either database, and its clock."""

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, PASSWORD, Node, new_node
from tests.domain.sharing import Place, new_place
from tests.domain.switches import Radio, Written
from tests.domain.uploading import Shelf, originals_of

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.domain.models import TokenPair
from emoticon.domain.originals import Originals
from emoticon.domain.sessions import TokenPolicy


@pytest.fixture
def clock() -> ManualClock:
    """Stands at a whole second, about the time of the database, which has a clock of its own."""
    return ManualClock(int(time.time()) * 1000)


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


@pytest.fixture
def store(engine: AsyncEngine) -> Written:
    return Written(engine)


@pytest.fixture
def radio(bulletin: LocalBulletin) -> Radio:
    return Radio(bulletin)


@pytest.fixture
async def other(
    engine: AsyncEngine, clock: ManualClock, radio: Radio, store: Written
) -> AsyncGenerator[Node]:
    """A second node, which the test starts."""
    opened = new_node(engine, clock, radio, floor_store=store)
    yield opened
    await opened.revocation.aclose()


@pytest.fixture
async def place(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin
) -> AsyncGenerator[Place]:
    """A node with share links and public accounts."""
    opened = new_place(engine, clock, bulletin)
    await opened.node.revocation.start()
    yield opened
    await opened.node.revocation.aclose()


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """Where uploaded pictures are kept, and where the test may hold them up."""
    return Shelf(tmp_path / "blobs")


@pytest.fixture
async def originals(
    node: Node, engine: AsyncEngine, shelf: Shelf, clock: ManualClock
) -> AsyncGenerator[Originals]:
    """Uploads of `node`."""
    opened = originals_of(node, engine, shelf, clock)
    yield opened
    shelf.opens.set()
    await opened.aclose()
