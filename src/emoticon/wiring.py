"""The one place that sees adapters: makes them from settings, hands them to use cases, closes them in reverse."""

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from emoticon.adapters import secret
from emoticon.adapters.clock import SystemClock
from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.adapters.passwords import PasswordHasher, ZxcvbnMeter
from emoticon.adapters.signer import HmacSigner
from emoticon.adapters.sql import migrate as schema
from emoticon.adapters.sql import reference
from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import (
    DatabaseRefused,
    DatabaseUnreachable,
    open_engine,
    wait_for_database,
)
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.adapters.tiers.disk import DiskTier
from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.accounts import Accounts
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import DrawingBusy, EmoticonError, HashingBusy, StoreUnavailable
from emoticon.domain.looks import new_look
from emoticon.domain.models import Format, Health
from emoticon.domain.passwords import PasswordRules
from emoticon.domain.pictures import DEFAULT_PX
from emoticon.domain.ports import Generator, Rasteriser
from emoticon.domain.services import Readiness, Services
from emoticon.domain.sessions import Sessions, TokenPolicy
from emoticon.domain.tiers import Tiers
from emoticon.domain.tokens import Tokens
from emoticon.domain.workers import Workers
from emoticon.settings import Settings

log = structlog.get_logger("emoticon")

_HASHING_NICENESS = 10
SECRET_FILE = "jwt-secret"  # noqa: S105 - the name of a file
PICTURES_FILE = "pictures.sqlite3"


class StartError(Exception):
    """The service cannot start as it is configured; the text says why and what to do, and holds no secret."""


@dataclass(frozen=True, slots=True)
class Studio:
    """What draws."""

    generator: Generator
    rasteriser: Rasteriser


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open everything, ready to serve: the database answers and has the schema, the default style is loaded.

    Raises:
        StartError: see the text.
    """
    async with AsyncExitStack() as stack:
        _prepare_directory(settings.data_dir)
        clock = SystemClock()
        signer = HmacSigner(
            _secret(settings),
            issuer=settings.issuer,
            max_life_s=settings.access_token_s,
            clock=clock,
        )
        engine = await stack.enter_async_context(_open_database(settings))
        await _require_schema(engine, settings)
        store = SqlAccountStore(engine)
        hashing = Workers(
            "hash",
            threads=max(1, _cores() // settings.workers),
            queue=settings.hash_queue,
            busy=HashingBusy,
            niceness=_HASHING_NICENESS,
        )
        stack.callback(hashing.close)
        hasher = PasswordHasher(hashing)
        studio = await stack.enter_async_context(open_studio(settings))
        disk = DiskTier(
            settings.data_dir / PICTURES_FILE, max_bytes=settings.disk_tier_bytes, clock=clock
        )
        tiers = Tiers(MemoryTier(settings.memory_tier_bytes), [disk])
        stack.push_async_callback(tiers.aclose)
        tokens = Tokens(signer, clock, settings.access_token_s, settings.session_s)
        yield Services(
            accounts=Accounts(
                store=store,
                hasher=hasher,
                rules=PasswordRules(
                    ZxcvbnMeter(), settings.password_min_bytes, settings.password_min_score
                ),
                tokens=tokens,
                new_look=partial(new_look, settings.default_style),
                open=settings.signups == "open",
            ),
            sessions=Sessions(
                accounts=store,
                store=SqlSessionStore(engine, clock),
                hasher=hasher,
                signer=signer,
                tokens=tokens,
                policy=TokenPolicy(settings.token_policy),
            ),
            emoticons=Emoticons(tiers, studio.generator),
            readiness=Readiness({"database": store.ping}),
        )


@asynccontextmanager
async def open_studio(settings: Settings) -> AsyncIterator[Studio]:
    """Open what draws, with the default style loaded. Raises StartError when that style does not exist."""
    drawing = Workers(
        "draw",
        threads=settings.draw_threads or max(1, _cores() // settings.workers),
        queue=settings.draw_queue,
        busy=DrawingBusy,
    )
    try:
        rasteriser = VipsRasteriser()
        generator = DiceBearGenerator(rasteriser, drawing, deadline_s=settings.draw_deadline_s)
        if settings.default_style not in generator.style_names:
            raise StartError(
                f"EMOTICON_DEFAULT_STYLE={settings.default_style!r} is not a style;"
                " `emoticon styles` lists them"
            )
        await generator.warm(settings.default_style)
        yield Studio(generator, rasteriser)
    finally:
        drawing.close()


async def migrate(settings: Settings, *, on_step: Callable[[str], None]) -> None:
    """Bring the database to this version's schema; `on_step` hears what is done. Raises StartError."""
    _prepare_directory(settings.data_dir)
    async with _open_database(settings) as engine:
        await schema.upgrade(engine, on_step)
        on_step(f"the schema is at {schema.HEAD}")


async def import_reference(
    settings: Settings, *, on_progress: Callable[[int, int], None]
) -> reference.ImportReport:
    """Take over the accounts of the reference service from `users` in the same database. Raises StartError."""
    async with _open_database(settings) as engine:
        return await reference.import_reference(
            engine,
            engine,
            new_look=partial(new_look, settings.default_style),
            clock=SystemClock(),
            on_progress=on_progress,
        )


async def examine(settings: Settings) -> AsyncIterator[Health]:
    """Try everything that a start needs, one after the other."""
    checks: dict[str, Callable[[], Awaitable[str]]] = {
        "data directory": partial(_examine_directory, settings),
        "signing key": partial(_examine_secret, settings),
        "database": partial(_examine_database, settings),
        "drawing": partial(_examine_drawing, settings),
    }
    for name, check in checks.items():
        try:
            yield Health(name, ok=True, detail=await check())
        except (StartError, EmoticonError) as error:
            yield Health(name, ok=False, detail=str(error))


async def _examine_directory(settings: Settings) -> str:
    _prepare_directory(settings.data_dir)
    space = os.statvfs(settings.data_dir)
    return f"{settings.data_dir}, {space.f_bavail * space.f_frsize / 2**30:.1f} GiB free"


async def _examine_secret(settings: Settings) -> str:
    _secret(settings)
    if settings.jwt_secret is not None:
        return "given by JWT_SECRET"
    return f"kept in {settings.data_dir / SECRET_FILE}"


async def _examine_database(settings: Settings) -> str:
    impatient = settings.model_copy(update={"database_wait_s": 0})
    async with _open_database(impatient) as engine:
        found = await schema.current_revision(engine)
        if not settings.embedded:
            await _require_schema(engine, settings)
    place = "SQLite in the data directory" if settings.embedded else "the given database"
    state = f"schema {found}" if found == schema.HEAD else "migrated at the next start"
    return f"{place}, {state}"


async def _examine_drawing(settings: Settings) -> str:
    async with open_studio(settings) as studio:
        began = time.perf_counter()
        look = new_look(settings.default_style)
        body = await studio.generator.draw(look, DEFAULT_PX, Format.PNG)
        took_ms = (time.perf_counter() - began) * 1000
    return f"{look.style}, {DEFAULT_PX} px: {len(body)} bytes in {took_ms:.0f} ms"


@asynccontextmanager
async def _open_database(settings: Settings) -> AsyncIterator[AsyncEngine]:
    """Connect, waiting for a server that is not up yet. Raises StartError, also for what fails while it is open."""
    engine = open_engine(settings.database)
    try:
        await wait_for_database(engine, wait_s=settings.database_wait_s, on_wait=_say_waiting)
        yield engine
    except (
        DatabaseRefused,
        DatabaseUnreachable,
        reference.ReferenceMissing,
        schema.SchemaTooNew,
    ) as error:
        raise StartError(str(error)) from None
    except StoreUnavailable as error:
        raise StartError(error.detail) from error
    finally:
        await engine.dispose()


def _say_waiting(step: int, reason: str, next_try_s: float) -> None:
    log.warning(
        "the database is not there yet",
        attempt=step,
        reason=reason,
        next_try_s=round(next_try_s, 2),
    )


async def _require_schema(engine: AsyncEngine, settings: Settings) -> None:
    found = await schema.current_revision(engine)
    if found == schema.HEAD:
        return
    if settings.embedded:
        if found is not None or not await schema.create(engine):
            await schema.upgrade(engine, lambda step: log.info("migrated", step=step))
        return
    state = (
        "has no tables yet" if found is None else f"is at {found}, this version needs {schema.HEAD}"
    )
    raise StartError(f"the database {state}; run: emoticon migrate")


def _secret(settings: Settings) -> bytes:
    if settings.jwt_secret is not None:
        return settings.jwt_secret.get_secret_value().encode(errors="surrogateescape")
    try:
        return secret.load_or_create(settings.data_dir / SECRET_FILE)
    except (OSError, ValueError) as error:
        raise StartError(f"the signing key cannot be used: {error}") from None


def _prepare_directory(path: Path) -> None:
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise StartError(
            f"cannot use {path}: {error.strerror}; EMOTICON_DATA_DIR names another directory"
        ) from None


def _cores() -> int:
    """Return the cores that this process may use, which a container can limit."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
