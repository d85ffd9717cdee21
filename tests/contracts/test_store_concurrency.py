"""What holds when everything happens to the same accounts at once, from two nodes."""

import asyncio
import random
from collections import Counter
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS, new_account, new_session
from tests.contracts.rows import events, row_of, rows_of
from tests.servers import opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.sql.tables import sessions
from emoticon.domain.models import Account, Change, Event, Origin, Rotation

CALLS = 150
AT_ONCE = 8
ALWAYS_MS = 2**62
ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")


class Node:
    """One of two nodes, and what it does at random to the accounts that both of them serve."""

    def __init__(self, engine: AsyncEngine, people: list[Account], dice: random.Random) -> None:
        self.accounts = SqlAccountStore(engine)
        self.sessions = SqlSessionStore(engine)
        self._people = people
        self._dice = dice
        self.known: list[str] = []

    async def start(self) -> object:
        """Open a session, sometimes the only one."""
        session, alone = new_session(), self._dice.random() < 0.2
        person = self._dice.choice(self._people)
        self.known.append(session.id)
        return await self.sessions.start(
            person.id, session, end_others=alone, raise_floor=self._dice.random() < 0.5
        )

    async def rotate(self) -> object:
        """Use a token of any session, mostly one that is good."""
        return await self.sessions.rotate(
            self._session(),
            self._dice.choice([0, 0, 0, 1, 2]),
            now_ms=NOW_MS,
            grace_ms=self._dice.choice([0, 10_000, 10_000]),
            idle_ms=3_600_000,
            raise_floor=True,
            origin=ORIGIN,
        )

    async def end(self) -> object:
        """Sign out."""
        return await self.sessions.end(
            self._session(), account_id=None, event=Event.SIGN_OUT, origin=ORIGIN
        )

    async def end_all(self) -> object:
        """Sign out everywhere."""
        return await self.sessions.end_all(self._dice.choice(self._people).id, ORIGIN)

    async def change_password(self) -> object:
        """Change a password, or fail to since it is another by now."""
        return await self.accounts.change_password(
            self._dice.choice(self._people).id,
            old=self._dice.choice([None, "old"]),
            new="new",
            session=new_session(),
            origin=ORIGIN,
        )

    async def prune(self) -> object:
        """Forget sessions, the open ones included, in batches that may meet."""
        return await self.sessions.prune(ALWAYS_MS, 5)

    def _session(self) -> str:
        return self._dice.choice(self.known[-6:])


@pytest.mark.parametrize("seed", range(3))
async def test_whatever_happens_at_once_nobody_waits_for_another_in_a_circle(
    database: str, seed: int
) -> None:
    dice = random.Random(seed)  # noqa: S311 - the same each time
    async with opened(database) as one, opened(database) as other:
        people = [
            await SqlAccountStore(one).add(new_account(name), new_session(), free_before=0)
            for name in ("alice", "bob")
        ]
        nodes = [Node(engine, people, dice) for engine in (one, other)]
        nodes[1].known = nodes[0].known
        nodes[0].known += [row.id for row in await rows_of(one, sessions)]
        calls: list[Callable[[], Awaitable[object]]] = []
        for number in range(CALLS):
            node = nodes[number % 2]
            several = [node.start] * 8 + [node.rotate] * 16
            calls.append(
                dice.choice([*several, node.end, node.end_all, node.change_password, node.prune])
            )
        done: Counter[str] = Counter()

        async def work() -> None:
            while calls:
                call = calls.pop()
                result = await call()
                name = call.__name__
                if isinstance(result, Rotation):
                    name = "repeat" if result.repeated else "rotate"
                elif isinstance(result, Change) and name == "rotate":
                    name = "reuse"
                elif result is None:
                    name = "nothing"
                done[name] += 1

        async with asyncio.TaskGroup() as workers:
            for _ in range(AT_ONCE):
                workers.create_task(work())
        raising = ("start", "rotate", "end_all", "change_password")
        rows = [await row_of(one, person) for person in people]
        assert sum(row.version - 1 for row in rows) == sum(done[name] for name in raising)
        assert Counter(await events(one)) == Counter(
            {
                "sign_in": done["start"],
                "refresh": done["rotate"],
                "refresh_reuse": done["reuse"],
                "sign_out": done["end"],
                "sign_out_everywhere": done["end_all"],
                "password": done["change_password"],
            }
        )
