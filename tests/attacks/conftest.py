"""Worlds to attack: shared ones for tests that leave them as they are, and a factory for all others."""

import itertools
import shutil
import tempfile
from collections.abc import Generator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.attacks.world import World, one_node, three_nodes
from tests.servers import PostgresServer


@pytest.fixture(scope="session")
def lone_node(tmp_path_factory: pytest.TempPathFactory) -> Generator[World]:
    """One node on SQLite, left as it is: no settings of its own, nothing broken."""
    with one_node(tmp_path_factory.mktemp("lone-node"), {}) as world:
        yield world
        assert world.nodes[0].service.process.poll() is None, "a test has ended the node"


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory, postgres: PostgresServer) -> Generator[World]:
    """Three nodes on PostgreSQL and Valkey, left as they are."""
    with three_nodes(tmp_path_factory.mktemp("cluster"), postgres, {}) as world:
        yield world
        ended = [node.service.process.poll() for node in world.nodes]
        assert ended == [None] * 3, "a test has ended a node"


@pytest.fixture(params=["one-node-on-sqlite", "three-nodes-on-postgresql-and-valkey"])
def world(request: pytest.FixtureRequest) -> World:
    """Both of the above, one after the other. A test makes accounts of its own."""
    name = "lone_node" if request.param == "one-node-on-sqlite" else "cluster"
    shared: World = request.getfixturevalue(name)
    return shared


@pytest.fixture(scope="session")
def spare_postgres() -> Generator[PostgresServer]:
    """A PostgreSQL for tests that stop it; the world below that asks for it starts it again."""
    directory = Path(tempfile.mkdtemp(prefix="emoticon-"))  # short: the path of a socket has to be
    try:
        with PostgresServer(directory) as server:
            yield server
    finally:
        shutil.rmtree(directory)


@dataclass
class Worlds:
    """Opens worlds for one test, which may do to them what it likes. Keywords are environment variables.

    `with worlds.one(EMOTICON_REFRESH_GRACE_S="0") as world: ...`
    """

    directory: Path
    request: pytest.FixtureRequest
    _numbers: "itertools.count[int]" = field(default_factory=itertools.count)

    def one(self, **environment: str) -> AbstractContextManager[World]:
        """One node on SQLite."""
        return one_node(self._home(), environment)

    def three(self, count: int = 3, /, **environment: str) -> AbstractContextManager[World]:
        """Nodes on PostgreSQL with a Valkey of their own, which may be stopped, paused or emptied."""
        server: PostgresServer = self.request.getfixturevalue("postgres")
        return three_nodes(self._home(), server, environment, count)

    def three_with_own_postgres(self, **environment: str) -> AbstractContextManager[World]:
        """The same, and their PostgreSQL may be stopped, too; it has to run again at the end."""
        server: PostgresServer = self.request.getfixturevalue("spare_postgres")
        return three_nodes(self._home(), server, environment)

    def _home(self) -> Path:
        home = self.directory / f"world-{next(self._numbers)}"
        home.mkdir()
        return home


@pytest.fixture
def worlds(tmp_path: Path, request: pytest.FixtureRequest) -> Worlds:
    """A factory for worlds with settings of their own, or to be broken."""
    return Worlds(tmp_path, request)
