"""How uploaded pictures lie in the blob store: under names by which what is read there can be checked."""

import re
import secrets
from hashlib import blake2b
from typing import Final

from emoticon.domain.errors import OriginalsUnavailable
from emoticon.domain.media import BlobStore
from emoticon.domain.models import OriginalPlace

PREFIX: Final = "originals/"
MAX_BLOB_BYTES: Final = 2 * 2**20
"""Twice what 512 by 512 pixels have without any compression."""
_DIGEST_BYTES: Final = 16
_NAME: Final = re.compile(r"([1-9][0-9]{0,18})-[0-9a-f]{8}([0-9a-f]{32})")
_MAX_ID: Final = 2**63 - 1


def new_place(account_id: int, data: bytes) -> OriginalPlace:
    """Return where to put a picture; the same one a second time has another place, so that one can be deleted."""
    return OriginalPlace(account_id, f"{account_id}-{secrets.token_hex(4)}{_digest(data)}")


def blob_name(name: str) -> str:
    """Return the name of the blob of an original."""
    return f"{PREFIX}{name}"


def place_of(blob: str) -> OriginalPlace | None:
    """Return of which original a blob is; None for what this service has not put there."""
    match = _NAME.fullmatch(blob.removeprefix(PREFIX))
    if match is None or int(match[1]) > _MAX_ID:
        return None
    return OriginalPlace(int(match[1]), match[0])


async def read(blobs: BlobStore, name: str) -> bytes:
    """Return an original as it was put.

    Raises:
        OriginalsUnavailable: the store is, or the original is not there, or not as it was put.

    """
    data = await find(blobs, name)
    if data is None:
        raise OriginalsUnavailable("An uploaded picture is lost")
    return data


async def find(blobs: BlobStore, name: str) -> bytes | None:
    """Return an original as it was put; None when it is not there, or not so. Raises OriginalsUnavailable."""
    if not _NAME.fullmatch(name):
        return None
    data = await blobs.get(blob_name(name), max_bytes=MAX_BLOB_BYTES)
    return data if data is not None and is_original(name, data) else None


def is_original(name: str, data: bytes) -> bool:
    """Say whether this is what was put under the name, whatever that is."""
    match = _NAME.fullmatch(name)
    return match is not None and match[2] == _digest(data)


def _digest(data: bytes) -> str:
    return blake2b(data, digest_size=_DIGEST_BYTES).hexdigest()
