"""A store and a bulletin that work, fail or are slow as a test wishes."""

from collections.abc import AsyncIterator, Callable, Sequence

from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.sql.changes import SqlFloorStore
from emoticon.domain.errors import BulletinUnavailable
from emoticon.domain.models import Change
from emoticon.domain.ports import Bulletin


class Written(SqlFloorStore):
    """Fails or does something else on purpose, and notes how far back it was asked to look."""

    def __init__(self, engine: AsyncEngine) -> None:
        super().__init__(engine)
        self.asked: list[int] = []
        self.error: Exception | None = None
        self.meanwhile: Callable[[], None] = lambda: None

    @override
    async def recent(self, age_ms: int) -> Sequence[Change]:
        self.asked.append(age_ms)
        if self.error is not None:
            raise self.error
        changes = await super().recent(age_ms)
        self.meanwhile()
        return changes


class Radio(Bulletin):
    """Another bulletin, with a switch."""

    def __init__(self, real: LocalBulletin) -> None:
        self.real = real
        self.on = True
        self.subscribed = 0
        self.closed = 0

    @override
    async def publish(self, change: Change) -> None:
        if not self.on:
            raise BulletinUnavailable
        await self.real.publish(change)

    @override
    async def subscribe(self) -> AsyncIterator[Change]:
        self.subscribed += 1
        if not self.on:
            raise BulletinUnavailable
        return await self.real.subscribe()

    @override
    async def aclose(self) -> None:
        self.closed += 1
