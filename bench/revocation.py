"""How long an old token lives after a sign-in, while all nodes are busy answering that very token."""

import asyncio
import random
import sys
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from itertools import cycle
from statistics import median

from bench.load import Answer, Pool, on_fast_loop, steadily
from bench.report import Report, percentile
from bench.service import Nodes, emoticon, running_nodes, sign_in, sign_up

ROUNDS = 200
RATES_PER_S = (500, 400, 300, 250, 200, 150, 100, 50)
PROBE_S = 4.0
CONNECTIONS = 32
SUSTAINED = 0.99
SLOWEST_P99_MS = 100.0
WARM_S = 0.1
SETTLE_S = 0.1
GIVE_UP_S = 10.0
OK, UNAUTHORIZED = 200, 401
POLLED_AT_ONCE = 5
"""Accounts that take turns where a token is found dead within a second and not within milliseconds."""

_random = random.SystemRandom()

Lives = list[tuple[float, float]]
"""Of each round: ms from the answer of the sign-in to the first 401, and to when the last 200 was asked for."""


class Watched:
    """An account whose token all nodes are asked with, and what each answers."""

    def __init__(self, username: str, answer: bytes, nodes: int) -> None:
        self.username = username
        self._nodes = nodes
        self.renew(answer)

    def renew(self, answer: bytes) -> None:
        """Go on with the token of a new answer."""
        self.wanted = emoticon(self.username, answer)
        self.forget()

    def forget(self) -> None:
        """Begin anew to note answers; those that are on their way go nowhere."""
        self.answers: list[list[Answer]] = [[] for _ in range(self._nodes)]


class Busy:
    """Nodes under a steady load of pictures with the tokens of watched accounts, in turn."""

    def __init__(self, nodes: Nodes) -> None:
        self._pools = [Pool(port, CONNECTIONS) for port in nodes.ports]
        self._signing_in = Pool(nodes.ports[0], CONNECTIONS)
        self._watched: list[Watched] = []
        self.rate_per_s = 0
        self.latency_ms = (0.0, 0.0)
        self.lives: list[Lives] = [[] for _ in nodes.ports]

    async def watch(self, accounts: int) -> None:
        """Make the accounts."""
        for number in range(accounts):
            answer = await self._signing_in.exchange(sign_up(f"watched-{number}"))
            self._watched.append(Watched(f"watched-{number}", answer.body, len(self._pools)))

    async def find_rate(self) -> None:
        """Find the highest rate at which all nodes answer nearly all requests in time."""
        for self.rate_per_s in RATES_PER_S:
            async with self.loaded():
                await asyncio.sleep(PROBE_S / 2)
                for watched in self._watched:
                    watched.forget()
                await asyncio.sleep(PROBE_S)
                answers = [
                    [answer for watched in self._watched for answer in watched.answers[node]]
                    for node in range(len(self._pools))
                ]
            taken_ms = [(a.received_s - a.sent_s) * 1000 for node in answers for a in node]
            self.latency_ms = (median(taken_ms), percentile(taken_ms, 0.99))
            slowest_per_s = min(len(node) for node in answers) / PROBE_S
            print(
                f"{self.rate_per_s} wanted, {slowest_per_s:.0f} answered a second and node;"
                f" median {self.latency_ms[0]:.1f}, p99 {self.latency_ms[1]:.1f} ms",
                file=sys.stderr,
                flush=True,
            )
            sustained = slowest_per_s >= SUSTAINED * self.rate_per_s
            if sustained and self.latency_ms[1] <= SLOWEST_P99_MS:
                return

    @asynccontextmanager
    async def loaded(self) -> AsyncGenerator[None]:
        """Keep all nodes busy."""
        tasks = [
            asyncio.create_task(self._keep_busy(node, cycle(self._watched)))
            for node in range(len(self._pools))
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def sign_in_again_and_again(self, rounds: int, spread_s: float) -> None:
        """Share the rounds among the accounts; pauses vary by `spread_s`, for a poll keeps its own time."""
        async with self.loaded():
            each = rounds // len(self._watched)
            await asyncio.gather(*(self._rounds(one, each, spread_s) for one in self._watched))

    async def _keep_busy(self, node: int, turns: Iterator[Watched]) -> None:
        def send() -> None:
            watched = next(turns)
            self._pools[node].ask(watched.wanted, watched.answers[node].append)

        await steadily(self.rate_per_s, send)

    async def _rounds(self, watched: Watched, rounds: int, spread_s: float) -> None:
        for number in range(1, rounds + 1):
            await _until_each_answered(watched, OK)
            await asyncio.sleep(WARM_S + _random.uniform(0, spread_s))
            if any(answer.status != OK for node in watched.answers for answer in node):
                raise RuntimeError("a new token is not good")
            signed_in = await self._signing_in.exchange(sign_in(watched.username))
            if signed_in.status != OK:
                raise RuntimeError(f"a sign-in answered {signed_in.status}")
            await _until_each_answered(watched, UNAUTHORIZED)
            await asyncio.sleep(SETTLE_S)
            for lives, answers in zip(self.lives, watched.answers, strict=True):
                lives.append(_life(signed_in.received_s, answers))
            watched.renew(signed_in.body)
            if watched is self._watched[0] and number % 20 == 0:
                print(f"round {number} of {rounds}", file=sys.stderr, flush=True)


async def _until_each_answered(watched: Watched, status: int) -> None:
    give_up_at = time.perf_counter() + GIVE_UP_S
    while not all(any(answer.status == status for answer in node) for node in watched.answers):
        if time.perf_counter() > give_up_at:
            raise RuntimeError(f"a node never answers {status}")
        await asyncio.sleep(0.02)


def _life(signed_in_s: float, answers: list[Answer]) -> tuple[float, float]:
    strange = {answer.status for answer in answers} - {OK, UNAUTHORIZED}
    if strange:
        raise RuntimeError(f"an old token answered {strange}")
    first_refused_s = min(a.received_s for a in answers if a.status == UNAUTHORIZED)
    last_good_s = max(a.sent_s for a in answers if a.status == OK)
    if any(a.status == OK and a.sent_s > first_refused_s for a in answers):
        raise RuntimeError("an old token was revived")
    return (first_refused_s - signed_in_s) * 1000, (last_good_s - signed_in_s) * 1000


async def measure(nodes: Nodes) -> Busy:
    """Find the rate, then sign in."""
    busy = Busy(nodes)
    await busy.watch(POLLED_AT_ONCE if nodes.valkey is None else 1)
    await busy.find_rate()
    await busy.sign_in_again_and_again(ROUNDS, 0.02 if nodes.valkey else 1.0)
    return busy


def run() -> Report:
    """Measure with Valkey, then without."""
    rows, said = [], []
    for with_valkey in (True, False):
        with running_nodes(with_valkey=with_valkey) as nodes:
            busy = on_fast_loop(measure(nodes))
        how = "with Valkey" if with_valkey else "poll only"
        said.append(
            f"{how}: {busy.rate_per_s} a second and node, their median {busy.latency_ms[0]:.1f} ms, p99"
            f" {busy.latency_ms[1]:.1f} ms"
        )
        for number, lives in enumerate(busy.lives, 1):
            columns = list(zip(*lives, strict=True))
            figures = [
                f"{figure:.1f}"
                for column in columns
                for figure in (median(column), percentile(column, 0.99), max(column))
            ]
            rows.append([how, str(number), *figures])
    return Report(
        "From a sign-in to the end of the older token",
        "Three nodes on PostgreSQL; each answers pictures, open loop, asked for with the token that is about to die"
        f" ({'; '.join(said)}). {RATES_PER_S[0]} a second are wanted; if the cores, shared with the load generator and"
        f" the databases, cannot answer so many within {SLOWEST_P99_MS:.0f} ms, the highest rate that they can is"
        f" taken. {ROUNDS} sign-ins on node 1. Milliseconds, counted from the moment its answer is there; below zero is"
        " before the answer. The first 401 is when it came, the last 200 when it was asked for; a node is asked every"
        f" {1000 / RATES_PER_S[0]:.0f} ms, in the poll only one every {POLLED_AT_ONCE * 1000 / RATES_PER_S[0]:.0f} ms"
        " with the same token.",
        [
            *("", "node", "first 401, median", "p99", "max"),
            *("last 200, median", "p99", "max"),
        ],
        rows,
    )


if __name__ == "__main__":
    print(run().markdown())
