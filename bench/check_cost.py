"""What the check of a token costs where it is dearest: before a picture that is in memory."""

import asyncio
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import psutil

from bench.load import Answer, Pool, on_fast_loop
from bench.report import Report
from bench.service import Node, emoticon, running, sign_up

KINDS = ("checked", "unchecked", "unremembered")
ROUNDS = 24
ROUND_S = 1.0
CLIENTS = 8
TARGET = 0.95
OK = 200


class Build:
    """A running service and a picture to ask it for."""

    def __init__(self, node: Node) -> None:
        self._pool = Pool(node.port, CLIENTS)
        self._process = psutil.Process(node.process.pid)
        self._wanted = b""

    async def begin(self) -> None:
        """Make an account."""
        answer = await self._pool.exchange(sign_up("watcher"))
        # With a parameter that nobody reads: the edge would answer without a check.
        self._wanted = emoticon("watcher", answer.body).replace(b"?", b"?around=edge&", 1)

    async def per_cpu_second(self, seconds: float) -> float:
        """Ask without pause; return pictures for each second of the service's CPU."""
        pictures, running_still, stop_at = 0, CLIENTS, time.perf_counter() + seconds
        finished = asyncio.Event()
        statuses = set[int]()

        def go_on(answer: Answer) -> None:
            nonlocal pictures, running_still
            pictures += 1
            statuses.add(answer.status)
            if answer.received_s < stop_at:
                self._pool.ask(self._wanted, go_on)
                return
            running_still -= 1
            if not running_still:
                finished.set()

        before_s = self._cpu_s()
        for _ in range(CLIENTS):
            self._pool.ask(self._wanted, go_on)
        await finished.wait()
        spent_s = self._cpu_s() - before_s
        if statuses != {OK}:
            raise RuntimeError(f"a picture answered {statuses}")
        return pictures / spent_s

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


async def measure(nodes: dict[str, Node]) -> list[dict[str, float]]:
    """Let the builds take turns, each round in the other order."""
    builds = {kind: Build(node) for kind, node in nodes.items()}
    for build in builds.values():
        await build.begin()
        await build.per_cpu_second(ROUND_S)
    rounds = []
    for number in range(ROUNDS):
        order = KINDS if number % 2 else KINDS[::-1]
        rounds.append({kind: await builds[kind].per_cpu_second(ROUND_S) for kind in order})
        print({kind: round(rounds[-1][kind]) for kind in KINDS}, file=sys.stderr, flush=True)
    return rounds


def run() -> Report:
    """Measure three builds in the same rounds."""
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        nodes = {}
        for kind in KINDS:
            data = Path(directory, kind)
            data.mkdir()
            command = ("-m", "bench.unchecked", kind)
            nodes[kind] = stack.enter_context(running(data, {}, command))
        rounds = on_fast_loop(measure(nodes))
    rows = []
    for what, kind in (
        ("the check left out", "unchecked"),
        ("as it is", "checked"),
        ("signature and account at every request", "unremembered"),
    ):
        ratios = [each[kind] / each["unchecked"] for each in rounds]
        rows.append(
            [
                what,
                f"{median(each[kind] for each in rounds):.0f}",
                f"{median(ratios):.3f}",
                f"{min(ratios):.3f}..{max(ratios):.3f}",
            ]
        )
    return Report(
        "What the check of a token costs",
        f"Embedded mode, one process each; {CLIENTS} clients ask for one picture in memory with one valid token."
        f" {ROUNDS} rounds of {ROUND_S:.0f} s in alternating order. Left out means that a token is looked up in a"
        " dictionary and never questioned again; neither its end nor what has happened to its account is looked at."
        f" The target is a ratio of at least {TARGET}.",
        ["", "pictures per CPU-second", "ratio, median", "range"],
        rows,
    )


if __name__ == "__main__":
    print(run().markdown())
