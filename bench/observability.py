"""What it costs to count requests, to log them, and to trace them, where it is dearest: before a picture in memory."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import NamedTuple

from bench.asker import Asker, ask_once
from bench.load import on_fast_loop
from bench.report import Report
from bench.service import SERVE, Node, request, running, sign_up

ROUNDS = 12
ROUND_S = 1.0
CLIENTS = 8
NAME = "watcher"
UNOBSERVED = (*SERVE[:1], "bench.unobserved", *SERVE[2:])
SILENT = {"EMOTICON_TRACING": "on", "OTEL_TRACES_SAMPLER": "always_off"}


class Build(NamedTuple):
    """What runs and what it is asked for; the fast path takes `username` first."""

    title: str
    command: tuple[str, ...]
    environment: dict[str, str]
    by_route: bool


def _builds() -> list[Build]:
    builds = []
    for by_route in (True, False):
        way = "route" if by_route else "fast path"
        shares = [
            (0.0, "figures (as it is)"),
            (0.01, "and 1 of 100 logged"),
            (1.0, "and all logged"),
        ]
        builds += [
            Build(f"{way}: {title}", SERVE, {"EMOTICON_ACCESS_LOG_SHARE": str(share)}, by_route)
            for share, title in shares
        ]
    builds.insert(0, Build("route: neither figures nor log", UNOBSERVED, {}, by_route=True))
    builds.append(
        Build("route: figures, and traced, no span recorded", SERVE, SILENT, by_route=True)
    )
    return builds


async def asker(node: Node, *, by_route: bool) -> Asker:
    """Make an account, and return who asks for its picture."""
    answer = await ask_once(node, sign_up(NAME))
    token = answer.body.partition(b'"access_token":"')[2].partition(b'"')[0].decode()
    wish = (f"username={NAME}", "size=64")
    target = "/emoticon/?" + "&".join(reversed(wish) if by_route else wish)
    wanted = request("GET", target, Authorization=f"Bearer {token}")
    return Asker(node, wanted, clients=CLIENTS)


async def measure(nodes: list[Node], builds: list[Build]) -> list[list[float]]:
    """Let the builds take turns, each round in the other order; a list of figures for each build."""
    askers = [
        await asker(node, by_route=build.by_route)
        for node, build in zip(nodes, builds, strict=True)
    ]
    for each in askers:
        await each.round(ROUND_S)
    found: list[list[float]] = [[] for _ in builds]
    for number in range(ROUNDS):
        order = range(len(askers)) if number % 2 else reversed(range(len(askers)))
        for place in order:
            found[place].append((await askers[place].round(ROUND_S)).per_cpu_second)
        print([round(figures[-1]) for figures in found], file=sys.stderr, flush=True)
    return found


def run() -> Report:
    """Measure all builds in the same rounds."""
    builds = _builds()
    with tempfile.TemporaryDirectory() as directory, ExitStack() as stack:
        nodes = []
        for number, build in enumerate(builds):
            data = Path(directory, str(number))
            data.mkdir()
            nodes.append(stack.enter_context(running(data, build.environment, build.command)))
        found = on_fast_loop(measure(nodes, builds))
    rows = []
    for build, figures in zip(builds, found, strict=True):
        first = next(
            place for place, other in enumerate(builds) if other.by_route == build.by_route
        )
        ratios = [one / base for one, base in zip(figures, found[first], strict=True)]
        rows.append(
            [
                build.title,
                f"{median(figures):.0f}",
                f"{median(ratios):.2f}",
                f"{min(ratios):.2f}..{max(ratios):.2f}",
            ]
        )
    return Report(
        "What figures, access log and traces cost",
        f"Embedded mode, one process each; {CLIENTS} clients ask for one picture in memory, by the route or by the fast"
        f" path. {ROUNDS} rounds of {ROUND_S:.0f} s in alternating order; the log is a file. The ratio is to the first"
        " line of the same way; what the fast path counts is a number that the edge keeps anyhow.",
        ["", "pictures per CPU-second", "ratio, median", "range"],
        rows,
    )


if __name__ == "__main__":
    print(run().markdown())
