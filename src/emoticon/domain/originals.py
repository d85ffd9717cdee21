"""Own pictures: uploaded in the place of a style, and taken back."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Final

from emoticon.domain import pictures
from emoticon.domain.blobs import MAX_BLOB_BYTES, blob_name, new_place
from emoticon.domain.errors import (
    EmoticonError,
    InvalidPicture,
    InvalidToken,
    PictureTooLarge,
    TooManyAttempts,
    Unavailable,
    UploadsBusy,
)
from emoticon.domain.media import ImageDecoder
from emoticon.domain.models import Account, Box, Event, Identity, Limit, Look, Origin
from emoticon.domain.ports import Limiter
from emoticon.domain.revocation import Revocation
from emoticon.domain.stores import LookStore
from emoticon.domain.sweeping import Sweeping
from emoticon.domain.tokens import shown
from emoticon.domain.unbroken import finished, unbroken

log = logging.getLogger(__name__)

MAX_UPLOAD_BYTES: Final = 5 * 2**20
MOST_AT_ONCE: Final = 4
"""Uploads that are received or decoded, per process."""


class Originals:
    """Takes pictures in, and lets accounts show them.

    Args:
        sweeping: has the stores of them, and deletes those that nobody shows any more.
        looks: says who shows which.
        decoder: makes them harmless.
        revocation: tells of the new looks.
        limiter: counts uploads of each account; None lets all through.
        limit: how many may be made.

    """

    def __init__(
        self,
        sweeping: Sweeping,
        looks: LookStore,
        decoder: ImageDecoder,
        revocation: Revocation,
        *,
        limiter: Limiter | None,
        limit: Limit,
    ) -> None:
        self._store = sweeping.store
        self._blobs = sweeping.blobs
        self._looks = looks
        self._decoder = decoder
        self._sweeping = sweeping
        self._revocation = revocation
        self._limiter = limiter
        self._limit = limit
        self._uploading: set[int] = set()
        self._untidy = False
        self._sweeper: asyncio.Task[None] | None = None

    async def put(
        self,
        identity: Identity,
        receive: Callable[[], Awaitable[bytes]],
        box: Box | None,
        origin: Origin,
    ) -> Account:
        """Let the caller's account show the picture that `receive` returns, and return the account.

        It is durable by then, and other nodes show it. What fails leaves the account as it was.

        Raises:
            UploadsBusy: too many pictures are being uploaded, or another of this account; nothing was received.
            TooManyAttempts: too many of this account were; nothing was received.
            PictureTooLarge, UnsupportedPicture, InvalidPicture: it is none that is taken.
            InvalidToken: the account has gone meanwhile.
            OriginalsUnavailable, StoreUnavailable: try again.

        """
        account_id = identity.account.id
        with self._turn(account_id):
            await self._count(account_id)
            data = await receive()
            if len(data) > MAX_UPLOAD_BYTES:
                raise PictureTooLarge
            picture = await self._decoder.decode(data, box, side_px=pictures.MAX_PX)
            del data
            if len(picture) > MAX_BLOB_BYTES:
                raise InvalidPicture
            return await self._keep(account_id, picture, origin)

    @unbroken
    async def delete(self, identity: Identity, origin: Origin) -> None:
        """Let the caller's account show its style again; there may be no picture.

        Raises:
            InvalidToken: the account has gone meanwhile.
            StoreUnavailable: try again.

        """
        with suppress(_NoPicture):
            await self._change(identity.account.id, _without_picture, Event.PICTURE_DELETED, origin)

    def sweep_soon(self) -> None:
        """Delete what nobody shows any more, while the caller goes on."""
        self._untidy = True
        if self._sweeper is None or self._sweeper.done():
            self._sweeper = asyncio.create_task(self._sweep())

    async def aclose(self) -> None:
        """Wait for what is being put or deleted. Idempotent."""
        await finished()
        if self._sweeper is not None:
            await asyncio.wait((self._sweeper,))

    @contextmanager
    def _turn(self, account_id: int) -> Iterator[None]:
        if account_id in self._uploading or len(self._uploading) >= MOST_AT_ONCE:
            raise UploadsBusy
        self._uploading.add(account_id)
        try:
            yield
        finally:
            self._uploading.discard(account_id)

    async def _count(self, account_id: int) -> None:
        if self._limiter is not None and (
            retry_after_s := await self._limiter.hit(self._limit, str(account_id))
        ):
            raise TooManyAttempts(retry_after_s=retry_after_s)

    @unbroken
    async def _keep(self, account_id: int, picture: bytes, origin: Origin) -> Account:
        place = new_place(account_id, picture)
        await self._store.begin(place, len(picture))
        try:
            await self._blobs.put(blob_name(place.name), picture)
            return await self._change(
                account_id,
                lambda look: replace(look, original=place.name),
                Event.PICTURE,
                origin,
            )
        except EmoticonError:
            # Whatever cannot be given up now is so in a while, by itself. What a look names by now is not given up.
            with suppress(Unavailable):
                await self._store.drop([place])
            self.sweep_soon()
            raise

    async def _change(
        self, account_id: int, edit: Callable[[Look], Look], event: Event, origin: Origin
    ) -> Account:
        changed = await self._looks.change(account_id, edit, event, shown(origin))
        if changed is None:
            raise InvalidToken
        account, change = changed
        await self._revocation.announce(change)
        self.sweep_soon()
        return account

    async def _sweep(self) -> None:
        try:
            while self._untidy:
                self._untidy = False
                while await self._sweeping.sweep():
                    pass
        except Unavailable as error:
            log.info("uploaded pictures that nobody shows stay for a while: %s", error)


class _NoPicture(Exception):
    """There is nothing to delete."""


def _without_picture(look: Look) -> Look:
    if not look.original:
        raise _NoPicture
    return replace(look, original="")
