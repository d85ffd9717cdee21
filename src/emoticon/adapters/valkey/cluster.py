"""One server or a cluster of them: which one has a key."""

import asyncio
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from redis.crc import REDIS_CLUSTER_HASH_SLOTS, key_slot

from emoticon.adapters.valkey.server import Command, Server, Unanswered

BATCH: Final = 100
"""Commands that are sent at once."""

_CLUSTER = re.compile(
    r"(?P<kind>rediss?)\+cluster(?P<account>://(?:[^/?#]*@)?)(?P<places>[^@/?#]+)(?P<rest>(?:[/?#].*)?)"
)

T = TypeVar("T")


class Valkey:
    """One server, or the primaries of a cluster: then each question goes to the one that has its key.

    A cluster's URL begins with redis+cluster:// or rediss+cluster:// and may have several hosts, divided by commas.

    Each server of a cluster has a breaker of its own, and no question is sent twice: one that came to the wrong server
    is Unanswered, and who has which keys is found out for those after it. The client for clusters of redis-py connects
    to all of them anew after each failure of one.
    """

    def __init__(self, url: str, *, timeout_s: float, retry_s: float) -> None:
        found = _CLUSTER.fullmatch(url)
        places = found["places"].split(",") if found else [""]
        self._before = found["kind"] + found["account"] if found else url
        self._after = found["rest"] if found else ""
        self._timeout_s = timeout_s
        self._retry_s = retry_s
        self._servers: dict[str, Server] = {}
        self._seeds = [self._at(place) for place in places]
        self._primaries = self._seeds
        self._clustered = bool(found)
        self._slots: list[Server | None] = [] if found else [*self._seeds]
        self._discovery: asyncio.Task[bool] | None = None
        self._discover_at_s = 0.0

    @property
    def available(self) -> bool:
        """Whether all servers are asked."""
        return all(server.available for server in self._primaries)

    async def ask(
        self,
        key: str,
        *commands: Command,
        read: Callable[[list[Any]], T],
        timeout_s: float | None = None,
    ) -> T:
        """Ask the server that has the key; see Server.ask."""
        try:
            server = await self._server(key)
            return await server.ask(*commands, read=read, timeout_s=timeout_s)
        except Unanswered:
            self._doubt()
            raise

    async def ask_all(
        self,
        commands: Sequence[Command],
        *,
        read: Callable[[list[Any]], T],
        timeout_s: float,
    ) -> list[T]:
        """Send any number of commands, of which the second word is the key, and return what is read from each batch.

        A batch has BATCH commands or less, of one server and in their order, and a deadline of its own.
        """
        questions: dict[Server, list[Command]] = {}
        try:
            for command in commands:
                questions.setdefault(await self._server(str(command[1])), []).append(command)
            return [
                await server.ask(*some[at : at + BATCH], read=read, timeout_s=timeout_s)
                for server, some in questions.items()
                for at in range(0, len(some), BATCH)
            ]
        except Unanswered:
            self._doubt()
            raise

    async def servers(self, timeout_s: float | None = None) -> Sequence[Server]:
        """Return the servers that have all keys. Raises Unanswered when some keys have none."""
        if self._clustered:
            await self._discovered(timeout_s or self._timeout_s)
        if None in self._slots:
            raise Unanswered("some keys have no server")
        return self._primaries

    async def aclose(self) -> None:
        """Cut all connections. Idempotent."""
        if self._discovery:
            self._discovery.cancel()
            await asyncio.wait((self._discovery,))
        await asyncio.gather(*(server.aclose() for server in self._servers.values()))

    async def _server(self, key: str) -> Server:
        if not self._slots:
            await self._discovered(self._timeout_s)
        server = self._slots[key_slot(key.encode(), len(self._slots))]
        if server is None:
            raise Unanswered("a key has no server")
        return server

    def _doubt(self) -> None:
        """Find out in the background, once in a while, who has which keys now."""
        now_s = asyncio.get_running_loop().time()
        if self._clustered and now_s >= self._discover_at_s:
            self._discover_at_s = now_s + self._retry_s
            self._discover()

    async def _discovered(self, timeout_s: float) -> None:
        # Discovery has a time of its own, so that it comes to an end; nobody waits for it longer than for an answer.
        discovery = self._discover()
        await asyncio.wait((discovery,), timeout=timeout_s)
        if not discovery.done() or discovery.cancelled() or not discovery.result():
            raise Unanswered("the servers of the cluster are not known")

    def _discover(self) -> asyncio.Task[bool]:
        if self._discovery is None or self._discovery.done():
            self._discovery = asyncio.create_task(self._find_servers())
        return self._discovery

    async def _find_servers(self) -> bool:
        """Take the slots as the first server that answers has them; False when none does."""
        for server in sorted(self._servers.values(), key=lambda server: not server.available):
            with suppress(Unanswered):
                self._take(await server.slots())
                break
        else:
            return False
        for place, server in tuple(self._servers.items()):
            if server not in self._seeds and server not in self._primaries:
                await self._servers.pop(place).aclose()
        return True

    def _take(self, ranges: list[tuple[int, int, str]]) -> None:
        slots: list[Server | None] = [None] * REDIS_CLUSTER_HASH_SLOTS
        for first, last, place in ranges:
            slots[first : last + 1] = [self._at(place)] * (last + 1 - first)
        self._slots = slots
        self._primaries = [server for server in dict.fromkeys(slots) if server]

    def _at(self, place: str) -> Server:
        if place not in self._servers:
            self._servers[place] = Server(
                f"{self._before}{place}{self._after}",
                timeout_s=self._timeout_s,
                retry_s=self._retry_s,
            )
        return self._servers[place]
