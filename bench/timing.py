"""Whether requests can be told apart by the time of their answers: interleaved samples and a rank test."""

import math
import random
import time
from collections.abc import Mapping, Sequence
from statistics import median

from bench.report import percentile
from bench.service import Connection

HEAD = ("p10", "median", "p90", "median - baseline", "p")
"""The columns of `compared`."""


async def interleaved(
    port: int, cases: Mapping[str, tuple[bytes, int]], samples: int
) -> dict[str, list[float]]:
    """Return the latencies in ms of each case, a request and its status; they take turns in a random order."""
    connection = await Connection.open(port)
    latencies_ms: dict[str, list[float]] = {case: [] for case in cases}
    turns = [case for case in cases for _ in range(samples)]
    random.shuffle(turns)
    for case in turns:
        asked, expected = cases[case]
        began = time.perf_counter()
        status, _ = await connection.exchange(asked)
        latencies_ms[case].append((time.perf_counter() - began) * 1000)
        if status != expected:
            raise RuntimeError(f"{case} answered {status}")
    connection.close()
    return latencies_ms


def compared(
    latencies_ms: Mapping[str, Sequence[float]], baseline: str, *, digits: int
) -> list[list[str]]:
    """Return a row for each case: its name, then HEAD, times with so many digits, the difference with one more."""
    usual = latencies_ms[baseline]
    return [
        [
            case,
            *(f"{percentile(found, share):.{digits}f}" for share in (0.1, 0.5, 0.9)),
            f"{median(found) - median(usual):+.{digits + 1}f}",
            "" if case == baseline else f"{rank_test(found, usual):.2f}",
        ]
        for case, found in latencies_ms.items()
    ]


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
