"""The database: opened, migrated, filled."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog
from sqlalchemy.ext.asyncio import AsyncEngine

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.sql import migrate as schema
from emoticon.adapters.sql import reference
from emoticon.adapters.sql.engine import (
    DatabaseRefused,
    DatabaseUnreachable,
    open_engine,
    wait_for_database,
)
from emoticon.adapters.sql.occupancy import Occupied, using
from emoticon.domain.errors import StoreUnavailable
from emoticon.settings import Settings
from emoticon.wiring.looks import first_look
from emoticon.wiring.machine import StartError, prepare_directory

log = structlog.get_logger("emoticon")


async def migrate(settings: Settings, *, on_step: Callable[[str], None]) -> None:
    """Bring the database to this version's schema; `on_step` hears what is done. Raises StartError."""
    prepare_directory(settings.data_dir)
    async with open_database(settings) as engine:
        await schema.upgrade(engine, on_step)
        on_step(f"the schema is at {schema.HEAD}")


async def import_reference(
    settings: Settings, *, on_progress: Callable[[int, int], None]
) -> reference.ImportReport:
    """Take over the accounts of the reference service from `users` in the same database. Raises StartError."""
    async with open_database(settings) as engine:
        return await reference.import_reference(
            engine,
            engine,
            new_look=first_look(settings),
            clock=SystemClock(),
            on_progress=on_progress,
        )


@asynccontextmanager
async def open_database(
    settings: Settings, *, patience_s: float = 5.0
) -> AsyncIterator[AsyncEngine]:
    """Connect, waiting for a server that is not up yet. Raises StartError, also for what fails while it is open.

    `patience_s` is for each statement.
    """
    engine = open_engine(settings.database, timeout_s=patience_s)
    try:
        with using(settings.database):
            await wait_for_database(engine, wait_s=settings.database_wait_s, on_wait=_say_waiting)
            yield engine
    except Occupied:
        raise StartError("the accounts are just being restored: start again afterwards") from None
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


async def require_schema(engine: AsyncEngine, settings: Settings) -> None:
    """Return when the schema is this version's; bring it there in embedded mode. Raises StartError."""
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
