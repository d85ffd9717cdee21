"""Pictures of many accounts in many sizes, asked for by clients that never pause, popular ones more often (Zipf)."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from typing import NamedTuple

from bench.load import Pool
from bench.service import request, sign_up

CLIENTS = 8
ACCOUNTS = 100
SIZES_PX = (16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256)
FORMATS = ("png", "webp")
ZIPF = 0.9
OK = 200


class Sample(NamedTuple):
    """One answer; times by `time.perf_counter`."""

    status: int
    sent_s: float
    received_s: float


async def sign_up_all(port: int, accounts: int = ACCOUNTS) -> list[bytes]:
    """Make accounts and return the requests for all their pictures, shuffled, the most popular first."""
    pool = Pool(port, 2)
    requests = []
    for number in range(accounts):
        username = f"viewer-{number}"
        answer = await pool.exchange(sign_up(username))
        bearer = f"Bearer {json.loads(answer.body)['access_token']}"
        requests += [
            request(
                "GET",
                # With a parameter that nobody reads, so that the tiers are asked, not the edge.
                f"/emoticon/?around=edge&username={username}&size={size_px}&format={picture_format}",
                Authorization=bearer,
            )
            for size_px, picture_format in itertools.product(SIZES_PX, FORMATS)
        ]
    pool.close()
    random.Random(accounts).shuffle(requests)  # noqa: S311 - the same order in each run
    return requests


class PictureLoad:
    """Clients in a closed loop; `samples` grows until it is stopped."""

    def __init__(self, port: int, requests: Sequence[bytes]) -> None:
        self._pool = Pool(port, CLIENTS)
        self._requests = requests
        self._weights = list(
            itertools.accumulate(1 / rank**ZIPF for rank in range(1, len(requests) + 1))
        )
        self.samples: list[Sample] = []

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the load up."""
        clients = [asyncio.create_task(self._ask_forever(number)) for number in range(CLIENTS)]
        try:
            yield
        finally:
            for client in clients:
                client.cancel()
            await asyncio.wait(clients)
            self._pool.close()

    def within(self, began_s: float, ended_s: float) -> list[Sample]:
        """Return the answers that came in this time."""
        return [sample for sample in self.samples if began_s <= sample.received_s < ended_s]

    def per_s(self, began_s: float, ended_s: float) -> float:
        """Return the good answers a second in this time."""
        good = sum(sample.status == OK for sample in self.within(began_s, ended_s))
        return good / (ended_s - began_s)

    async def _ask_forever(self, number: int) -> None:
        chance = random.Random(number)  # noqa: S311 - the same in each run
        while True:
            wanted = chance.choices(self._requests, cum_weights=self._weights)[0]
            answer = await self._pool.exchange(wanted)
            self.samples.append(Sample(answer.status, answer.sent_s, time.perf_counter()))
