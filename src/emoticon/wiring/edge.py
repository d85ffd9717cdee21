"""Where answers are published."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import NamedTuple

from emoticon.adapters.edge.memory import MemoryEdge
from emoticon.domain.ports import AskedEdge, Clock, Edge
from emoticon.settings import Settings, variable
from emoticon.wiring.machine import StartError


class OpenEdge(NamedTuple):
    """An edge; `asked` is the same where this process asks it itself.

    `follow` is called once, as soon as news are followed, with what raises FloorsStale while they are not.
    """

    edge: Edge
    asked: AskedEdge | None
    follow: Callable[[Callable[[], None]], None]


@asynccontextmanager
async def open_edge(settings: Settings, clock: Clock) -> AsyncIterator[OpenEdge]:
    """Open the edge, with nothing published. Raises StartError when its directory cannot be used."""
    if settings.edge_dir is None:
        edge = MemoryEdge(settings.edge_bytes, clock)
        yield OpenEdge(edge, edge, lambda _: None)
        return
    # Imported here, for most services that are one process have no use for it.
    from emoticon.adapters.edge.files import FileEdge  # noqa: PLC0415 - as said

    share_bytes = (
        settings.edge_bytes // settings.workers
    )  # each counts only what it has published itself
    files = FileEdge(settings.edge_dir, max_bytes=share_bytes, clock=clock)
    try:
        await files.start()
    except OSError as error:
        raise StartError(f"{variable('edge_dir')}: {error.strerror or error}") from None
    try:
        yield OpenEdge(files, None, files.keep)
    finally:
        await files.aclose()
