"""Whether the time of a sign-in that fails tells why it failed: interleaved samples and a rank test."""

import asyncio
import json
import math
import random
import sqlite3
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from bench.report import Report, percentile
from bench.service import PASSWORD, Connection, request, running_service

SAMPLES = 200
BASELINE = "wrong password"
CASES: Mapping[str, tuple[str, str, int]] = {
    BASELINE: ("ann", "nine brown boats", 401),
    "wrong password, once more": ("ann", "nine brown boats", 401),
    "unknown name": ("somebody", "nine brown boats", 401),
    "name that nobody can have": ("\0\u202e", "nine brown boats", 401),
    "disabled account, right password": ("disabled", PASSWORD, 401),
    "disabled account, wrong password": ("disabled", "nine brown boats", 401),
    "deleted account, former password": ("deleted", PASSWORD, 401),
    "empty password": ("ann", "", 401),
    "empty password, unknown name": ("somebody", "", 401),
    "password too long": ("ann", "x" * 257, 422),
    "password too long, unknown name": ("somebody", "x" * 257, 422),
}
"""Name, password and status of each case. The second one shows what chance alone makes of the first."""


def rank_test(one: Sequence[float], other: Sequence[float]) -> float:
    """Return the two-sided p of Mann and Whitney's U by its normal approximation, corrected for ties."""
    pooled = sorted([*((value, 1) for value in one), *((value, 0) for value in other)])
    rank_sum = ties = 0.0
    first = 0
    while first < len(pooled):
        end = first
        while end < len(pooled) and pooled[end][0] == pooled[first][0]:
            end += 1
        rank_sum += (first + end + 1) / 2 * sum(of_one for _, of_one in pooled[first:end])
        ties += (end - first) ** 3 - (end - first)
        first = end
    n, m = len(one), len(other)
    distance = abs(rank_sum - n * (n + 1) / 2 - n * m / 2) - 0.5  # for continuity
    variance = n * m / 12 * (n + m + 1 - ties / ((n + m) * (n + m - 1)))
    return math.erfc(max(0.0, distance) / math.sqrt(2 * variance)) if variance else 1.0


def prepare(port: int, data: Path) -> None:
    """Make the accounts, then disable one and delete another."""
    with closing(HTTPConnection("127.0.0.1", port)) as client:
        headers = {"Content-Type": "application/json"}

        def ask(method: str, target: str, **members: str) -> bytes:
            client.request(method, target, json.dumps({**members, "password": PASSWORD}), headers)
            answer = client.getresponse()
            if answer.status not in (201, 204):
                raise RuntimeError(f"{method} {target} answered {answer.status}")
            return answer.read()

        for name in ("ann", "disabled", "deleted"):
            pair = json.loads(ask("POST", "/auth/sign-up", username=name))
        headers["Authorization"] = f"Bearer {pair['access_token']}"
        ask("DELETE", "/auth/user")
    with closing(sqlite3.connect(data / "accounts.sqlite3")) as database, database:
        database.execute("UPDATE accounts SET disabled_at = 1 WHERE username = 'disabled'")


async def measure(port: int) -> dict[str, list[float]]:
    """Return the latencies in ms of each case; the cases take turns in a random order."""
    connection = await Connection.open(port)
    latencies_ms: dict[str, list[float]] = {case: [] for case in CASES}
    turns = [case for case in CASES for _ in range(SAMPLES)]
    random.shuffle(turns)
    for case in turns:
        username, password, expected = CASES[case]
        form = urlencode({"username": username, "password": password}).encode()
        asked = request(
            "POST", "/auth/sign-in", form, Content_Type="application/x-www-form-urlencoded"
        )
        began = time.perf_counter()
        status, _ = await connection.exchange(asked)
        latencies_ms[case].append((time.perf_counter() - began) * 1000)
        if status != expected:
            raise RuntimeError(f"{case} answered {status}")
    connection.close()
    return latencies_ms


def run() -> Report:
    """Measure with a service of its own that limits nothing."""
    with (
        tempfile.TemporaryDirectory() as data,
        running_service(EMOTICON_DATA_DIR=data, EMOTICON_LIMITS="off") as port,
    ):
        prepare(port, Path(data))
        latencies_ms = asyncio.run(measure(port))
    baseline = latencies_ms[BASELINE]
    rows = [
        [
            case,
            *(f"{percentile(found, share):.1f}" for share in (0.1, 0.5, 0.9)),
            f"{median(found) - median(baseline):+.2f}",
            "" if case == BASELINE else f"{rank_test(found, baseline):.2f}",
        ]
        for case, found in latencies_ms.items()
    ]
    return Report(
        "Whether the time of a failed sign-in tells why it failed",
        f"Embedded mode, one process, one client, no limits. {SAMPLES} samples of each case, all in one random order,"
        f" in ms. p is that of a two-sided rank test (Mann-Whitney) against `{BASELINE}`; below 0.01 the two could be"
        " told apart. For a name that nobody can have the database is not asked, which says nothing of accounts; a"
        " password too long to be anybody's is answered 422 without a hash, whatever the name is.",
        ["sign-in with", "p10", "median", "p90", "median - baseline", "p"],
        rows,
    )


if __name__ == "__main__":
    print(run().markdown())
