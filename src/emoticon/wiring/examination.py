"""A look at everything that a start needs."""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from functools import partial

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.sql import migrate as schema
from emoticon.domain.errors import EmoticonError
from emoticon.domain.looks import new_look
from emoticon.domain.models import UPSTREAM, Format, Health, Look
from emoticon.domain.pictures import DEFAULT_PX
from emoticon.settings import Settings
from emoticon.wiring.database import open_database, require_schema
from emoticon.wiring.machine import SECRET_FILE, StartError, prepare_directory, signing_secret
from emoticon.wiring.originals import open_blobs
from emoticon.wiring.studio import Studio, open_studio
from emoticon.wiring.tiers import open_outer_tiers


async def examine(settings: Settings) -> AsyncIterator[Health]:
    """Try everything that a start needs, one after the other."""
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "data directory": partial(_examine_directory, settings),
        "signing key": partial(_examine_secret, settings),
        "database": partial(_examine_database, settings),
        "drawing": partial(_examine_drawing, settings),
    }
    if settings.shared_tier is not None:
        checks["shared tier"] = partial(_examine_shared_tier, settings)
    if settings.store_url is not None:
        checks["uploads"] = partial(_examine_uploads, settings)
    if settings.upstream_url is not None:
        checks["upstream"] = partial(_examine_upstream, settings)
    for name, check in checks.items():
        try:
            yield Health(name, ok=True, detail=await check())
        except (StartError, EmoticonError) as error:
            yield Health(name, ok=False, detail=str(error))


async def _examine_directory(settings: Settings) -> str:
    prepare_directory(settings.data_dir)
    space = os.statvfs(settings.data_dir)
    return f"{settings.data_dir}, {space.f_bavail * space.f_frsize / 2**30:.1f} GiB free"


async def _examine_secret(settings: Settings) -> str:
    signing_secret(settings)
    if settings.jwt_secret is not None:
        return "given by JWT_SECRET"
    return f"kept in {settings.data_dir / SECRET_FILE}"


async def _examine_database(settings: Settings) -> str:
    impatient = settings.model_copy(update={"database_wait_s": 0})
    async with open_database(impatient) as engine:
        found = await schema.current_revision(engine)
        if not settings.embedded:
            await require_schema(engine, settings)
    place = "SQLite in the data directory" if settings.embedded else "the given database"
    state = f"schema {found}" if found == schema.HEAD else "migrated at the next start"
    return f"{place}, {state}"


async def _examine_shared_tier(settings: Settings) -> str:
    shared, *_ = tiers = open_outer_tiers(settings, SystemClock())
    try:
        extent = await shared.extent()
    finally:
        for tier in tiers:
            await tier.aclose()
    used = f"{extent.used_bytes / 2**20:.0f} MiB used"
    if extent.limit_bytes:
        return f"{used} of {extent.limit_bytes / 2**20:.0f}"
    return f"{used} without a limit: set maxmemory and maxmemory-policy, see deploy/valkey.conf"


async def _examine_uploads(settings: Settings) -> str:
    async with aclosing(open_blobs(settings)) as blobs:
        # A task of its own, for coverage loses sight of whoever waits for a library in Rust.
        await asyncio.create_task(blobs.ping())
    return "the store of EMOTICON_STORE_URL answers"


async def _examine_drawing(settings: Settings) -> str:
    async with open_studio(settings) as studio:
        return await _try(studio, new_look(studio.generators.stand_in_style))


async def _examine_upstream(settings: Settings) -> str:
    look = new_look(UPSTREAM, generator=UPSTREAM, generator_version=settings.upstream_version)
    async with open_studio(settings) as studio:
        return await _try(studio, look)


async def _try(studio: Studio, look: Look) -> str:
    began = time.perf_counter()
    drawing = await studio.generators.of(look).draw(look, DEFAULT_PX, Format.PNG)
    took_ms = (time.perf_counter() - began) * 1000
    return f"{look.style}, {DEFAULT_PX} px: {len(drawing.body)} bytes in {took_ms:.0f} ms"
