"""The bulletin of several processes: a stream in Valkey or Redis, of which only the last minute is kept."""

import asyncio
import logging
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Final

from redis.asyncio import ConnectionPool, Redis
from redis.exceptions import RedisError
from typing_extensions import override

from emoticon.adapters.valkey.server import FOREIGN, Server, Unanswered, options
from emoticon.domain.errors import BulletinUnavailable
from emoticon.domain.models import Change
from emoticon.domain.ports import Bulletin, Clock

KEY: Final = "emoticon:changes"
KEPT_MS: Final = 60_000
PUBLISH_S: Final = 0.25
RETRY_S: Final = 1.0

BLOCK_MS: Final = 1000
_ANSWER_S = 2.0  # to a question that blocks, and to the handshake before it
_SLOWEST_MS = KEPT_MS // 2
_BATCH = 100

_FIELD = b"c"
_TEXT = re.compile(
    rb"([1-9][0-9]{0,18}) (0|[1-9][0-9]{0,18}) ([0-9a-f]{32}|)(?: ([1-9][0-9]{0,18}))?"
)
_MAX = 2**63 - 1
_BEFORE_ALL = b"0-0"
_QUIET_MS = 60_000

logger = logging.getLogger(__name__)


class RedisBulletin(Bulletin):
    """Publishes over a few connections, and listens over one more for each listener."""

    def __init__(self, url: str, *, clock: Clock) -> None:
        self._url = url
        self._clock = clock
        self._server = Server(url, timeout_s=PUBLISH_S, retry_s=RETRY_S)
        self._client = Redis(connection_pool=self._server.pool)
        self._trim_before_ms = 0
        self._listeners: set[_Listener] = set()
        self._quiet_until_ms = 0
        self._closed = False

    @override
    async def publish(self, change: Change) -> None:
        try:
            async with self._server.turn():
                await self._add(change)
        except Unanswered as error:
            raise BulletinUnavailable(f"{BulletinUnavailable.default_detail}: {error}") from None

    @override
    async def subscribe(self) -> AsyncIterator[Change]:
        if self._closed:
            raise BulletinUnavailable
        listener = _Listener(_client(self._url), self._clock, self._listeners, self._report)
        await listener.begin()
        return listener

    @override
    async def aclose(self) -> None:
        self._closed = True
        for listener in tuple(self._listeners):
            await listener.aclose()
        await self._server.aclose()

    async def _add(self, change: Change) -> None:
        text = f"{change.account_id} {change.floor} {change.session_id}"
        if change.revision:  # earlier versions of this program pass over what has one
            text += f" {change.revision}"
        made: Any = await self._client.xadd(KEY, {_FIELD: text}, minid=self._trim_before_ms)
        # An id begins with the server's time. Any other clock may be ahead and trim what nobody has read yet.
        self._trim_before_ms = max(_order(made)[0] - KEPT_MS, 0)

    def _report(self) -> None:
        now_ms = self._clock.elapsed_ms()
        if now_ms >= self._quiet_until_ms:
            self._quiet_until_ms = now_ms + _QUIET_MS
            logger.warning("Something that is no change stands in the stream %s: passed over", KEY)


class _Listener(AsyncIterator[Change]):
    """Reads on from an id; with its first error it ends for good. Stands in `listeners` until then."""

    def __init__(
        self,
        client: Redis,
        clock: Clock,
        listeners: "set[_Listener]",
        report: Callable[[], None],
    ) -> None:
        self._client = client
        self._clock = clock
        self._listeners = listeners
        self._report = report
        self._waiting: deque[Change] = deque()
        listeners.add(self)

    async def begin(self) -> None:
        """Find out after which id to listen: `$` would mean another one at each question."""
        await self._ask(self._begin)

    async def aclose(self) -> None:
        """Make the reader's `anext` raise, now and from now on. Idempotent."""
        self._listeners.discard(self)
        self._waiting.clear()
        await _close(self._client)

    @override
    async def __anext__(self) -> Change:
        while not self._waiting:
            await self._ask(self._read)
        return self._waiting.popleft()

    async def _ask(self, question: Callable[[], Awaitable[None]]) -> None:
        try:
            self._require_open()
            async with _within(_ANSWER_S):
                await question()
            self._require_open()  # it may have been closed before it was connected
        except BaseException:
            await self.aclose()
            raise

    def _require_open(self) -> None:
        if self not in self._listeners:
            raise BulletinUnavailable

    async def _begin(self) -> None:
        self._after = await self._newest()
        self._read_at_ms = self._clock.elapsed_ms()

    async def _read(self) -> None:
        found: Any = await self._client.xread({KEY: self._after}, count=_BATCH, block=BLOCK_MS)
        last_read_at_ms, self._read_at_ms = self._read_at_ms, self._clock.elapsed_ms()
        if self._read_at_ms - last_read_at_ms > _SLOWEST_MS:
            raise BulletinUnavailable("Changes may have been trimmed before they were read")
        for _, entries in found:
            for self._after, fields in entries:
                self._hear(fields)
        # In a stream that was begun anew while the server's clock was set back, new ids can lie before the old ones.
        if not found and _order(await self._newest()) < _order(self._after):
            raise BulletinUnavailable("The stream was emptied")

    async def _newest(self) -> bytes:
        found: Any = await self._client.xrevrange(KEY, count=1)
        return found[0][0] if found else _BEFORE_ALL

    def _hear(self, fields: dict[bytes, bytes]) -> None:
        match = _TEXT.fullmatch(fields.get(_FIELD, b"")) if len(fields) == 1 else None
        numbers = [int(part or 0) for part in match.group(1, 2, 4)] if match else []
        if match and max(numbers) <= _MAX:
            account_id, floor, revision = numbers
            self._waiting.append(Change(account_id, floor, match[3].decode(), revision))
        else:
            self._report()


def _client(url: str) -> Redis:
    return Redis.from_pool(ConnectionPool(**options(url)))


async def _close(client: Redis) -> None:
    with suppress(RedisError, OSError):
        await client.aclose()


@asynccontextmanager
async def _within(seconds: float) -> AsyncIterator[None]:
    """Bound what is asked of the server, and turn what can go wrong into BulletinUnavailable.

    Whoever is cut off here or cancelled has dropped its connection: redis-py does so in the middle of a command, for
    the answer that is still to come would be taken for that to the next one (redis-py #2665).
    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except FOREIGN as error:
        # Only the kind of error: some servers quote the password in its text.
        detail = f"{BulletinUnavailable.default_detail}: {type(error).__name__}"
        raise BulletinUnavailable(detail) from None


def _order(entry_id: bytes) -> tuple[int, int]:
    time_ms, number = entry_id.split(b"-")
    return int(time_ms), int(number)
