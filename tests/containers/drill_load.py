"""A steady load through nginx, of pictures and sign-ins, that notes what became of each request."""

import asyncio
import json
import random
import time
from collections import Counter
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from typing import NamedTuple

from bench.load import CUT_OFF, Answer, Pool, steadily
from bench.service import request, sign_in, sign_up

PUBLISHED, DRAWN, SIGN_INS = KINDS = ("published", "drawn", "sign-ins")
PICTURES_PER_S = 30
SIGN_INS_PER_S = 2
VIEWERS, SIGNERS = 20, 4
CONNECTIONS = 2000
LATE_S = 5.0
OK, NEVER = 200, -1

_random = random.Random(7)  # noqa: S311 - the same in each run


class Note(NamedTuple):
    """One request; times by `time.perf_counter`."""

    kind: str
    status: int
    sent_s: float
    received_s: float

    @property
    def failure(self) -> str:
        """What was wrong with the answer, or nothing."""
        if self.status == OK:
            return "late" if self.received_s - self.sent_s > LATE_S else ""
        return {CUT_OFF: "cut off", NEVER: "no answer"}.get(self.status, str(self.status))


class Load:
    """Requests at a steady rate, however slow the answers are (open loop)."""

    def __init__(self, port: int) -> None:
        self.notes: list[Note] = []
        self._pool = Pool(port, CONNECTIONS)
        self._owed: Counter[tuple[str, float]] = Counter()
        self._noted = asyncio.Event()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the load up."""
        bearers = [await self._new_account(f"viewer-{number}") for number in range(VIEWERS)]
        for number in range(SIGNERS):
            await self._new_account(f"signer-{number}")
        sending = (
            steadily(PICTURES_PER_S, partial(self._ask_published, bearers)),
            steadily(PICTURES_PER_S, partial(self._ask_drawn, bearers)),
            steadily(SIGN_INS_PER_S, self._sign_in),
        )
        tasks = [asyncio.create_task(each) for each in sending]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.wait(tasks)

    async def answered(self, until_s: float, at_most_s: float) -> None:
        """Wait for the answers to all that was sent until then; what is owed after that time is noted as such."""
        with suppress(TimeoutError):
            async with asyncio.timeout(at_most_s):
                while self._owing(until_s):
                    self._noted.clear()
                    await self._noted.wait()
        for kind, sent_s in self._owing(until_s):
            count = self._owed.pop((kind, sent_s))
            self.notes += [Note(kind, NEVER, sent_s, time.perf_counter())] * count

    def _owing(self, until_s: float) -> list[tuple[str, float]]:
        return [each for each in self._owed if each[1] < until_s]

    async def _new_account(self, username: str) -> str:
        answer = await self._pool.exchange(sign_up(username))
        return f"Bearer {json.loads(answer.body)['access_token']}"

    def _ask_published(self, bearers: Sequence[str]) -> None:
        number = _random.randrange(VIEWERS)
        self._ask(
            PUBLISHED,
            request("GET", f"/emoticon/?username=viewer-{number}", Authorization=bearers[number]),
        )

    def _ask_drawn(self, bearers: Sequence[str]) -> None:
        number, size_px = _random.randrange(VIEWERS), _random.randrange(16, 257)
        # With a parameter that nobody reads, so that nothing is published of it.
        target = f"/emoticon/?around=edge&username=viewer-{number}&size={size_px}"
        self._ask(DRAWN, request("GET", target, Authorization=bearers[number]))

    def _sign_in(self) -> None:
        self._ask(SIGN_INS, sign_in(f"signer-{_random.randrange(SIGNERS)}"))

    def _ask(self, kind: str, wanted: bytes) -> None:
        asked = kind, time.perf_counter()
        self._owed[asked] += 1

        def note(answer: Answer) -> None:
            if asked in self._owed:
                del self._owed[asked]
                self.notes.append(Note(kind, answer.status, asked[1], answer.received_s))
                self._noted.set()

        self._pool.ask(wanted, note)
