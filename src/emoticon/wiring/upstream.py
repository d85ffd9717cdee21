"""Another service that draws, when there is one."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

from emoticon.domain.media import Generator, Rasteriser
from emoticon.domain.models import UPSTREAM
from emoticon.domain.upstream_traffic import UpstreamTraffic
from emoticon.domain.workers import Workers
from emoticon.settings import Settings
from emoticon.wiring.machine import StartError


@asynccontextmanager
async def open_upstream(
    settings: Settings, rasteriser: Rasteriser, drawing: Workers
) -> AsyncIterator[tuple[Mapping[str, Generator], UpstreamTraffic | None]]:
    """Yield what asks it, by its name, and what is counted of that. Nothing is sent yet. Raises StartError."""
    if settings.upstream_url is None:
        yield {}, None
        return
    # Imported only here: most services have none, and it costs a start time and memory.
    from emoticon.adapters.generators.upstream import UpstreamGenerator  # noqa: PLC0415 - as said
    from emoticon.adapters.generators.upstream_server import (  # noqa: PLC0415 - as said
        UpstreamServer,
    )

    traffic = UpstreamTraffic()
    try:
        server = UpstreamServer(
            settings.upstream_url.get_secret_value(),
            traffic,
            connections=settings.upstream_requests,
        )
    except ValueError:
        raise StartError("EMOTICON_UPSTREAM_URL cannot be used: look at its host") from None
    try:
        generator = UpstreamGenerator(
            server,
            rasteriser,
            drawing,
            traffic,
            version=settings.upstream_version,
            deadline_s=settings.upstream_timeout_s,
            requests=settings.upstream_requests,
        )
        yield {UPSTREAM: generator}, traffic
    finally:
        await server.aclose()
