"""The figures of all workers of one service, whichever of them is asked.

Each writes its own into a file of a directory that they share, once a second and when it is asked. A worker that has
died stays counted: the one that takes its place goes on from its file.
"""

import asyncio
import fcntl
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Final

from prometheus_client import generate_latest
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from typing_extensions import override

log = logging.getLogger(__name__)

PAUSE_S: Final = 1.0
_GAUGE: Final = "gauge"
_WORKER: Final = "worker"


class Siblings:
    """Counters and histograms are sums over all workers, also dead ones; gauges have a label `worker`, a number.

    A place is a lock and a file. Whose lock is free is dead, however it ended. `own` reads the figures of this worker.
    """

    def __init__(self, directory: Path, own: Callable[[], Iterable[Metric]]) -> None:
        self._directory = directory
        self._own = own

    @asynccontextmanager
    async def joined(self) -> AsyncIterator[Callable[[], bytes]]:
        """Take a place for as long as this lasts; yields what reads the figures of all."""
        place, lock = self._take_place()
        before = written = [family for family in self._read(place) if family.type != _GAUGE]

        def text() -> bytes:
            nonlocal written
            own = summed([*before, *numbered(self._own(), place)])
            if self._write(place, _text(own)):
                written = [family for family in own if family.type != _GAUGE]
            # What the others have not read of this worker, it does not say either: sums would go up and down.
            gauges = [family for family in own if family.type == _GAUGE]
            return _text(summed([*written, *gauges, *self._others(place)]))

        writing = asyncio.create_task(_repeat(text))
        try:
            yield text
        finally:
            writing.cancel()
            with suppress(asyncio.CancelledError):
                await writing
            text()  # what came last
            os.close(lock)

    def _take_place(self) -> tuple[int, int]:
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        place = 0
        while not _locked(lock := self._new_lock(place), fcntl.LOCK_EX):
            os.close(lock)
            place += 1
        return place, lock

    def _others(self, own_place: int) -> Iterator[Metric]:
        place = 0
        while (path := self._lock(place)).exists():
            if place != own_place:
                lock = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
                # A lock that is shared for this moment keeps no one from asking, and a new worker takes the next place.
                dead = _locked(lock, fcntl.LOCK_SH)
                os.close(lock)
                yield from (
                    family for family in self._read(place) if not dead or family.type != _GAUGE
                )
            place += 1

    def _read(self, place: int) -> list[Metric]:
        try:
            text = self._file(place).read_text(encoding="utf-8")
        except FileNotFoundError:
            return []
        return list(text_string_to_metric_families(text))

    def _write(self, place: int, text: bytes) -> bool:
        new = self._file(place).with_suffix(".new")
        try:
            new.write_bytes(text)
            new.replace(self._file(place))
        except OSError as error:
            log.warning("The figures of this worker cannot be written: %s", error)
            return False
        return True

    def _new_lock(self, place: int) -> int:
        return os.open(self._lock(place), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)

    def _lock(self, place: int) -> Path:
        return self._directory / f"worker-{place}.lock"

    def _file(self, place: int) -> Path:
        return self._directory / f"worker-{place}.prom"


def alone(own: Iterable[Metric]) -> bytes:
    """Return the figures of the only worker in the text format."""
    return _text(numbered(own, 0))


def numbered(families: Iterable[Metric], place: int) -> Iterator[Metric]:
    """Say of gauges whose they are."""
    for family in families:
        if family.type == _GAUGE:
            family.samples = [
                sample._replace(labels={**sample.labels, _WORKER: str(place)})
                for sample in family.samples
            ]
        yield family


def summed(families: Iterable[Metric]) -> list[Metric]:
    """Put families of one name together, and add up samples of the same labels."""
    together: dict[str, Metric] = {}
    values: dict[str, dict[tuple[str, frozenset[tuple[str, str]]], float]] = {}
    for family in families:
        together.setdefault(
            family.name, Metric(family.name, family.documentation, family.type, family.unit)
        )
        sums = values.setdefault(family.name, {})
        for sample in family.samples:
            key = sample.name, frozenset(sample.labels.items())
            sums[key] = sums.get(key, 0.0) + sample.value
    for name, family in together.items():
        for (sample_name, labels), value in values[name].items():
            family.add_sample(sample_name, dict(labels), value)
    return list(together.values())


class _Given(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    @override
    def collect(self) -> Iterable[Metric]:
        return self._families


def _text(families: Iterable[Metric]) -> bytes:
    return generate_latest(_Given(families))


def _locked(lock: int, kind: int) -> bool:
    """Try to lock; say whether it could be, which lasts until the descriptor is closed."""
    try:
        fcntl.flock(lock, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


async def _repeat(call: Callable[[], object]) -> None:
    while True:
        call()
        await asyncio.sleep(PAUSE_S)
