"""Uploaded pictures: where they are kept, and who takes them in."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import unquote, urlsplit

from sqlalchemy.ext.asyncio import AsyncEngine

from emoticon.adapters.blobs.local import LocalBlobStore
from emoticon.adapters.clock import SystemClock
from emoticon.adapters.decoding.decoder import ProcessDecoder
from emoticon.adapters.sql.originals import SqlOriginalStore
from emoticon.domain.media import BlobStore
from emoticon.domain.models import Limit
from emoticon.domain.originals import Originals
from emoticon.domain.ports import Limiter
from emoticon.domain.revocation import Revocation
from emoticon.domain.stores import LookStore
from emoticon.domain.sweeping import GIVEN_UP_MS, Sweeping
from emoticon.settings import Settings
from emoticon.wiring.machine import StartError

_HOUR_S = 3600


def open_blobs(settings: Settings) -> BlobStore:
    """Return where originals are kept; it is reached when it is first used. Whoever takes it closes it.

    Raises StartError.
    """
    directory = originals_directory(settings)
    if directory is not None:
        return LocalBlobStore(directory)
    # What speaks to such stores is imported only where it is used: it costs a start time and memory.
    from emoticon.adapters.blobs.remote import RemoteBlobStore  # noqa: PLC0415 - as said

    try:
        return RemoteBlobStore(_url(settings), timeout_s=settings.store_timeout_s)
    except ValueError as error:
        raise StartError(f"EMOTICON_STORE_URL cannot be used: {error}") from None


def originals_directory(settings: Settings) -> Path | None:
    """Return the directory in which originals are kept, None when it is another place."""
    url = _url(settings)
    if not url:
        return settings.data_dir
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def new_sweeping(settings: Settings, engine: AsyncEngine, blobs: BlobStore) -> Sweeping:
    """Return what deletes originals that nobody shows."""
    given_up_ms = max(GIVEN_UP_MS, int(2000 * settings.store_timeout_s))
    return Sweeping(SqlOriginalStore(engine), blobs, SystemClock(), given_up_ms)


@asynccontextmanager
async def open_originals(
    settings: Settings,
    sweeping: Sweeping,
    looks: LookStore,
    revocation: Revocation,
    *,
    limiter: Limiter | None,
) -> AsyncIterator[Originals]:
    """Open what takes pictures in."""
    decoder = ProcessDecoder()
    originals = Originals(
        sweeping,
        looks,
        decoder,
        revocation,
        limiter=limiter,
        limit=Limit("uploads", settings.account_uploads, _HOUR_S),
    )
    try:
        yield originals
    finally:
        await originals.aclose()
        await decoder.aclose()


def _url(settings: Settings) -> str:
    return "" if settings.store_url is None else settings.store_url.get_secret_value()
