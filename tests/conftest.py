"""Fixtures for all tests."""

import pytest

pytest_plugins = ("tests.servers", "tests.stores", "tests.valkey")


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"
