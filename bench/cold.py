"""Pictures that nobody has asked for before, over HTTP, on all cores, beside two other ways to serve them.

DiceBear's own libraries are measured where BENCH_NODE_DIRECTORY names a directory with the packages that
bench/dicebear_http.mjs asks for.
"""

import asyncio
import itertools
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil

from bench.load import Answer, Pool, on_fast_loop
from bench.report import Report
from bench.service import request, running

STYLES = ("moods", "critters", "initials", "avataaars", "identicon", "lorelei", "shapes", "bottts")
WISHES = ((128, "png"), (256, "png"), (128, "svg"), (128, "webp"))
CLIENTS = 16
ROUNDS = 6
ROUND_S = 2.0
PROCESSES = os.cpu_count() or 1
HERE = Path(__file__).parent
OURS = "emoticon"


@dataclass(frozen=True)
class Server:
    """One that answers `/a/{style}/{seed}.{format}?size=`, and the processes that work for it."""

    title: str
    port: int
    pid: int
    formats: frozenset[str] = frozenset({"png", "svg", "webp"})

    def cpu_s(self) -> float:
        """Return what they have spent so far."""
        process = psutil.Process(self.pid)
        return sum(
            sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True))
        )


@dataclass(frozen=True)
class Round:
    """What one round found."""

    per_s: float
    per_cpu_second: float


class Asker:
    """Asks a server for one new look after the other, the styles in turns."""

    def __init__(self, server: Server, seeds: Iterator[int]) -> None:
        self._server = server
        self._seeds = seeds
        self._pool = Pool(server.port, CLIENTS)

    async def round(self, size_px: int, picture_format: str, seconds: float) -> Round:
        """Ask without pause. Raises RuntimeError when anything but a picture is answered."""
        statuses: list[int] = []
        began_s, spent_s = time.perf_counter(), self._server.cpu_s()

        async def ask() -> None:
            while time.perf_counter() < began_s + seconds:
                answer = await self._ask(size_px, picture_format)
                statuses.append(answer.status if answer.body else 0)

        await asyncio.gather(*(ask() for _ in range(CLIENTS)))
        took_s = time.perf_counter() - began_s
        spent_s = self._server.cpu_s() - spent_s
        if set(statuses) != {200}:
            message = f"{self._server.title}: {set(statuses)}"
            raise RuntimeError(message)
        return Round(len(statuses) / took_s, len(statuses) / spent_s)

    async def _ask(self, size_px: int, picture_format: str) -> Answer:
        seed = next(self._seeds)
        style = STYLES[seed % len(STYLES)]
        # The same seeds in every run, none of them twice in one.
        target = f"/a/{style}/seed-{seed}.{picture_format}?size={size_px}"
        return await self._pool.exchange(request("GET", target))

    def close(self) -> None:
        """Disconnect."""
        self._pool.close()


@contextmanager
def _printing_its_address(command: Sequence[str], errors: int | None) -> Iterator[tuple[int, int]]:
    """Yield port and process id of a server that prints or logs where it listens."""
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
    try:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        for line in process.stdout:
            if found := re.search(r"http://127\.0\.0\.1:(\d+)", line):
                yield int(found[1]), process.pid
                break
        else:
            message = f"{command} did not start"
            raise RuntimeError(message)
    finally:
        process.terminate()
        process.communicate()


@contextmanager
def _servers() -> Iterator[list[Server]]:
    naive = ["-m", "uvicorn", "bench.naive:app", "--port", "0", "--no-access-log"]
    directory = os.environ.get("BENCH_NODE_DIRECTORY", "")
    with tempfile.TemporaryDirectory() as data, ExitStack() as stack:
        settings = {"EMOTICON_PUBLIC_GENERATOR": "on"}
        node = stack.enter_context(running(Path(data), settings))
        servers = [Server(OURS, node.port, node.process.pid)]
        command = [sys.executable, *naive, "--workers", str(PROCESSES)]
        port, pid = stack.enter_context(_printing_its_address(command, subprocess.STDOUT))
        servers.append(Server("FastAPI and resvg-py", port, pid, frozenset({"png", "svg"})))
        if directory:
            command = ["node", str(HERE / "dicebear_http.mjs"), directory]
            port, pid = stack.enter_context(_printing_its_address(command, None))
            servers.append(Server("DiceBear's libraries in node", port, pid))
        yield servers


async def measure(
    servers: Sequence[Server], said: Callable[[str], None]
) -> dict[tuple[int, str], dict[str, list[Round]]]:
    """Let the servers take turns, each round in the other order."""
    seeds = itertools.count()
    found = {}
    for size_px, picture_format in WISHES:
        asked = [server for server in servers if picture_format in server.formats]
        askers = {server.title: Asker(server, seeds) for server in asked}
        rounds: dict[str, list[Round]] = {title: [] for title in askers}
        for asker in askers.values():
            await asker.round(size_px, picture_format, ROUND_S)
        for number in range(ROUNDS):
            for title in list(askers)[:: 1 if number % 2 else -1]:
                rounds[title].append(await askers[title].round(size_px, picture_format, ROUND_S))
                said(f"{picture_format} {size_px} {title} {rounds[title][-1]}")
        for asker in askers.values():
            asker.close()
        found[size_px, picture_format] = rounds
    return found


def run() -> Report:
    """Measure all that can be started here."""
    with _servers() as servers:
        found = on_fast_loop(
            measure(servers, lambda line: print(line, file=sys.stderr, flush=True))
        )
    rows = []
    for (size_px, picture_format), rounds in found.items():
        for title, own in rounds.items():
            ratios = [ours.per_s / each.per_s for ours, each in zip(rounds[OURS], own, strict=True)]
            rows.append(
                [
                    f"{picture_format.upper()} {size_px}",
                    title,
                    f"{median(each.per_s for each in own):.0f}",
                    f"{median(each.per_cpu_second for each in own):.0f}",
                    f"{median(ratios):.2f}",
                    f"{min(ratios):.2f}..{max(ratios):.2f}",
                ]
            )
    return Report(
        "Cold pictures over HTTP",
        f"{CLIENTS} clients on the same {PROCESSES} cores ask without pause for looks that nobody has asked for, of"
        f" {len(STYLES)} styles in turns. The service is one process in embedded mode with the public generator; the"
        f" naive one has {PROCESSES} processes of uvicorn, a route of FastAPI, the same library of styles, resvg-py;"
        " the third is fastify with DiceBear's own libraries, as its API has them, without the checks of the API and"
        f" without EXIF. {ROUNDS} rounds of {ROUND_S:.0f} s in alternating order; the ratio is how many times more the"
        " service draws in the same round.",
        ["picture", "", "a second", "per CPU-second", "ratio, median", "range"],
        rows,
    )


if __name__ == "__main__":
    print(run().markdown())
