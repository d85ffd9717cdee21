"""Backups: from settings to a file, and back."""

import asyncio
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO

from sqlalchemy import make_url

from emoticon import __version__
from emoticon.adapters import secret
from emoticon.adapters.backups.archive import described, pack, unpack
from emoticon.adapters.backups.originals import Collection, collected, collecting
from emoticon.adapters.backups.places import put, workplace
from emoticon.adapters.clock import SystemClock
from emoticon.adapters.sql import copies, dumps
from emoticon.adapters.sql.migrate import HEAD
from emoticon.adapters.sql.occupancy import Occupied, alone, using
from emoticon.domain.backups import (
    ORIGINALS_PART,
    SECRET_PART,
    BackupRefused,
    Manifest,
    OnProgress,
    Present,
    Restored,
)
from emoticon.domain.blobs import PREFIX, blob_name, find, place_of
from emoticon.domain.errors import OriginalsUnavailable, TierUnavailable
from emoticon.domain.media import BlobStore
from emoticon.settings import Settings
from emoticon.wiring.database import open_database
from emoticon.wiring.machine import SECRET_FILE, prepare_directory
from emoticon.wiring.originals import open_blobs, originals_directory
from emoticon.wiring.tiers import open_outer_tiers

_PATIENCE_S = 86_400.0
_MAX_KEY_BYTES = 4096
_OLDEST = "0001"


def make_backup(
    settings: Settings, target: Path | None, *, force: bool, on_progress: OnProgress
) -> Manifest:
    """Write a backup beside a running service or without one; None is standard output.

    Raises:
        BackupRefused, StartError: see the text. What was at the target is still there.
    """
    if target is not None and target.exists() and not (force and target.is_file()):
        raise BackupRefused(f"{target} is there already; --force replaces a file")
    if target is None:
        prepare_directory(settings.data_dir)
    with _said(target), workplace(target or settings.data_dir / "backup") as place:
        schema = asyncio.run(_copy_all(settings, place, on_progress))
        if schema > HEAD:
            raise BackupRefused(f"the accounts are at revision {schema}, this version knows {HEAD}")
        if settings.jwt_secret is None:
            shutil.copy(settings.data_dir / SECRET_FILE, place / SECRET_PART)
        manifest = Manifest(
            emoticon=__version__,
            schema=schema,
            made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            database=_kind(settings),
            secret="kept" if settings.jwt_secret is None else "given",
            parts=tuple(described(file) for file in sorted(place.iterdir())),
        )
        if target is None:
            try:
                pack(manifest, place, sys.stdout.buffer, on_progress)
                sys.stdout.buffer.flush()
            except OSError:
                # What is left in the buffer would fail again at the end of the program, and change its status.
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
                raise
            return manifest
        packed = place / "packed"
        with packed.open("xb") as out:
            pack(manifest, place, out, on_progress)
        put(packed, target)
        return manifest


def restore_backup(
    settings: Settings,
    source: Path | None,
    *,
    force: bool,
    bring_back_deleted: bool,
    on_progress: OnProgress,
) -> Restored:
    """Replace the accounts by those of a backup (None: standard input) while no service runs.

    Raises:
        BackupRefused, StartError: see the text. Everything is as it was.
    """
    with _said(source):
        prepare_directory(settings.data_dir)
        beside = _sqlite_file(settings) or settings.data_dir / "restore"
        with workplace(beside) as place:
            with _opened(source) as file:
                manifest = unpack(
                    file, place, lambda manifest: _accept(settings, manifest), on_progress
                )
            if kept := manifest.secret == "kept":  # noqa: S105 - where it is
                _check_key(place / SECRET_PART)
            restoring = _Restoring(
                settings, place, manifest, force=force, delete_gone=not bring_back_deleted
            )
            restored = asyncio.run(restoring.run())
            if kept and settings.jwt_secret is None:
                put(place / SECRET_PART, settings.data_dir / SECRET_FILE)
            return restored


async def _copy_all(settings: Settings, place: Path, on_progress: OnProgress) -> str:
    """Copy accounts and, where they lie in a directory, uploaded pictures; return the revision of the schema."""
    if originals_directory(settings) is None:
        return await _copy(settings, place, on_progress)
    part, blobs = place / ORIGINALS_PART, open_blobs(settings)
    try:
        with collecting(part) as collection:
            # Before the accounts, as what they show at their moment may be deleted soon after it; and once more
            # afterwards, for what was uploaded meanwhile.
            await _collect(blobs, collection, on_progress)
            schema = await _copy(settings, place, on_progress)
            await _collect(blobs, collection, on_progress)
    except OriginalsUnavailable:
        raise BackupRefused("the uploaded pictures cannot be read") from None
    finally:
        await blobs.aclose()
    if not collection.names:
        part.unlink()
    return schema


async def _collect(blobs: BlobStore, collection: Collection, on_progress: OnProgress) -> None:
    async for batch in blobs.walk(PREFIX):
        for blob, _ in batch:
            original = place_of(blob)
            if original is not None and original.name not in collection.names:
                data = await find(blobs, original.name)
                if data is not None:  # else it is damaged, or was deleted meanwhile
                    collection.add(original.name, data)
                    on_progress("pictures", len(collection.names), None)


async def _copy(settings: Settings, place: Path, on_progress: OnProgress) -> str:
    """Copy the accounts, and return the revision of their schema."""
    path = _sqlite_file(settings)
    if path is not None:
        with using(settings.database):
            await asyncio.to_thread(copies.copy, path, place / copies.PART, on_progress)
        return copies.revision_of(place / copies.PART)
    async with open_database(settings, patience_s=_PATIENCE_S) as engine:
        revision, _ = await dumps.dump(engine, place, on_progress)
    if revision is None:
        raise BackupRefused("the database has no tables of this service")
    return revision


@dataclass(frozen=True, slots=True)
class _Restoring:
    """A verified backup on its way in."""

    settings: Settings
    place: Path
    manifest: Manifest
    force: bool
    delete_gone: bool

    async def run(self) -> Restored:
        path = _sqlite_file(self.settings)
        if path is not None:
            return await self._into_file(path)
        async with open_database(self.settings, patience_s=_PATIENCE_S) as engine:
            await self._put_originals()
            before, renewed = await dumps.load(
                engine,
                self.place,
                self.manifest.schema,
                [part.name for part in self.manifest.parts],
                accept=self._replaceable,
                delete_gone=self.delete_gone,
            )
        unreached = await _empty_tiers(self.settings)
        return Restored(self.manifest, before, renewed, unreached)

    async def _into_file(self, path: Path) -> Restored:
        part = self.place / copies.PART
        if copies.revision_of(part) != self.manifest.schema:
            raise BackupRefused("the manifest of the backup contradicts its accounts")
        with alone(path):
            before = await copies.present(path)
            self._replaceable(before)
            renewed = await copies.prepare(part, before, delete_gone=self.delete_gone)
            await self._put_originals()
            copies.retire(path, readable=before.readable)
            # Before the accounts: a cache that is empty does no harm to the old ones.
            unreached = await _empty_tiers(self.settings)
            put(part, path)
        return Restored(self.manifest, before, renewed, unreached)

    async def _put_originals(self) -> None:
        """Put uploaded pictures where they are kept now. Before the accounts: until they are there, nobody shows them.

        Those that are there stay; what the accounts do not know of all of them, `emoticon cache verify` finds.
        """
        part = self.place / ORIGINALS_PART
        if not part.exists():
            return
        blobs = open_blobs(self.settings)
        try:
            for _ in collected(part):  # all of it is good, before anything is put
                pass
            for name, data in collected(part):
                await blobs.put(blob_name(name), data)
        except OriginalsUnavailable:
            raise BackupRefused("the uploaded pictures cannot be put where they are kept") from None
        finally:
            await blobs.aclose()

    def _replaceable(self, before: Present) -> None:
        if self.force:
            return
        if not before.readable:
            raise BackupRefused("the accounts that are there cannot be read; --force replaces them")
        if before.accounts:
            raise BackupRefused(
                f"there are accounts already ({before.accounts}); --force replaces them"
            )


async def _empty_tiers(settings: Settings) -> tuple[str, ...]:
    """Empty the tiers that are reached from here; their pictures may be of accounts that are gone."""
    unreached = []
    for tier in open_outer_tiers(settings, SystemClock()):
        try:
            await tier.clear()
        except TierUnavailable:
            unreached.append(tier.name)
        finally:
            with suppress(TierUnavailable):
                await tier.aclose()
    return tuple(unreached)


def _accept(settings: Settings, manifest: Manifest) -> None:
    if manifest.schema < _OLDEST:
        raise BackupRefused(f"the backup has schema {manifest.schema}, which there never was")
    if manifest.schema > HEAD:
        raise BackupRefused(
            f"the backup has schema {manifest.schema}, this version knows {HEAD}:"
            f" restore it with {manifest.emoticon} or a newer one"
        )
    kind = _kind(settings)
    if manifest.database != kind:
        raise BackupRefused(
            f"the backup is of {manifest.database}, the accounts here are in {kind}"
        )
    if manifest.secret == "given" and settings.jwt_secret is None:  # noqa: S105 - where it is
        raise BackupRefused("the signing key is not in the backup: give JWT_SECRET")
    sizes_bytes = {part.name: part.size_bytes for part in manifest.parts}
    key_bytes = sizes_bytes.pop(SECRET_PART, 0)
    sizes_bytes.pop(ORIGINALS_PART, None)
    names = {copies.PART} if kind == "sqlite" else dumps.PARTS
    if key_bytes > _MAX_KEY_BYTES or not sizes_bytes.keys() <= names or not sizes_bytes:
        raise BackupRefused(f"the backup does not have the parts of one of {kind}")


def _check_key(path: Path) -> None:
    try:
        secret.load_or_create(path)
    except ValueError:
        raise BackupRefused("the signing key in the backup is none") from None


def _kind(settings: Settings) -> str:
    return make_url(settings.database).get_backend_name()


def _sqlite_file(settings: Settings) -> Path | None:
    address = make_url(settings.database)
    return Path(address.database or "") if address.get_backend_name() == "sqlite" else None


@contextmanager
def _opened(source: Path | None) -> Iterator[BinaryIO]:
    if source is None:
        yield sys.stdin.buffer
        return
    with source.open("rb") as file:
        yield file


@contextmanager
def _said(file: Path | None) -> Iterator[None]:
    """Turn what the system says no with into one line."""
    try:
        yield
    except Occupied:
        raise BackupRefused(
            "a service or another command uses the accounts: stop it first"
        ) from None
    except OSError as error:
        where = error.filename or file or "-"
        raise BackupRefused(f"{where}: {error.strerror or error}") from None
