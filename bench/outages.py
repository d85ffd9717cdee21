"""A drill: Valkey, PostgreSQL and a node fail under load, one after the other, and every answer is judged."""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from math import inf

from bench.drill import (
    CHANGE_EVERY_S,
    DEAD_PER_S,
    KINDS,
    OUTSTANDING,
    PICTURES_PER_S,
    PROMISED_S,
    Load,
    Note,
)
from bench.load import on_fast_loop
from bench.report import Report
from bench.service import Nodes, running_nodes

OUTAGE_S = 10.0
NODE_STOPPED_S = 30.0
AFTER_S = 8.0
GAP_S = 1.0
DRAIN_S = 10.0
TOO_LONG_S = 8.0
FAULT = 500


@dataclass
class Phase:
    """What was done to the nodes; the times are those of `time.perf_counter`."""

    name: str
    began_s: float = field(default_factory=time.perf_counter)
    returned_s: float = inf
    ended_s: float = inf
    stood_still: int | None = None


class Drill:
    """Does one thing after the other to nodes under load."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self.load = Load(nodes.ports)
        self.phases: list[Phase] = []

    async def run(self) -> None:
        """Go through all phases."""
        nodes, valkey, postgres = self._nodes, self._nodes.valkey, self._nodes.postgres
        assert valkey is not None  # noqa: S101 - for the type checker
        process = nodes.nodes[1].process
        async with self.load.running():
            await asyncio.sleep(2)
            await self._phase("nothing", None, 0, None)
            await self._phase("Valkey stopped", valkey.stop, OUTAGE_S, valkey.start)
            await self._phase("Valkey emptied", valkey.flush, 0, None)
            await self._phase("Valkey paused", valkey.pause, OUTAGE_S, valkey.resume)
            await self._phase("PostgreSQL stopped", postgres.stop, OUTAGE_S, postgres.start)
            await self._phase(
                "node 2 stopped",
                lambda: process.send_signal(signal.SIGSTOP),
                NODE_STOPPED_S,
                lambda: process.send_signal(signal.SIGCONT),
                stands_still=1,
            )
        await asyncio.sleep(DRAIN_S)  # whatever is not answered by now never will be

    async def _phase(
        self,
        name: str,
        begin: Callable[[], object] | None,
        lasts_s: float,
        end: Callable[[], object] | None,
        *,
        stands_still: int | None = None,
    ) -> None:
        print(f"{name} ...", file=sys.stderr, flush=True)
        phase = Phase(name, stood_still=stands_still)
        self.phases.append(phase)
        if begin is not None:
            await asyncio.to_thread(begin)
        try:
            await asyncio.sleep(lasts_s)
        finally:
            if end is not None:
                await asyncio.to_thread(end)
        phase.returned_s = time.perf_counter()
        await asyncio.sleep(AFTER_S)
        phase.ended_s = time.perf_counter()
        await asyncio.sleep(GAP_S)  # what was sent in this phase is answered before the next


def _cells(drill: Drill, phase: Phase, node: int) -> list[str]:
    notes = [
        note
        for note in drill.load.notes
        if note.node == node and phase.began_s <= note.sent_s < phase.ended_s
    ]
    taken_s = [_taken_s(note, phase) for note in notes]
    bad_until_s = max((note.received_s for note in notes if not note.well), default=None)
    life_ms = max(note.life_s for note in notes) * 1000
    return [
        phase.name,
        str(node + 1),
        *(_statuses(note.status for note in notes if note.kind == kind) for kind in KINDS),
        f"{max(taken_s):.2f}",
        str(sum(seconds > TOO_LONG_S for seconds in taken_s)),
        str(sum(note.status == FAULT for note in notes)),
        str(sum(note.revived for note in notes)),
        f"{life_ms:.0f}" if life_ms > 0 else "-",
        "-" if bad_until_s is None else f"{max(0.0, bad_until_s - phase.returned_s):.1f}",
    ]


def _taken_s(note: Note, phase: Phase) -> float:
    """Return how long the answer took; a node that stood still is given the time from when it went on."""
    stood_still = (
        note.node == phase.stood_still and note.sent_s < phase.returned_s < note.received_s
    )
    return note.received_s - (phase.returned_s if stood_still else note.sent_s)


def _statuses(statuses: Iterable[int]) -> str:
    counts = sorted(Counter(statuses).items())
    return ", ".join(f"{count} x {status or 'cut off'}" for status, count in counts) or "-"


def _say_errors(nodes: Nodes) -> None:
    """Print what the nodes logged as errors: a 500 is found there."""
    for number, node in enumerate(nodes.nodes, 1):
        for line in node.log.read_text(encoding="utf-8").splitlines():
            if '"level": "warning"' not in line and '"level": "info"' not in line:
                print(f"node {number}: {line}", file=sys.stderr)


async def measure(nodes: Nodes) -> Drill:
    """Drill."""
    drill = Drill(nodes)
    await drill.run()
    return drill


def run() -> Report:
    """Measure on three nodes of its own."""
    with running_nodes(with_valkey=True) as nodes:
        drill = on_fast_loop(measure(nodes))
        _say_errors(nodes)
    rows = [_cells(drill, phase, node) for phase in drill.phases for node in drill.load.nodes]
    return Report(
        "Outages",
        "Three nodes on PostgreSQL and Valkey under a steady load, while one thing after the other fails for"
        f" {OUTAGE_S:.0f} s, a node for {NODE_STOPPED_S:.0f} s; each phase goes on for {AFTER_S:.0f} s after that. Each"
        f" node is asked for {PICTURES_PER_S} pictures a second with a good token and for {DEAD_PER_S} with dead ones."
        f" {CHANGE_EVERY_S:g} s after each answer it gets another sign-in, another refresh, and a sign-in or sign-out"
        " in turn; each token that comes of it is tried on all nodes at once. A node that owes"
        f" {OUTSTANDING} answers of a kind is asked for no more. Revived is a dead token that was good again after its"
        f" first 401 on that node, or {PROMISED_S:.0f} s after the answer that ended it. Dead but good: how long after"
        " that answer a token was still sent and found good. Well again: how long after the return the last answer came"
        " that was not as always. A node that stood still is given the time from when it went on."
        f" **{drill.load.owed} requests were never answered.**",
        [
            *("", "node", *KINDS, "slowest, s", f"over {TOO_LONG_S:.0f} s", "500", "revived"),
            *("dead but good, ms", "well again after, s"),
        ],
        rows,
    )


if __name__ == "__main__":
    print(run().markdown())
