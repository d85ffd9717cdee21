"""Pictures in Valkey or Redis, for all nodes: in one server or a cluster, which may evict, be lost or be down."""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, Final, TypeVar

from typing_extensions import override

from emoticon.adapters.valkey.cluster import Valkey
from emoticon.adapters.valkey.server import Command, Distrusted, Server, Unanswered
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Extent, Kept, Label, TierFigures
from emoticon.domain.models import Picture
from emoticon.domain.pictures import examine, frame, unframe
from emoticon.domain.ports import Clock, OuterTier

TIMEOUT_S: Final = 0.05
RETRY_S: Final = 1.0
UPKEEP_S: Final = 5.0
"""For each question behind which no request waits."""
LARGEST_BYTES: Final = 256 << 10
"""Of a picture in its frame; a larger one is not kept, it would take too much of the server's time."""

PREFIX: Final = "emoticon:pictures:"
MARK: Final = "emoticon:erased"
_NAME = re.compile(rb"emoticon:pictures:(?:[1-9][0-9]{0,19}|0:[0-9a-f]{32})")
_NAMES = 100
_HASHES = 16
_FIELDS = 16

# Several nodes write it. MGET takes whatever else may stand there for nothing.
_RAISE = """
if tonumber(ARGV[1]) > (tonumber(redis.call('MGET', KEYS[1])[1] or '') or 0) then
  redis.call('SET', KEYS[1], ARGV[1])
end
"""
_USED = re.compile(rb"^used_memory:(\d+)", re.MULTILINE)
_LIMIT = re.compile(rb"^maxmemory:(\d+)", re.MULTILINE)

T = TypeVar("T")


class SharedTier(OuterTier):
    """Keeps the pictures of an owner in one hash, and each picture of nobody in one of its own.

    So whatever is of an owner goes in one step, wherever a cluster has it, and there is no index that could miss some.
    The server evicts owners, not pictures. See deploy/valkey.conf for the bytes.

    A put that was given up may still be done, as soon as the server comes round to it.
    """

    def __init__(
        self, url: str, clock: Clock, *, timeout_s: float = TIMEOUT_S, retry_s: float = RETRY_S
    ) -> None:
        self.valkey: Final = Valkey(url, timeout_s=timeout_s, retry_s=retry_s)
        self._clock = clock
        self._figures = TierFigures()

    @property
    @override
    def name(self) -> str:
        return "shared"

    @override
    async def get(self, label: Label) -> Picture | None:
        def read(answers: list[Any]) -> Picture | None:
            if answers == [None]:
                return None
            if found := unframe(label.key, *answers):
                return found
            raise Distrusted

        name = _name(label)
        try:
            with _reached():
                return await self.valkey.ask(name, ("HGET", name, label.key), read=read)
        except Distrusted:
            self._figures.damaged += 1
            with suppress(Unanswered):
                await self.valkey.ask(name, ("HDEL", name, label.key), read=len)
            return None

    @override
    async def put(self, label: Label, picture: Picture) -> None:
        name = _name(label)
        data = frame(label, picture, drawn_at_s=self._clock.now_ms() // 1000)
        self._figures.dropped += 1
        if len(data) <= LARGEST_BYTES:
            with _reached():
                await self.valkey.ask(name, ("HSET", name, label.key, data), read=len)
            self._figures.dropped -= 1
            self._figures.writes += 1

    @override
    async def forget(self, owners: Sequence[int]) -> int:
        names = [_name(Label(b"", owner)) for owner in owners]
        commands = [(word, name) for name in names for word in ("HLEN", "UNLINK")]
        return await self._upkeep(commands, read=lambda answers: sum(answers[::2]))

    @override
    def figures(self) -> TierFigures:
        return replace(self._figures, available=self.valkey.available)

    @override
    async def aclose(self) -> None:
        await self.valkey.aclose()

    @override
    async def marked(self) -> int:
        """See the port; never None, for a server may evict the number and keep pictures."""

        def read(answers: list[Any]) -> int:
            [[found]] = answers
            return int(found) if found and found.isdigit() else 0

        with _reached():
            return await self.valkey.ask(MARK, ("MGET", MARK), read=read, timeout_s=UPKEEP_S)

    @override
    async def mark(self, number: int) -> None:
        with _reached():
            await self.valkey.ask(
                MARK, ("EVAL", _RAISE, 1, MARK, number), read=len, timeout_s=UPKEEP_S
            )

    @override
    async def count(self, owner: int) -> int:
        return await self._upkeep([("HLEN", _name(Label(b"", owner)))], read=sum)

    @override
    async def walk(self) -> AsyncIterator[Sequence[Kept]]:
        with _reached():
            async for server, names in self._names("TYPE", "hash"):
                for at in range(0, len(names), _HASHES):
                    async for kept in _read(server, names[at : at + _HASHES]):
                        yield kept

    @override
    async def discard(self, kept: Sequence[Kept]) -> int:
        refs = [one.ref.partition(b"\0") for one in kept]
        return await self._upkeep(
            [("HDEL", name.decode(), field) for name, _, field in refs], read=sum
        )

    @override
    async def clear(self) -> None:
        with _reached():
            async for server, names in self._names():
                await server.ask(
                    *(("UNLINK", name) for name in names), read=len, timeout_s=UPKEEP_S
                )

    @override
    async def compact(self) -> int:
        return 0

    @override
    async def extent(self) -> Extent:
        """See the port; the bytes are those of everything that the servers keep, and not all of them are pictures."""

        def read(answers: list[Any]) -> tuple[int, int]:
            return int(_USED.findall(answers[0])[0]), int(_LIMIT.findall(answers[0])[0])

        with _reached():
            found = [
                await server.ask(("INFO", "memory"), read=read, timeout_s=UPKEEP_S)
                for server in await self.valkey.servers(UPKEEP_S)
            ]
        limits = [limit for _, limit in found]
        return Extent(None, sum(used for used, _ in found), sum(limits) if all(limits) else 0)

    async def _upkeep(
        self, commands: Sequence[Command], *, read: Callable[[list[Any]], int]
    ) -> int:
        """Send commands whose second word is the key, and return the sum of what is read, an even number at once."""
        with _reached():
            return sum(await self.valkey.ask_all(commands, read=read, timeout_s=UPKEEP_S))

    async def _names(self, *only: str) -> AsyncIterator[tuple[Server, list[bytes]]]:
        """Yield the names of all hashes, or of whatever else is called like one."""
        for server in await self.valkey.servers(UPKEEP_S):
            cursor = b"0"
            while True:
                cursor, names = await server.ask(
                    ("SCAN", cursor, "MATCH", f"{PREFIX}*", "COUNT", _NAMES, *only),
                    read=lambda answers: (
                        bytes(answers[0][0]),
                        [name for name in answers[0][1] if _NAME.fullmatch(name)],
                    ),
                    timeout_s=UPKEEP_S,
                )
                if names:
                    yield server, names
                if cursor == b"0":
                    break


async def _read(server: Server, names: Sequence[bytes]) -> AsyncIterator[Sequence[Kept]]:
    """Yield what is in some hashes; of one that is packed all at once, of any other a few fields at a time."""
    rest = [(name, b"0") for name in names]
    while rest:
        found = await server.ask(
            *(("HSCAN", *place, "COUNT", _FIELDS) for place in rest),
            read=_pairs,
            timeout_s=UPKEEP_S,
        )
        places = [name for name, _ in rest]
        yield [
            _kept(name, field, data)
            for name, (_, pairs) in zip(places, found, strict=True)
            for field, data in pairs
        ]
        rest = [
            (name, cursor)
            for name, (cursor, _) in zip(places, found, strict=True)
            if cursor != b"0"
        ]


def _pairs(answers: list[Any]) -> list[tuple[bytes, list[tuple[bytes, bytes]]]]:
    return [
        (cursor, list(zip(fields[::2], fields[1::2], strict=True))) for cursor, fields in answers
    ]


def _kept(name: bytes, field: bytes, data: bytes) -> Kept:
    kept = examine(name + b"\0" + field, data)
    in_place = kept.label.key == field and _name(kept.label).encode() == name
    return replace(kept, intact=kept.intact and in_place)


def _name(label: Label) -> str:
    return f"{PREFIX}{label.owner}" if label.owner else f"{PREFIX}0:{label.key.hex()}"


@contextmanager
def _reached() -> Iterator[None]:
    try:
        yield
    except Unanswered as error:
        raise TierUnavailable(f"{TierUnavailable.default_detail}: {error}") from None
