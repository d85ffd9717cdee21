"""Clients that ask one service for one picture without pause, and what each picture costs the service."""

import asyncio
import time
from typing import NamedTuple

import psutil

from bench.load import Answer, Pool
from bench.service import Node

OK = 200


class Round(NamedTuple):
    """What one round found: answers for each second of the service's CPU, and how long each answer took."""

    per_cpu_second: float
    latencies_ms: list[float]


class Asker:
    """Asks a service for `wanted`, a whole request, over as many connections as there are clients."""

    def __init__(self, node: Node, wanted: bytes, *, clients: int, status: int = OK) -> None:
        self._pool = Pool(node.port, clients)
        self._clients = clients
        self._process = psutil.Process(node.process.pid)
        self._wanted = wanted
        self._status = status

    async def round(self, seconds: float) -> Round:
        """Ask without pause; every answer has to be a good one."""
        latencies_ms: list[float] = []
        running_still, stop_at = self._clients, time.perf_counter() + seconds
        finished, statuses = asyncio.Event(), set[int]()

        def go_on(answer: Answer) -> None:
            nonlocal running_still
            latencies_ms.append((answer.received_s - answer.sent_s) * 1000)
            statuses.add(answer.status)
            if answer.received_s < stop_at:
                self._pool.ask(self._wanted, go_on)
                return
            running_still -= 1
            if not running_still:
                finished.set()

        before_s = self._cpu_s()
        for _ in range(self._clients):
            self._pool.ask(self._wanted, go_on)
        await finished.wait()
        spent_s = self._cpu_s() - before_s
        if statuses != {self._status}:
            raise RuntimeError(f"a picture answered {statuses}")
        return Round(len(latencies_ms) / spent_s, latencies_ms)

    def _cpu_s(self) -> float:
        times = self._process.cpu_times()
        return times.user + times.system


async def ask_once(node: Node, wanted: bytes) -> Answer:
    """Send a request over a connection of its own."""
    pool = Pool(node.port, 1)
    answer = await pool.exchange(wanted)
    pool.close()
    return answer
