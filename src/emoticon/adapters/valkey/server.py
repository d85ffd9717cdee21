"""One server: its connections, the deadline of a question, the breaker."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final, TypeVar

from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import CLOSED, HALF_OPENED, OpenedState
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import parse_url
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.crc import REDIS_CLUSTER_HASH_SLOTS
from redis.exceptions import RedisError, ResponseError

CONNECTIONS: Final = 16
"""To each server."""

_FAILURES = 3
_CLOSE_S = 1.0
_DISCOVERY_S = 1.0
_HOST = re.compile(r"[0-9A-Za-z._:-]+")

FOREIGN: Final = (RedisError, OSError, AttributeError, TypeError, ValueError)
"""What can go wrong with a question; the last three: an answer of a form that Valkey does not give."""

Command = tuple[str | bytes | int, ...]
T = TypeVar("T")


class Unanswered(Exception):
    """Nothing came in time, or a refusal. Says only the kind of error: some servers quote the password in its text."""


class Distrusted(Exception):
    """Raised by the `read` of a question when what came is not the answer to it."""


class Server:
    """Up to CONNECTIONS connections to the server of `url`, which is redis://, rediss:// or unix://.

    After three failures in a row it is left alone for `retry_s`; then one caller tries. A refusal is no failure: a
    server that is full or only to be read still answers other questions.
    """

    def __init__(self, url: str, *, timeout_s: float, retry_s: float) -> None:
        self.pool = ConnectionPool(**options(url))
        self._timeout_s = timeout_s
        # A pool that waits for connections by itself loses them when a waiting caller is cancelled.
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._breaker = SyncCircuitBreakerFactory(
            default_threshold=_FAILURES,
            default_ttl=retry_s,
            exclude=[asyncio.CancelledError, ResponseError, Distrusted],
        ).get_breaker("valkey")
        self._closed = False

    @property
    def available(self) -> bool:
        """Whether it is asked."""
        return not self._closed and bool(self._breaker.context.state == CLOSED)

    async def ask(
        self,
        *commands: Command,
        read: Callable[[list[Any]], T],
        timeout_s: float | None = None,
    ) -> T:
        """Send commands together and return what `read` makes of the answers, of which none is a refusal.

        When anything else goes wrong or the caller is cancelled, the connection is thrown away: what comes late would
        be taken for the answer to the next question (redis-py #2665). Raises Unanswered, and what `read` raises.
        """
        async with self.turn(timeout_s):
            connection = await self.pool.get_connection()  # type: ignore[no-untyped-call]  # as it says
            try:
                await connection.send_packed_command(connection.pack_commands(commands))
                answers, refusals = [], []
                for _ in commands:
                    try:
                        answers.append(await connection.read_response())
                    except ResponseError as error:
                        refusals.append(error)
                if not refusals:
                    return read(answers)
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
            finally:
                await self.pool.release(connection)
            raise refusals[0]

    async def slots(self) -> list[tuple[int, int, str]]:
        """Return first and last slot and place of what each primary of a cluster has, as this server of it knows."""
        own_host = self.pool.connection_kwargs.get("host", "localhost")

        def read(answers: list[Any]) -> list[tuple[int, int, str]]:
            return [
                (_slot(first), _slot(last), _place(host or own_host.encode(), port))
                for first, last, (host, port, *_), *_ in answers[0]
            ]

        return await self.ask(("CLUSTER", "SLOTS"), read=read, timeout_s=_DISCOVERY_S)

    @asynccontextmanager
    async def turn(self, timeout_s: float | None = None) -> AsyncIterator[None]:
        """Bound what the body asks over a connection of `pool`, the wait for its turn included.

        What can go wrong becomes Unanswered. To have waited in vain for a turn is no failure of the server's.
        """
        until_s = asyncio.get_running_loop().time() + (timeout_s or self._timeout_s)
        try:
            async with asyncio.timeout_at(until_s):
                await self._turns.acquire()
            try:
                if self._closed or self._breaker.context.state == HALF_OPENED:
                    raise Unanswered("closed, or another caller is trying")
                with self._breaker:
                    async with asyncio.timeout_at(until_s):
                        yield
            finally:
                self._turns.release()
                if self._closed:  # it may have been connected anew since
                    await self._disconnect()
        except OpenedState as error:
            error.__traceback__ = None  # the same object for every caller: it would grow with each
            raise Unanswered("left alone for a moment") from None
        except FOREIGN as error:
            raise Unanswered(type(error).__name__) from None

    async def aclose(self) -> None:
        """Cut all connections; whoever waits for an answer gets none. Idempotent."""
        self._closed = True
        await self._disconnect()

    async def _disconnect(self) -> None:
        with suppress(RedisError, OSError):
            await self.pool.aclose()


def options(url: str) -> dict[str, Any]:
    """Return what a connection to the server of `url` is made with. Raises ValueError without the URL in it."""
    try:
        found: dict[str, Any] = {**parse_url(url)}
    except ValueError:
        raise ValueError("The URL of Valkey cannot be used") from None  # the reason quotes it
    # In this form answers are read here, and only with it a connection in which one was left is thrown away.
    found |= {"protocol": 2, "decode_responses": False}
    # A question has one deadline, counted by its turn. This one is for the end of a connection.
    found |= {"socket_timeout": None, "socket_connect_timeout": _CLOSE_S}
    return found | {"retry": Retry(NoBackoff(), 0), "max_connections": None}


def _slot(number: int) -> int:
    if not 0 <= number < REDIS_CLUSTER_HASH_SLOTS:
        raise ValueError
    return number


def _place(host: bytes, port: int) -> str:
    """Return the part of a URL for a host by name or by an address of version 4 or 6."""
    name = host.decode()
    if not _HOST.fullmatch(name):
        raise ValueError
    return f"[{name}]:{port:d}" if ":" in name else f"{name}:{port:d}"
