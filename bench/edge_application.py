"""What a published picture costs the application, beside the same picture by the route."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.asker import Asker, Round, ask_once
from bench.load import on_fast_loop
from bench.report import Report, percentile
from bench.service import Node, emoticon, running, sign_up
from emoticon.domain.models import Format
from emoticon.domain.pictures import DEFAULT_PX, picture

KINDS = ("fast path", "fast path, 304", "route")
ROUNDS = 12
ROUND_S = 1.0
CLIENTS = 32
NOT_MODIFIED = 304


async def measure(node: Node) -> dict[str, list[Round]]:
    """Let the ways take turns, each round in the other order."""
    answer = await ask_once(node, sign_up("watcher"))
    wanted = emoticon("watcher", answer.body)
    # A parameter that means nothing: the answer is the same, but no request that the edge knows.
    by_route = wanted.replace(b"?username", b"?x=1&username")
    etag = picture((await ask_once(node, wanted)).body, Format.PNG, DEFAULT_PX).etag
    conditional = wanted.replace(b"\r\n\r\n", f"\r\nIf-None-Match: {etag}\r\n\r\n".encode())
    askers = {
        "fast path": Asker(node, wanted, clients=CLIENTS),
        "fast path, 304": Asker(node, conditional, clients=CLIENTS, status=NOT_MODIFIED),
        "route": Asker(node, by_route, clients=CLIENTS),
    }
    found: dict[str, list[Round]] = {kind: [] for kind in KINDS}
    for kind in KINDS:
        await askers[kind].round(ROUND_S)
    for number in range(ROUNDS):
        for kind in KINDS if number % 2 else KINDS[::-1]:
            found[kind].append(await askers[kind].round(ROUND_S))
            print(number, kind, round(found[kind][-1].per_cpu_second), file=sys.stderr, flush=True)
    return found


def run() -> Report:
    """Measure the ways of one service in the same rounds."""
    with tempfile.TemporaryDirectory() as data, ExitStack() as stack:
        node = stack.enter_context(running(Path(data), {}))
        found = on_fast_loop(measure(node))
    rows = []
    for kind in KINDS:
        ratios = [
            each.per_cpu_second / base.per_cpu_second
            for each, base in zip(found[kind], found["route"], strict=True)
        ]
        latencies_ms = [ms for each in found[kind] for ms in each.latencies_ms]
        rows.append(
            [
                kind,
                f"{median(each.per_cpu_second for each in found[kind]):.0f}",
                f"{median(ratios):.2f}",
                f"{min(ratios):.2f}..{max(ratios):.2f}",
                f"{percentile(latencies_ms, 0.5):.2f} / {percentile(latencies_ms, 0.99):.2f} ms",
            ]
        )
    return Report(
        "A picture that was published in the application",
        f"Embedded mode, one process; {CLIENTS} clients ask without pause for one picture of 128 px with one valid"
        f" token. {ROUNDS} rounds of {ROUND_S:.0f} s in alternating order. The route is asked with one more parameter,"
        " which nobody reads, so that the edge does not know the request. The latencies are those of clients that"
        " share the machine with the service.",
        ["", "pictures per CPU-second", "ratio to the route, median", "range", "p50 / p99"],
        rows,
    )


if __name__ == "__main__":
    print(run().markdown())
