"""Published answers beside a plain static file: what a picture costs all processes that serve it."""

import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import psutil
from tests.nginx import NginxServer, public_directory

from bench.load import Pool, on_fast_loop
from bench.report import Report, percentile
from bench.service import Node, emoticon, refresh, request, running, sign_up
from emoticon.domain.models import Format
from emoticon.domain.pictures import DEFAULT_PX, picture

ROUNDS = 8
ROUND_S = 2.0
CLIENTS = 16
REVOCATIONS = 200
NAME = "watcher"
OK, NOT_MODIFIED, UNAUTHORIZED = 200, 304, 401
TARGET = f"/emoticon/?username={NAME}"
_STATIC = """location = /picture.png {
            root %s;
            open_file_cache max=1000 inactive=60s;
            open_file_cache_valid 60s;
        }
        location = /emoticon/ {"""


@dataclass(frozen=True)
class Way:
    """A way to the picture, its target as a share of the first way, and the processes that work for it."""

    title: str
    aim: str
    port: int
    target: str
    headers: dict[str, str]
    status: int
    pids: Sequence[int]

    def cpu_s(self) -> float:
        """Return what they have spent so far."""
        return sum(sum(psutil.Process(pid).cpu_times()[:2]) for pid in self.pids)


@dataclass(frozen=True)
class Round:
    """What one round found."""

    per_cpu_second: float
    latencies_ms: list[float]


def one_round(way: Way) -> Round:
    """Ask without pause. Raises RuntimeError when anything but the picture is answered."""
    before_s = way.cpu_s()
    answers = _by_h2load(way) if shutil.which("h2load") else on_fast_loop(_by_python(way))
    spent_s = way.cpu_s() - before_s
    statuses = {status for status, _ in answers}
    if statuses != {way.status}:
        message = f"{way.title}: {statuses}"
        raise RuntimeError(message)
    return Round(len(answers) / spent_s, [ms for _, ms in answers])


def _by_h2load(way: Way) -> list[tuple[int, float]]:
    """Return statuses and milliseconds. A header is in argv here, of an account that ends with the measurement."""
    headers = [part for name, value in way.headers.items() for part in ("-H", f"{name}: {value}")]
    with tempfile.NamedTemporaryFile("r") as log:
        options = ["--h1", "-t1", f"-c{CLIENTS}", f"-D{ROUND_S:.0f}", f"--log-file={log.name}"]
        command = ["h2load", *options, *headers, f"http://127.0.0.1:{way.port}{way.target}"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        lines = [line.split() for line in log]
    return [(int(status), int(took_us) / 1000) for _, status, took_us in lines]


async def _by_python(way: Way) -> list[tuple[int, float]]:
    pool = Pool(way.port, CLIENTS)
    named = {name.replace("-", "_"): value for name, value in way.headers.items()}
    wanted = request("GET", way.target, b"", **named)
    answers: list[tuple[int, float]] = []
    stop_at = time.perf_counter() + ROUND_S

    async def ask() -> None:
        while time.perf_counter() < stop_at:
            answer = await pool.exchange(wanted)
            answers.append((answer.status, (answer.received_s - answer.sent_s) * 1000))

    await asyncio.gather(*(ask() for _ in range(CLIENTS)))
    pool.close()
    return answers


async def _account(port: int, name: str = NAME) -> tuple[bytes, bytes]:
    """Make an account and return the answer with its tokens, and its picture, which is published then."""
    pool = Pool(port, 1)
    tokens = (await pool.exchange(sign_up(name))).body
    body = (await pool.exchange(emoticon(name, tokens))).body
    pool.close()
    return tokens, body


async def _link(port: int, tokens: bytes) -> str:
    """Make a share link of the account and return its URL with the version; the picture is published then."""
    pool, headers = Pool(port, 1), _bearer(tokens)
    wanted = request("POST", "/emoticon/links", b"{}", Content_Type="application/json", **headers)
    made = json.loads((await pool.exchange(wanted)).body)
    target = f"{made['url']}?v={made['version']}"
    await pool.exchange(request("GET", target))
    pool.close()
    return target


async def _revocations(port: int, load: Way) -> int:
    """Return how many of the tokens that a newer one had just replaced were refused, while others load nginx."""
    tokens, _ = await _account(port, "leaver")
    pool, refused = Pool(port, 1), 0
    loading = asyncio.create_task(_forever(load))
    for _ in range(REVOCATIONS):
        wanted = emoticon("leaver", tokens)
        for _ in range(2):  # by the service, then by nginx
            if (await pool.exchange(wanted)).status != OK:
                message = "a good token was refused"
                raise RuntimeError(message)
        tokens = (await pool.exchange(refresh(tokens))).body
        refused += (await pool.exchange(wanted)).status == UNAUTHORIZED
    loading.cancel()
    await asyncio.wait([loading])
    pool.close()
    return refused


async def _forever(way: Way) -> None:
    while True:
        await _by_python(way)


@contextmanager
def _ways() -> Iterator[list[Way]]:
    """Start a service behind nginx and one alone, each with an account, and yield the ways to its picture."""
    with (
        tempfile.TemporaryDirectory() as behind,
        tempfile.TemporaryDirectory() as alone,
        public_directory() as public,
        running(Path(behind), {"EMOTICON_EDGE_DIR": str(public / "edge")}) as published,
        running(Path(alone), {}) as itself,
    ):
        place = public / "nginx"
        place.mkdir()
        changes = {"location = /emoticon/ {": _STATIC % public}
        nginx = NginxServer(place, app_port=published.port, edge=public / "edge", changes=changes)
        with nginx:
            tokens, body = on_fast_loop(_account(nginx.port))
            (public / "picture.png").write_bytes(body)
            own_tokens, _ = on_fast_loop(_account(itself.port))
            links = [
                on_fast_loop(_link(nginx.port, tokens)),
                on_fast_loop(_link(itself.port, own_tokens)),
            ]
            yield _seven(nginx, (published, tokens), (itself, own_tokens), body, links)


def _seven(
    nginx: NginxServer,
    published: tuple[Node, bytes],
    itself: tuple[Node, bytes],
    body: bytes,
    links: Sequence[str],
) -> list[Way]:
    workers = [child.pid for child in psutil.Process(nginx.pid).children()]
    behind = [nginx.pid, *workers, published[0].process.pid]
    alone, port = [itself[0].process.pid], itself[0].port
    bearer, own_bearer = _bearer(published[1]), _bearer(itself[1])
    same = {**bearer, "If-None-Match": picture(body, Format.PNG, DEFAULT_PX).etag}
    by_route = TARGET.replace(
        "?", "?x=1&"
    )  # nobody reads x, and the edge does not know the request
    return [
        Way("nginx, static file", "", nginx.port, "/picture.png", bearer, OK, behind),
        Way("nginx, published", "0.60", nginx.port, TARGET, bearer, OK, behind),
        Way("nginx, published, 304", "", nginx.port, TARGET, same, NOT_MODIFIED, behind),
        Way("nginx, share link", "", nginx.port, links[0], {}, OK, behind),
        Way("application, fast path", "0.28", port, TARGET, own_bearer, OK, alone),
        Way("application, share link", "", port, links[1], {}, OK, alone),
        Way("application, route", "", port, by_route, own_bearer, OK, alone),
    ]


def run() -> Report:
    """Let the ways take turns, each round in the other order; then revoke under load."""
    with _ways() as ways:
        found: dict[str, list[Round]] = {way.title: [] for way in ways}
        for way in ways:
            one_round(way)
        for number in range(ROUNDS):
            for way in ways if number % 2 else ways[::-1]:
                found[way.title].append(one_round(way))
                print(
                    number, way.title, round(found[way.title][-1].per_cpu_second), file=sys.stderr
                )
        refused = on_fast_loop(_revocations(ways[1].port, ways[1]))
    rows = []
    for way in ways:
        rounds = found[way.title]
        pairs = zip(rounds, found[ways[0].title], strict=True)
        ratios = [each.per_cpu_second / base.per_cpu_second for each, base in pairs]
        latencies_ms = [ms for each in rounds for ms in each.latencies_ms]
        rows.append(
            [
                way.title,
                f"{median(each.per_cpu_second for each in rounds):.0f}",
                f"{median(ratios):.2f}",
                f"{min(ratios):.2f}..{max(ratios):.2f}",
                way.aim,
                f"{percentile(latencies_ms, 0.5):.2f} / {percentile(latencies_ms, 0.99):.2f} ms",
            ]
        )
    driver = (
        "h2load" if shutil.which("h2load") else "a client in Python, which cannot load nginx fully"
    )
    return Report(
        "A published picture, beside a static file",
        f"One worker of nginx, one process of the service, on one machine with the client, {driver};"
        f" {CLIENTS} connections ask without pause for one PNG of 128 px with one valid token, or by a share link."
        f" {ROUNDS} rounds of {ROUND_S:.0f} s in alternating order. Counted is the CPU of all processes that serve:"
        " nginx and the service behind it, or the service alone. The static file is asked for with the same headers"
        " and has open_file_cache, which what is published cannot have."
        f" Then, under the same load, {REVOCATIONS} times a published token was replaced by a newer one: the next"
        f" request with the old one was answered 401 in {refused} of {REVOCATIONS} rounds.",
        ["", "pictures per CPU-second", "ratio, median", "range", "target", "p50 / p99"],
        rows,
    )


def _bearer(answer: bytes) -> dict[str, str]:
    return {"Authorization": f"Bearer {json.loads(answer)['access_token']}"}


if __name__ == "__main__":
    print(run().markdown())
