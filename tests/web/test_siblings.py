"""Facts about the figures of several workers."""

import asyncio
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Self

import psutil
import pytest
from httpx2 import Client
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from tests.e2e.conftest import SECRET, Service
from tests.valkey import ValkeyServer

from emoticon.web.siblings import Siblings

TOKEN = "a-token-for-metrics-alone"
WAIT_S = 30

Samples = dict[tuple[str, ...], float]


def samples(text: str) -> Samples:
    """Return the figures by name and the values of labels, in the order of their names."""
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


class Worker:
    """Counts what it is told to."""

    def __init__(self, directory: Path) -> None:
        self.counted = 0.0
        self._joined = Siblings(directory, self._own).joined()

    def _own(self) -> Iterable[Metric]:
        yield CounterMetricFamily("asked", "About", self.counted)
        yield GaugeMetricFamily("open", "About", self.counted)

    async def __aenter__(self) -> Self:
        self._text: Callable[[], bytes] = await self._joined.__aenter__()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._joined.__aexit__(None, None, None)

    def ask(self) -> Samples:
        return samples(self._text().decode())


async def test_counters_are_added_up_and_gauges_say_whose_they_are(tmp_path: Path) -> None:
    async with Worker(tmp_path) as first, Worker(tmp_path) as second:
        first.counted, second.counted = 3, 4
        first.ask()
        assert second.ask() == {
            ("asked_total",): 7,
            ("open", "0"): 3,
            ("open", "1"): 4,
        }


async def test_what_one_that_has_ended_counted_last_stays_and_its_gauges_go(tmp_path: Path) -> None:
    async with Worker(tmp_path) as first:
        async with Worker(tmp_path) as second:
            second.counted = 4
        assert first.ask() == {("asked_total",): 4, ("open", "0"): 0}


async def test_a_new_worker_takes_the_place_of_the_dead_one_and_counts_on(tmp_path: Path) -> None:
    async with Worker(tmp_path) as first:
        first.counted = 5
    async with Worker(tmp_path) as heir:
        assert heir.ask() == {("asked_total",): 5, ("open", "0"): 0}
        heir.counted = 2
        assert heir.ask() == {("asked_total",): 7, ("open", "0"): 2}
    assert len(list(tmp_path.glob("*.prom"))) == 1  # noqa: ASYNC240 - nothing waits for it


async def test_figures_are_written_also_when_nobody_asks(tmp_path: Path) -> None:
    async with Worker(tmp_path) as first, Worker(tmp_path) as second:
        first.counted = 9
        async with asyncio.timeout(WAIT_S):
            while second.ask()["asked_total",] != 9:  # noqa: ASYNC110 - it is told by files alone
                await asyncio.sleep(0.05)


async def test_where_they_cannot_be_written_counters_stand_still_instead_of_going_up_and_down(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with Worker(tmp_path) as first, Worker(tmp_path) as second:
        first.counted = 1
        assert first.ask()["asked_total",] == 1
        (tmp_path / "worker-0.new").mkdir()  # so that not even root can write it
        first.counted = 2
        assert first.ask()["asked_total",] == 1
        assert second.ask()["asked_total",] == 1
        assert first.ask()["open", "0"] == 2
        (tmp_path / "worker-0.new").rmdir()
        assert first.ask()["asked_total",] == 2
    assert "cannot be written" in caplog.text


@pytest.fixture
def environment(empty_valkey: ValkeyServer, postgres_database: str) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres_database,
        "JWT_SECRET": SECRET,
        "REDIS_URL": empty_valkey.url,
        "EMOTICON_WORKERS": "2",
        "EMOTICON_METRICS_TOKEN": TOKEN,
    }


def scrape(service: Service) -> Samples:
    with service.client() as client:  # a new connection, so that any worker may take it
        answer = client.get("/metrics", headers={"Authorization": f"Bearer {TOKEN}"})
    assert answer.status_code == 200, answer.text
    return samples(answer.text)


def scrape_until(service: Service, good: Callable[[Samples], bool]) -> list[Samples]:
    """Scrape until it is good; counters never go back on the way."""
    found = [scrape(service)]
    ends_at = time.monotonic() + WAIT_S
    while not good(found[-1]):
        assert time.monotonic() < ends_at, found[-1]
        found.append(scrape(service))
        for key, value in found[-2].items():
            if key[0].startswith("emoticon_") and key[0].endswith(("_total", "_count", "_bucket")):
                assert found[-1][key] >= value, key
    return found


def workers(found: Samples) -> set[str]:
    return {key[1] for key in found if key[0] == "process_resident_memory_bytes"}


def sign_up(client: Client, username: str) -> None:
    body = {"username": username, "password": "seven green boats at noon"}
    assert client.post("/auth/sign-up", json=body).status_code == 201


def test_any_worker_answers_for_all_and_a_killed_one_stays_counted(
    tmp_path: Path, environment: dict[str, str]
) -> None:
    signed_up = ("emoticon_http_requests_total", "POST", "/auth/sign-up", "2xx")
    with Service(tmp_path, environment) as service:
        scrape_until(service, lambda found: len(workers(found)) == 2)
        for number in range(6):
            with service.client() as client:
                sign_up(client, f"person-{number}")
        scrape_until(service, lambda found: found.get(signed_up) == 6)
        supervisor = psutil.Process(service.process.pid)
        before = {
            child.pid
            for child in supervisor.children()
            if "spawn_main" in " ".join(child.cmdline())
        }
        victim = psutil.Process(min(before))
        victim.send_signal(signal.SIGKILL)
        psutil.wait_procs([victim], timeout=WAIT_S)
        for number in range(6, 9):
            with service.client() as client:
                sign_up(client, f"person-{number}")
        found = scrape_until(
            service,
            lambda found: found.get(signed_up) == 9 and workers(found) == {"0", "1"},
        )[-1]
        assert found["emoticon_http_request_seconds_count", "POST", "/auth/sign-up"] == 9
        assert list(tmp_path.glob("figures-*/worker-*.prom"))
    assert not list(tmp_path.glob("figures-*"))
