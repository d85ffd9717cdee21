"""Valkey fails under a steady load of pictures over a working set ten times the memory tier."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from tests.valkey import ValkeyServer

from bench.load import on_fast_loop
from bench.picture_load import CLIENTS, PictureLoad, Sample, sign_up_all
from bench.report import Report, percentile
from bench.service import running_nodes, running_service

MEMORY_BYTES = 2**20
WARMING_S = 25.0
STEADY_S = 15.0
OUTAGE_S = 10.0
AFTER_S = 20.0
BACK = 0.9
WINDOW_S = 1.0
STEP_S = 0.1
OK = 200


@dataclass(frozen=True)
class Phase:
    """What was done, and when by `time.perf_counter`; `rate` is of good answers, to that of the steady phase."""

    name: str
    samples: list[Sample]
    rate: float
    back_after_s: float | None = None

    def cells(self) -> list[str]:
        """Return a row of the table."""
        taken_ms = [(sample.received_s - sample.sent_s) * 1000 for sample in self.samples]
        return [
            self.name,
            str(len(self.samples)),
            str(sum(sample.status != OK for sample in self.samples)),
            f"{self.rate:.2f}",
            f"{percentile(taken_ms, 0.5):.1f}",
            f"{percentile(taken_ms, 0.99):.1f}",
            f"{max(taken_ms):.0f}",
            "-" if self.back_after_s is None else f"{self.back_after_s:.1f}",
        ]


async def embedded(port: int) -> tuple[Phase, float]:
    """Return the same load without Valkey, and its rate."""
    load = PictureLoad(port, await sign_up_all(port))
    async with load.running():
        await asyncio.sleep(WARMING_S)
        began_s = time.perf_counter()
        await asyncio.sleep(STEADY_S)
        ended_s = time.perf_counter()
    rate = load.per_s(began_s, ended_s)
    return Phase("embedded mode, steady", load.within(began_s, ended_s), 1), rate


async def measure(port: int, valkey: ValkeyServer) -> tuple[list[Phase], float]:
    """Return the phases of a service with Valkey, and its steady rate."""
    load = PictureLoad(port, await sign_up_all(port))
    phases = []
    async with load.running():
        await asyncio.sleep(WARMING_S)
        began_s = time.perf_counter()
        await asyncio.sleep(STEADY_S)
        steady = load.per_s(began_s, time.perf_counter())
        phases.append(Phase("steady", load.within(began_s, time.perf_counter()), 1))
        for name, begin, end in (
            ("stopped", valkey.stop, valkey.start),
            ("paused", valkey.pause, valkey.resume),
        ):
            phases += await _outage(load, name, begin, end, steady)
    return phases, steady


async def _outage(
    load: PictureLoad,
    name: str,
    begin: Callable[[], object],
    end: Callable[[], object],
    steady: float,
) -> list[Phase]:
    print(f"Valkey {name} ...", file=sys.stderr, flush=True)

    async def lasts(action: Callable[[], object], seconds: float) -> tuple[float, float]:
        done: Awaitable[object] = asyncio.to_thread(action)
        began_s = time.perf_counter()
        await done
        await asyncio.sleep(seconds)
        return began_s, time.perf_counter()

    began_s, ended_s = await lasts(begin, OUTAGE_S)
    away = Phase(
        f"Valkey {name}", load.within(began_s, ended_s), load.per_s(began_s, ended_s) / steady
    )
    began_s, ended_s = await lasts(end, AFTER_S)
    after = Phase(
        "and back",
        load.within(began_s, ended_s),
        load.per_s(began_s, ended_s) / steady,
        _back_after_s(load, began_s, ended_s, steady),
    )
    return [away, after]


def _back_after_s(load: PictureLoad, began_s: float, ended_s: float, steady: float) -> float | None:
    """Return after how long a second began with the rate of before; None when none did."""
    at_s = began_s
    while at_s + WINDOW_S <= ended_s:
        if load.per_s(at_s, at_s + WINDOW_S) >= BACK * steady:
            return at_s - began_s
        at_s += STEP_S
    return None


def run() -> Report:
    """Measure an embedded service, then one with PostgreSQL and Valkey."""
    settings = {"EMOTICON_MEMORY_TIER_BYTES": str(MEMORY_BYTES)}
    with running_service(**settings) as port:
        alone, alone_rate = on_fast_loop(embedded(port))
    with running_nodes(1, with_valkey=True, **settings) as nodes:
        assert nodes.valkey is not None  # noqa: S101 - for the type checker
        phases, rate = on_fast_loop(measure(nodes.ports[0], nodes.valkey))
    return Report(
        "Valkey fails under a load of pictures",
        f"One node, {CLIENTS} clients that never pause, 2400 pictures (100 accounts, 12 sizes, 2 formats; Zipf 0.9),"
        f" ten times what the memory tier of {MEMORY_BYTES >> 20} MiB holds; the others are in Valkey and on disk."
        f" The baseline is embedded mode, without Valkey, under the same load ({alone_rate:.0f} pictures a second; with"
        f" Valkey {rate:.0f}). Each outage lasts {OUTAGE_S:.0f} s. The rate is that of good answers, to the steady one;"
        f" back is the first second after the return with {BACK:g} of it (target: within 15 s); target of errors: 0.",
        ["", "answers", "errors", "rate", "p50, ms", "p99, ms", "slowest, ms", "back after, s"],
        [alone.cells(), *(phase.cells() for phase in phases)],
    )


if __name__ == "__main__":
    print(run().markdown())
