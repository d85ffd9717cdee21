"""The containers of docker-compose.yml, started once with each docker-compose that is here."""

from collections.abc import Generator

import pytest
from tests.containers.client import Person
from tests.containers.composing import Compose, running, works


@pytest.fixture(scope="session", params=["docker-compose", "docker compose"])
def compose(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Generator[Compose]:
    """A running stack, from a clean clone; nothing of it stays."""
    command = request.param.split()
    if not works(command):
        pytest.skip(f"there is no {request.param} here")
    with running(command, tmp_path_factory.mktemp("emoticon-containers")) as stack:
        yield stack


@pytest.fixture
def person(compose: Compose) -> Person:
    """A new account, signed in."""
    return Person.new(compose.base)
