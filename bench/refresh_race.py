"""Twenty clients use one refresh token at once, on three nodes; then somebody uses one that is long used up."""

import asyncio
import json
import sys
import time
from statistics import median

from bench.load import Answer, Pool, on_fast_loop
from bench.report import Report, percentile
from bench.service import DATABASE, Nodes, emoticon, refresh, running_nodes, sign_up

ROUNDS = 50
CLIENTS = 20
REPLAYS = 50
OK, UNAUTHORIZED = 200, 401
GIVE_UP_S = 10.0


class Race:
    """Counts what should be and what should not, and how long it took."""

    def __init__(self, nodes: Nodes) -> None:
        self._nodes = nodes
        self._pools = [Pool(port, CLIENTS) for port in nodes.ports]
        self.alone_ms: list[float] = []
        self.together_ms: list[float] = []
        self.right = 0
        self.replayed_ms: list[float] = []

    async def refreshes(self) -> None:
        """Alternate one refresh alone and twenty at once, each with the token of the one before."""
        answer = await self._sign_up("racer")
        for number in range(1, ROUNDS + 1):
            alone = await self._pools[number % len(self._pools)].exchange(refresh(answer))
            self.alone_ms.append((alone.received_s - alone.sent_s) * 1000)
            answer = await self._race(_ok(alone).body, counter=2 * number)

    async def replays(self) -> None:
        """Send a token that is two behind; then measure until each node refuses the last one."""
        for number in range(REPLAYS):
            username = f"victim-{number}"
            stolen = first = await self._sign_up(username)
            for pool in self._pools[:2]:
                first = _ok(await pool.exchange(refresh(first))).body
            for pool in self._pools:
                _ok(await pool.exchange(emoticon(username, first)))
            thief = await self._pools[number % len(self._pools)].exchange(refresh(stolen))
            if thief.status != UNAUTHORIZED:
                raise RuntimeError(f"a token two behind answered {thief.status}")
            refused_s = await asyncio.gather(
                *(self._refused(pool, emoticon(username, first)) for pool in self._pools)
            )
            self.replayed_ms.append((max(refused_s) - thief.received_s) * 1000)
            for pool in self._pools:
                last = await pool.exchange(refresh(first))
                if last.status != UNAUTHORIZED:
                    raise RuntimeError(f"a refresh in an ended session answered {last.status}")

    async def _race(self, answer: bytes, *, counter: int) -> bytes:
        wanted = refresh(answer)
        began = time.perf_counter()
        answers = await asyncio.gather(
            *(self._pools[client % len(self._pools)].exchange(wanted) for client in range(CLIENTS))
        )
        self.together_ms.append((time.perf_counter() - began) * 1000)
        for each in answers:
            _ok(each)
        successors = {json.loads(each.body)["refresh_token"] for each in answers}
        # Each of the tokens is good, on another node than the one that issued it.
        pictures = [
            await self._pools[(client + 1) % len(self._pools)].exchange(
                emoticon("racer", each.body)
            )
            for client, each in enumerate(answers)
        ]
        counted = await asyncio.to_thread(
            self._nodes.postgres.sql,
            "SELECT refresh_counter FROM sessions JOIN accounts ON accounts.id = account_id"
            " WHERE username = 'racer'",
            DATABASE,
        )
        good = all(picture.status == OK for picture in pictures)
        self.right += len(successors) == 1 and good and counted == str(counter)
        return answers[0].body

    async def _refused(self, pool: Pool, wanted: bytes) -> float:
        give_up_at = time.perf_counter() + GIVE_UP_S
        while time.perf_counter() < give_up_at:
            answer = await pool.exchange(wanted)
            if answer.status == UNAUTHORIZED:
                return answer.received_s
        raise RuntimeError("a token of an ended session stays good")

    async def _sign_up(self, username: str) -> bytes:
        return (await self._pools[0].exchange(sign_up(username))).body


def _ok(answer: Answer) -> Answer:
    if answer.status != OK:
        raise RuntimeError(f"{answer.status}: {answer.body[:200]!r}")
    return answer


async def measure(nodes: Nodes) -> Race:
    """Race, then replay."""
    race = Race(nodes)
    await race.refreshes()
    print(f"{race.right} of {ROUNDS} rounds as they should be", file=sys.stderr, flush=True)
    await race.replays()
    return race


def run() -> Report:
    """Measure on three nodes of its own."""
    with running_nodes(with_valkey=True) as nodes:
        race = on_fast_loop(measure(nodes))
    rows = {
        "one refresh alone": race.alone_ms,
        f"{CLIENTS} at once with one token, until all are answered": race.together_ms,
        "token two behind: from its 401 until 401 on all nodes": race.replayed_ms,
    }
    return Report(
        "One refresh token, used by many at once",
        f"Three nodes on PostgreSQL and Valkey. {CLIENTS} refreshes at once with one token, spread over the nodes,"
        f" {ROUNDS} rounds, each beside one refresh alone. **{race.right} of {ROUNDS} rounds** gave {CLIENTS} x 200"
        " with the same successor, tokens that are good on the other nodes, and one rotation in the database. Then"
        f" {REPLAYS} times a token two behind: its session ends, and neither its access nor its refresh token is good"
        " on any node. Times in ms.",
        ["", "median", "p99", "max"],
        [
            [what, f"{median(ms):.1f}", f"{percentile(ms, 0.99):.1f}", f"{max(ms):.1f}"]
            for what, ms in rows.items()
        ],
    )


if __name__ == "__main__":
    print(run().markdown())
