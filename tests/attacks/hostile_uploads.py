"""`python -m tests.attacks.hostile_uploads N [SEED]`: N hostile uploads over HTTP, and a look at what is then served.

Prints the answers, the time, and how far the memory of the service and all its processes grew. Ends with status 1 when
an answer is a 5xx or of another kind than documented, or when anything of an upload but its pixels is served.
"""

import os
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import psutil
from tests.adapters.decoding import bombs
from tests.adapters.decoding.corpus import uploads
from tests.adapters.decoding.samples import MARKER
from tests.attacks.world import Pair, World, one_node

UPLOADERS = 2
SETTINGS = {"EMOTICON_LIMITS": "off", "EMOTICON_ACCESS_TOKEN_S": "86400"}
_REFUSALS = {415: "unsupported_picture", 422: "invalid_picture", 413: "content_too_large"}


@dataclass
class Outcome:
    """What came of the uploads."""

    counts: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    first_rss_bytes: int = 0
    most_rss_bytes: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


def run(world: World, count: int, seed: int) -> Outcome:
    """Send uploads from as many accounts as there are uploaders."""
    bombs.bombs()  # Making them takes seconds, in which nothing else would happen.
    outcome = Outcome(first_rss_bytes=_rss_bytes(world))
    corpus = islice(uploads(seed), count)

    def send(pair: Pair) -> None:
        while True:
            with outcome.lock:
                upload = next(corpus, None)
            if upload is None:
                return
            name, data = upload
            said = _send(world, pair, data)
            with outcome.lock:
                outcome.counts[said.partition(":")[0]] += 1
                if said.startswith("fault"):
                    outcome.faults.append(f"{name}: {said}")
                rss_bytes = _rss_bytes(world)
                outcome.most_rss_bytes = max(outcome.most_rss_bytes, rss_bytes)

    pairs = [world.sign_up() for _ in range(UPLOADERS)]
    with ThreadPoolExecutor(UPLOADERS) as pool:
        for _ in pool.map(send, pairs):
            pass
    return outcome


def _send(world: World, pair: Pair, data: bytes) -> str:
    """Upload once; return what became of it, beginning with `fault` when it should not have."""
    headers = {"Content-Type": "application/octet-stream"}
    answer = world.send("PUT", "/emoticon/picture", at=pair.at, content=data, headers=headers)
    if answer.status_code != 200:
        code = answer.json().get("code")
        good = _REFUSALS.get(answer.status_code) == code
        return f"{answer.status_code} {code}" if good else f"fault: {answer.status_code} {code}"
    for picture_format in ("png", "webp"):
        wanted = {"username": pair.username, "format": picture_format}
        shown = world.send("GET", "/emoticon/", at=pair.at, params=wanted)
        if shown.status_code != 200 or shown.headers["cache-control"] == "no-store":
            return f"fault: shown with {shown.status_code} {shown.headers['cache-control']}"
        if MARKER in shown.content:
            return "fault: the marker is served"
    return "200"


def _rss_bytes(world: World) -> int:
    service = psutil.Process(world.nodes[0].pid)
    total = 0
    for process in (service, *service.children(recursive=True)):
        with suppress(psutil.NoSuchProcess):
            total += process.memory_info().rss
    return total


def main(count: int, seed: int) -> int:
    """Run and print; return 1 when there was a fault."""
    with tempfile.TemporaryDirectory() as directory, one_node(Path(directory), SETTINGS) as world:
        began = time.perf_counter()
        outcome = run(world, count, seed)
        took_s = time.perf_counter() - began
    first, most = (size // 2**20 for size in (outcome.first_rss_bytes, outcome.most_rss_bytes))
    lines = [
        f"seed {seed}: {count} hostile uploads over HTTP in {took_s:.0f} s",
        *(f"{number:8} {said}" for said, number in sorted(outcome.counts.items())),
        f"memory of the service and its processes: {first} MiB before, {most} MiB at most",
        f"faults: {len(outcome.faults)}",
        *outcome.faults[:20],
    ]
    sys.stdout.write("\n".join([*lines, ""]))
    return 1 if outcome.faults else 0


if __name__ == "__main__":
    given = [int(argument) for argument in sys.argv[1:]]
    sys.exit(main(given[0], given[1] if len(given) > 1 else os.getpid()))
