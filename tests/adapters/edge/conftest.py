"""Edges as files on a tmpfs."""

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from tests.accounts import ManualClock
from tests.nginx import public_directory

from emoticon.adapters.edge.files import FileEdge

OpenEdge = Callable[..., FileEdge]


@pytest.fixture
def directory() -> Iterator[Path]:
    """A directory on a tmpfs."""
    with public_directory() as made:
        yield made


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def open_edge(directory: Path, clock: ManualClock) -> AsyncIterator[OpenEdge]:
    """Make edges on one directory; they are closed after the test."""
    opened: list[FileEdge] = []

    def open_one(max_bytes: int = 1 << 20) -> FileEdge:
        opened.append(FileEdge(directory, max_bytes=max_bytes, clock=clock))
        return opened[-1]

    yield open_one
    for edge in opened:
        await edge.aclose()


@pytest.fixture
async def edge(open_edge: OpenEdge) -> FileEdge:
    """One that has begun, with a lease for this window."""
    started = open_edge()
    await started.start()
    started.renew()
    return started
