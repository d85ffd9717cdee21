"""What the check of a token costs where it is dearest: before a picture that is in memory."""

import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from bench.asker import Asker, ask_once
from bench.load import on_fast_loop
from bench.report import Report
from bench.service import Node, emoticon, running, sign_up

KINDS = ("checked", "unchecked", "unremembered")
ROUNDS = 24
ROUND_S = 1.0
CLIENTS = 8
TARGET = 0.95


async def asker(node: Node) -> Asker:
    """Make an account, and return who asks for its picture."""
    answer = await ask_once(node, sign_up("watcher"))
    # With a parameter that nobody reads: the edge would answer without a check.
    wanted = emoticon("watcher", answer.body).replace(b"?", b"?around=edge&", 1)
    return Asker(node, wanted, clients=CLIENTS)


async def measure(nodes: dict[str, Node]) -> list[dict[str, float]]:
    """Let the builds take turns, each round in the other order."""
    askers = {kind: await asker(node) for kind, node in nodes.items()}
    for each in askers.values():
        await each.round(ROUND_S)
    rounds = []
    for number in range(ROUNDS):
        order = KINDS if number % 2 else KINDS[::-1]
        found = {kind: await askers[kind].round(ROUND_S) for kind in order}
        rounds.append({kind: found[kind].per_cpu_second for kind in KINDS})
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
