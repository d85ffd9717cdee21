"""Blobs as objects of S3 and what speaks like it, of Google Cloud Storage, or of Azure, through obstore.

Credentials and endpoint come from the variables of that store. Nothing that it says is logged or handed on but the kind
of error and a status: what S3 answers to a wrong signature holds the key's id and all that was signed.
"""

import asyncio
import logging
import os
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, Final
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError
from obstore.store import AzureStore, GCSStore, S3Store
from purgatory import SyncCircuitBreakerFactory
from purgatory.domain.model import CLOSED, HALF_OPENED, OpenedState
from typing_extensions import override

from emoticon.adapters.blobs.names import checked, directory
from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.media import BlobStore

log = logging.getLogger(__name__)

_FAILURES: Final = 3
_RETRIES: Final = 2
_FIRST_PAUSE: Final = timedelta(milliseconds=50)
_LONGEST_PAUSE: Final = timedelta(milliseconds=500)
_BATCH: Final = 1000
_VARIABLE = re.compile("AWS_|GOOGLE_|AZURE_")
_STATUS = re.compile(r"status code: ([0-9]{3})")


class RemoteBlobStore(BlobStore):
    """Objects of the bucket or container of `url`, which is s3://, gs:// or az://, under the path that it has.

    A question ends after `timeout_s` with its repetitions. After three failures in a row the store is left alone for
    `retry_s`; then one caller tries.

    Raises:
        ValueError: what the store needs is not in its variables.

    """

    def __init__(self, url: str, *, timeout_s: float, retry_s: float = 2.0) -> None:
        self._timeout_s = timeout_s
        self._store = _store(url, timedelta(seconds=timeout_s))
        self._breaker = SyncCircuitBreakerFactory(
            default_threshold=_FAILURES, default_ttl=retry_s, exclude=[asyncio.CancelledError]
        ).get_breaker("blobs")

    @override
    async def put(self, name: str, data: bytes) -> None:
        path = checked(name)
        with self._asking():
            async with asyncio.timeout(self._timeout_s):
                await obstore.put_async(self._store, path, data, use_multipart=False)

    @override
    async def get(self, name: str, *, max_bytes: int) -> bytes | None:
        path = checked(name)
        with self._asking():
            async with asyncio.timeout(self._timeout_s):
                try:
                    found = await obstore.get_async(self._store, path)
                except FileNotFoundError:
                    return None
                if found.meta["size"] > max_bytes:
                    return None
                return bytes(await found.bytes_async())

    @override
    async def delete(self, name: str) -> None:
        path = checked(name)
        with self._asking():
            async with asyncio.timeout(self._timeout_s):
                try:
                    await obstore.delete_async(self._store, path)
                except FileNotFoundError:  # S3 does not mind, others do
                    return

    @override
    async def walk(self, prefix: str) -> AsyncIterator[Sequence[tuple[str, int]]]:
        pages = obstore.list(self._store, directory(prefix), chunk_size=_BATCH)
        while page := await self._next(pages):
            yield [(each["path"], int(each["last_modified"].timestamp() * 1000)) for each in page]

    @override
    async def ping(self) -> None:
        await self._next(obstore.list(self._store, chunk_size=1))

    @override
    async def aclose(self) -> None:
        """There is nothing to let go of: connections close by themselves."""

    async def _next(self, pages: Any) -> Any:
        with self._asking():
            async with asyncio.timeout(self._timeout_s):
                return await anext(pages, None)

    @contextmanager
    def _asking(self) -> Iterator[None]:
        if self._breaker.context.state == HALF_OPENED:
            raise OriginalsUnavailable
        fine = self._breaker.context.state == CLOSED
        try:
            with self._breaker:
                yield
        except OpenedState as error:
            error.__traceback__ = None  # the same object for every caller: it would grow with each
            raise OriginalsUnavailable from None
        except Exception as error:  # noqa: BLE001 - the library may panic, too, with a type that cannot be imported
            if fine:
                log.warning("the store of uploaded pictures failed: %s", _kind(error))
            raise OriginalsUnavailable from None
        if not fine:
            log.warning("the store of uploaded pictures answers again")


def _store(url: str, timeout: timedelta) -> Any:
    # Compose hands on what nobody has set as an empty text. The library takes it for an address, and panics.
    for name in [name for name in os.environ if _VARIABLE.match(name) and not os.environ[name]]:
        del os.environ[name]
    parts = urlsplit(url)
    kinds: dict[str, Any] = {"s3": S3Store, "gs": GCSStore, "az": AzureStore}
    try:
        return kinds[parts.scheme](
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            # Whoever gives an endpoint with http:// wants it.
            client_options={"allow_http": True, "timeout": timeout, "connect_timeout": timeout},
            retry_config={
                "max_retries": _RETRIES,
                "retry_timeout": timeout,
                "backoff": {
                    "init_backoff": _FIRST_PAUSE,
                    "max_backoff": _LONGEST_PAUSE,
                    "base": 2,
                },
            },
        )
    except BaseError as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(reason) from None


def _kind(error: Exception) -> str:
    status = _STATUS.search(str(error))
    return f"status {status[1]}" if status else type(error).__name__
