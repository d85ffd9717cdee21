"""Copies of a SQLite database, and how one takes its place."""

import sqlite3
from contextlib import closing
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from emoticon.adapters.sql.engine import DatabaseRefused, open_engine, reason, writing
from emoticon.adapters.sql.migrate import VERSION_TABLE, upgrade
from emoticon.adapters.sql.renewal import look, renew
from emoticon.domain.backups import BackupRefused, OnProgress, Present, Renewed
from emoticon.domain.errors import StoreUnavailable

PART = "accounts.sqlite3"
_PAGES = 1000
_PATIENCE_S = 600.0


def copy(path: Path, target: Path, on_progress: OnProgress) -> None:
    """Copy a database, as it is at this moment, while others write to it. Raises BackupRefused."""
    if not path.is_file():
        raise BackupRefused(f"there are no accounts in {path}")
    try:
        with closing(sqlite3.connect(path, isolation_level=None)) as source:
            # Reads one moment throughout. Otherwise the copy would begin anew after each write of another process.
            source.execute("BEGIN")
            source.execute("SELECT count(*) FROM sqlite_schema").fetchone()
            with closing(sqlite3.connect(target)) as copied:
                source.backup(
                    copied,
                    pages=_PAGES,
                    progress=lambda _status, left, total: on_progress(
                        "copying", total - left, total
                    ),
                )
        _seal(target)
    except sqlite3.Error as error:
        raise BackupRefused(f"the accounts cannot be copied: {error}") from None


def revision_of(path: Path) -> str:
    """Return the revision of a copy that is whole and holds nothing that would act by itself, such as a trigger.

    Raises:
        BackupRefused: it is not one.
    """
    try:
        with closing(sqlite3.connect(path)) as db:
            db.execute("PRAGMA trusted_schema = OFF")
            found = db.execute("SELECT type, name, sql FROM sqlite_schema").fetchall()
            plain = all(
                kind == "index"
                or (kind == "table" and not (sql or "").startswith("CREATE VIRTUAL"))
                for kind, _, sql in found
            )
            if not plain or VERSION_TABLE not in {name for _, name, _ in found}:
                raise BackupRefused(f"{path.name} is not a database of this service")
            [[health]] = db.execute("PRAGMA quick_check(1)").fetchall()
            if health != "ok" or db.execute("PRAGMA foreign_key_check").fetchone():
                raise BackupRefused(f"{path.name} is damaged")
            [[revision]] = db.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchall()  # noqa: S608 - a constant
            return str(revision)
    except (sqlite3.Error, ValueError):
        raise BackupRefused(f"{path.name} is damaged") from None


async def present(path: Path) -> Present:
    """Return what is known of the accounts in a file that may not exist, or not be readable."""
    if not _begun(path):
        return Present()
    engine = open_engine(f"sqlite+aiosqlite:///{path}", timeout_s=_PATIENCE_S)
    try:
        async with engine.connect() as connection:
            return await look(connection)
    except Exception:  # noqa: BLE001 - whatever is wrong with it, a restore is the remedy
        return Present(readable=False)
    finally:
        await engine.dispose()


async def prepare(path: Path, before: Present, *, delete_gone: bool) -> Renewed:
    """Bring a copy to the newest schema and renew it, ready to be put in place. Raises BackupRefused."""
    engine = open_engine(f"sqlite+aiosqlite:///{path}", timeout_s=_PATIENCE_S)
    try:
        await upgrade(engine, lambda _step: None)
        async with writing(engine) as connection:
            renewed = await renew(connection, before.gone, delete_gone=delete_gone)
    except (SQLAlchemyError, DatabaseRefused, StoreUnavailable) as error:
        raise BackupRefused(f"the accounts cannot be restored: {reason(error)}") from None
    finally:
        await engine.dispose()
    _seal(path)
    return renewed


def retire(path: Path, *, readable: bool) -> None:
    """Leave nothing beside the file that would be taken for the log of the next one. Raises BackupRefused.

    The file is as good as before, so that the next step may fail.
    """
    if readable and path.exists():
        try:
            _seal(path)
        except sqlite3.Error as error:
            raise BackupRefused(f"{path} is in use by another program: {error}") from None
    for suffix in ("-wal", "-shm", "-journal"):
        Path(f"{path}{suffix}").unlink(missing_ok=True)


def _begun(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def _seal(path: Path) -> None:
    """Take the log into the file; only who has it alone can do that."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = DELETE")
