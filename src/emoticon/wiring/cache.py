"""What the commands need that look after the tiers which outlive a process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress

from sqlalchemy.ext.asyncio import AsyncEngine

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.generators import styles
from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.domain.cache import Cache
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.ports import OuterTier
from emoticon.domain.sweeping import Sweeping
from emoticon.domain.unbroken import finished
from emoticon.domain.warming import Warming
from emoticon.settings import Settings
from emoticon.wiring.database import open_database, require_schema
from emoticon.wiring.machine import cores, prepare_directory
from emoticon.wiring.originals import new_sweeping, open_blobs
from emoticon.wiring.studio import open_studio
from emoticon.wiring.tiers import open_outer_tiers, open_tiers

style_names = styles.names


@asynccontextmanager
async def open_cache(settings: Settings) -> AsyncIterator[Cache]:
    """Open what looks after the tiers, beside a running service or without one. Raises StartError."""
    async with _open_engine(settings) as engine, AsyncExitStack() as stack:
        tiers = open_outer_tiers(settings, SystemClock())
        for tier in tiers:
            stack.push_async_callback(_close, tier)
        yield Cache(SqlAccountStore(engine), SqlErasureStore(engine), tiers)


@asynccontextmanager
async def open_sweeping(settings: Settings) -> AsyncIterator[Sweeping]:
    """Open what looks after uploaded pictures, beside a running service or without one. Raises StartError."""
    async with _open_engine(settings) as engine:
        blobs = open_blobs(settings)
        try:
            yield new_sweeping(settings, engine, blobs)
        finally:
            await blobs.aclose()


@asynccontextmanager
async def open_warming(
    settings: Settings,
) -> AsyncIterator[tuple[Warming, Sequence[OuterTier]]]:
    """Open what draws ahead, and the tiers that it fills. Raises StartError."""
    async with _open_engine(settings) as engine, open_studio(settings) as studio:
        tiers = open_tiers(settings, SystemClock())
        try:
            yield (
                Warming(
                    SqlAccountStore(engine),
                    Emoticons(tiers, studio.generators),
                    at_once=settings.draw_threads or max(1, cores() // settings.workers),
                ),
                tiers.outer,
            )
        finally:
            await tiers.aclose()


@asynccontextmanager
async def _open_engine(settings: Settings) -> AsyncIterator[AsyncEngine]:
    prepare_directory(settings.data_dir)
    async with open_database(settings) as engine:
        await require_schema(engine, settings)
        try:
            yield engine
        finally:
            await finished()


async def _close(tier: OuterTier) -> None:
    with suppress(TierUnavailable):
        await tier.aclose()
