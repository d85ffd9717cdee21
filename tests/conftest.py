"""Fixtures for all tests."""

import logging
from collections.abc import Iterator

import pytest

pytest_plugins = ("tests.servers", "tests.stores", "tests.valkey")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture(autouse=True)
def level_of_the_log() -> Iterator[None]:
    """Commands that run in this process set it as their environment says; others want to hear warnings."""
    root = logging.getLogger()
    level = root.level
    yield
    root.setLevel(level)
