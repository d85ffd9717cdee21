"""A steady load of every kind over several nodes that knows which tokens are dead, and notes every answer."""

import asyncio
import random
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from math import inf
from typing import NamedTuple

from bench.load import Answer, Pool, steadily
from bench.service import emoticon, refresh, sign_in, sign_out, sign_up

KINDS = ("pictures", "new tokens", "dead tokens", "sign-ins", "refreshes", "sign-outs")
PICTURES_PER_S = 100
DEAD_PER_S = 20
CHANGE_EVERY_S = 0.5
OUTSTANDING = 40
"""Answers of a kind that a node may owe; while it owes so many it is asked for no more."""
PROMISED_S = 5.0
"""A node that has not heard for longer trusts nothing, so no dead token may be good for longer."""
USUAL_S = 1.5
OK, NO_CONTENT, UNAUTHORIZED = 200, 204, 401

_random = random.SystemRandom()


@dataclass
class Token:
    """An access token as a request for a picture; `died_s` is when the answer came that ended it."""

    wanted: bytes
    died_s: float = inf
    refused_s: dict[int, float] = field(default_factory=dict)


class Note(NamedTuple):
    """One answer; `well` is whether it is as on a good day. `life_s` is how old a death the node did not know."""

    kind: str
    node: int
    status: int
    sent_s: float
    received_s: float
    well: bool
    life_s: float = -inf
    revived: bool = False


class Load:
    """Each node serves a viewer, and one account each that signs in, refreshes, and signs in and out, without end.

    Whatever they are given is tried on all nodes at once, so that all of them know it, and again when it is dead.
    """

    def __init__(self, ports: list[int]) -> None:
        self.nodes = range(len(ports))
        self.notes: list[Note] = []
        self._pools = [Pool(port, len(KINDS) * OUTSTANDING) for port in ports]
        self._recent: deque[Token] = deque(maxlen=12)
        self._older: deque[Token] = deque(maxlen=600)
        self._owed: Counter[tuple[str, int]] = Counter()

    @property
    def owed(self) -> int:
        """Answers that have not come yet."""
        return self._owed.total()

    @asynccontextmanager
    async def running(self) -> AsyncGenerator[None]:
        """Keep the load up."""
        viewer = await self._new_account("viewer")
        tasks = []
        for node in self.nodes:
            tasks += [
                steadily(PICTURES_PER_S, partial(self._ask, "pictures", node, viewer)),
                steadily(DEAD_PER_S, partial(self._ask_dead, node)),
                self._sign_in_forever(node),
                self._refresh_forever(node),
                self._come_and_go_forever(node),
            ]
        running = [asyncio.create_task(task) for task in tasks]
        try:
            yield
        finally:
            for each in running:
                each.cancel()
            await asyncio.wait(running)
            for each in running:
                if not each.cancelled():
                    raise RuntimeError("the load broke") from each.exception()

    async def _new_account(self, username: str) -> Token:
        answer = await self._pools[0].exchange(sign_up(username))
        return Token(emoticon(username, answer.body))

    def _ask_dead(self, node: int) -> None:
        tokens = _random.choice([self._recent, self._older])
        self._ask("dead tokens", node, _random.choice(tokens) if tokens else None)

    def _ask(self, kind: str, node: int, token: Token | None) -> None:
        if token is None or self._owed[kind, node] >= OUTSTANDING:
            return
        self._owed[kind, node] += 1

        def note(answer: Answer) -> None:
            self._owed[kind, node] -= 1
            self.notes.append(_judged(kind, node, token, answer))

        self._pools[node].ask(token.wanted, note)

    async def _sign_in_forever(self, node: int) -> None:
        username = f"signer-{node}"
        current = await self._new_account(username)
        while True:
            await asyncio.sleep(CHANGE_EVERY_S)
            answer = await self._exchange("sign-ins", node, sign_in(username))
            if answer.status == OK:
                current = self._replaced(current, username, answer)

    async def _refresh_forever(self, node: int) -> None:
        username = f"refresher-{node}"
        current = await self._new_account(username)
        wanted = b""
        while True:
            await asyncio.sleep(CHANGE_EVERY_S)
            kind = "refreshes" if wanted else "sign-ins"
            answer = await self._exchange(kind, node, wanted or sign_in(username))
            if answer.status == OK:
                current = self._replaced(current, username, answer)
                wanted = refresh(answer.body)
            elif answer.status == UNAUTHORIZED:  # an answer was lost, and its grace has passed
                wanted = b""

    async def _come_and_go_forever(self, node: int) -> None:
        username = f"leaver-{node}"
        current = await self._new_account(username)
        leaving = b""
        while True:
            await asyncio.sleep(CHANGE_EVERY_S)
            kind = "sign-outs" if leaving else "sign-ins"
            answer = await self._exchange(kind, node, leaving or sign_in(username))
            if answer.status == OK:
                current = self._replaced(current, username, answer)
                leaving = sign_out(answer.body)
            elif answer.status in {NO_CONTENT, UNAUTHORIZED}:
                self._bury(current, answer)
                leaving = b""

    async def _exchange(self, kind: str, node: int, wanted: bytes) -> Answer:
        # Also noted when the load ends meanwhile.
        return await asyncio.shield(asyncio.create_task(self._noted(kind, node, wanted)))

    async def _noted(self, kind: str, node: int, wanted: bytes) -> Answer:
        self._owed[kind, node] += 1
        answer = await self._pools[node].exchange(wanted)
        self._owed[kind, node] -= 1
        well = answer.status in {OK, NO_CONTENT}
        self.notes.append(Note(kind, node, answer.status, answer.sent_s, answer.received_s, well))
        return answer

    def _replaced(self, old: Token, username: str, answer: Answer) -> Token:
        self._bury(old, answer)
        new = Token(emoticon(username, answer.body))
        for node in self.nodes:
            self._ask("new tokens", node, new)
        return new

    def _bury(self, token: Token, answer: Answer) -> None:
        if token.died_s == inf:
            token.died_s = answer.received_s
            self._recent.append(token)
            self._older.append(token)


def _judged(kind: str, node: int, token: Token, answer: Answer) -> Note:
    status, _, sent_s, received_s = answer
    dead_s = sent_s - token.died_s
    # Refused once, or dead for longer than is promised: then nothing may make it good again.
    revived = status == OK and (
        received_s - token.died_s > PROMISED_S or sent_s > token.refused_s.get(node, inf)
    )
    if status == UNAUTHORIZED and node not in token.refused_s:
        token.refused_s[node] = received_s
    alive = token.died_s > received_s
    usual = status == OK and (alive or dead_s < USUAL_S)
    well = usual or (status == UNAUTHORIZED and not alive)
    life_s = dead_s if status == OK else -inf
    return Note(kind, node, status, sent_s, received_s, well, life_s, revived)
