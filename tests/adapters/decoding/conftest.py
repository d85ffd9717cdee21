"""Decoders over real processes."""

import os
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import pyvips

from emoticon.adapters.decoding.decoder import ProcessDecoder

ROGUE = Path(__file__).with_name("rogue.py")
MEASURED = {name: value for name, value in os.environ.items() if name.startswith("COVERAGE_")}
"""What a measurement of the coverage needs in the environment of another process; else nothing."""


_OTHERS: set[psutil.Process] = set()
"""Nurseries of services that this process runs for other tests."""


@pytest.fixture(autouse=True, scope="module")
def others() -> None:
    _OTHERS.clear()
    _OTHERS.update(nurseries())


@pytest.fixture(scope="module")
async def decoder() -> AsyncIterator[ProcessDecoder]:
    # Other processes of this machine may take their time.
    decoder = ProcessDecoder(environment=MEASURED, cpu_s=20, deadline_s=120)
    yield decoder
    await decoder.aclose()


@pytest.fixture
async def rogue() -> AsyncIterator[Callable[..., ProcessDecoder]]:
    """Makes decoders whose processes do as `rogue.py` says instead of decoding."""
    made = []

    def make(conduct: str, **options: Any) -> ProcessDecoder:
        command = (sys.executable, str(ROGUE), conduct)
        made.append(ProcessDecoder(nursery=command, environment=MEASURED, **options))
        return made[-1]

    yield make
    for decoder in made:
        await decoder.aclose()


def opened(webp: bytes) -> Any:
    """The picture that a decoder has made."""
    assert webp[8:12] == b"WEBP"
    return pyvips.Image.webpload_buffer(webp)


def nurseries() -> list[psutil.Process]:
    """The nurseries that these tests have started."""
    return [
        child
        for child in psutil.Process().children()
        if child not in _OTHERS and running(child) and _is_nursery(child.cmdline())
    ]


def _is_nursery(command: list[str]) -> bool:
    return any("decoding.nursery" in word or word == str(ROGUE) for word in command)


def running(process: psutil.Process) -> bool:
    """Say whether a process has not ended; who is to be told of its end may be slow."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@contextmanager
def nothing_left() -> Iterator[None]:
    """Assert that no file and no process is left of what is done inside."""
    process = psutil.Process()
    files, children = process.num_fds(), set(process.children(recursive=True))
    yield
    assert process.num_fds() == files
    assert set(process.children(recursive=True)) <= children
