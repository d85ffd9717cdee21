"""What gives looks the present version of their generator."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.domain.look_upgrades import LookUpgrades
from emoticon.domain.models import Origin
from emoticon.domain.unbroken import finished
from emoticon.settings import Settings
from emoticon.wiring.database import open_database, require_schema
from emoticon.wiring.looks import catalogue
from emoticon.wiring.machine import prepare_directory
from emoticon.wiring.studio import open_studio


@asynccontextmanager
async def open_look_upgrades(settings: Settings, origin: Origin) -> AsyncIterator[LookUpgrades]:
    """Open it, beside a running service or without one. Raises StartError."""
    prepare_directory(settings.data_dir)
    async with open_database(settings) as engine, open_studio(settings) as studio:
        await require_schema(engine, settings)
        try:
            yield LookUpgrades(SqlLookStore(engine), catalogue(settings, studio.generators), origin)
        finally:
            await finished()
