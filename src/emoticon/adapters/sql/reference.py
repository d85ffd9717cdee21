"""Takes over the accounts of the reference service: its table `users(id, username, password_hash)`.

Ids, names as written and `$2b$` hashes stay, so its users sign in as before. `users` itself is never touched.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from sqlalchemy import (
    BigInteger,
    Connection,
    Row,
    Text,
    column,
    func,
    insert,
    inspect,
    or_,
    select,
    table,
    text,
)
from sqlalchemy.exc import NoSuchTableError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from emoticon.adapters.sql.engine import reading, writing
from emoticon.adapters.sql.rows import account_row
from emoticon.adapters.sql.tables import accounts
from emoticon.domain.errors import InvalidUsername
from emoticon.domain.models import Look, NewAccount
from emoticon.domain.names import fold
from emoticon.domain.ports import Clock

_BATCH_ROWS = 500
_BEFORE_ALL_IDS = -(2**63)
_KNOWN_HASH = re.compile(r"\$2[aby]\$\d\d\$[./A-Za-z0-9]{53}|\$argon2[a-z]+\$[\x21-\x7e]+")

_users = table(
    "users", column("id", BigInteger), column("username", Text), column("password_hash", Text)
)

_RESERVE = {
    "postgresql": [
        """
        SELECT setval(name::regclass, :highest) FROM pg_get_serial_sequence('accounts', 'id') AS name
        WHERE coalesce(pg_sequence_last_value(name::regclass), 0) < :highest
        """
    ],
    "sqlite": [
        """
        INSERT INTO sqlite_sequence (name, seq) SELECT 'accounts', 0
        WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = 'accounts')
        """,
        "UPDATE sqlite_sequence SET seq = max(seq, :highest) WHERE name = 'accounts'",
    ],
}
"""How the next id that the database gives gets above `:highest`."""


class ReferenceMissing(Exception):
    """The source has no table that looks like the reference service's."""


class Refusal(NamedTuple):
    """A row that was not taken over. `username` is its repr: safe to print, whatever it holds."""

    id: int
    username: str
    reason: str


@dataclass(slots=True)
class ImportReport:
    """How many rows became accounts, how many already were, and which ones cannot."""

    taken: int = 0
    already_there: int = 0
    refused: list[Refusal] = field(default_factory=list)


async def import_reference(
    source: AsyncEngine,
    target: AsyncEngine,
    *,
    new_look: Callable[[], Look],
    clock: Clock,
    on_progress: Callable[[int, int], None],
) -> ImportReport:
    """Copy every row of `users` that can be an account; the same database may be source and target.

    Of rows whose names fold to the same the lowest id that can be taken keeps the name. May be stopped at any time and
    run again: what was taken stays as it is then. New accounts may sign up meanwhile. `on_progress(rows seen, rows in
    all)` is called after each batch, which is one transaction of about 100 ms.

    Raises:
        ReferenceMissing: there is no such table.
        StoreUnavailable: the source or the target was lost; the batches so far stay.

    """
    async with reading(source) as connection:
        await connection.run_sync(_check_users)
        count_and_highest = select(func.count(), func.max(_users.c.id)).select_from(_users)
        total, highest = (await connection.execute(count_and_highest)).one()
    if total:
        async with writing(target) as connection:
            await _reserve_ids(connection, highest)
    report = ImportReport()
    seen, last_id = 0, _BEFORE_ALL_IDS
    while rows := await _rows_after(source, last_id):
        async with writing(target) as connection:
            await _take(connection, rows, report, new_look, clock.now_ms())
        seen, last_id = seen + len(rows), rows[-1].id
        on_progress(seen, total)
    return report


def _check_users(connection: Connection) -> None:
    try:
        present = {found["name"] for found in inspect(connection).get_columns("users")}
    except NoSuchTableError:
        present = set()
    if not present.issuperset(_users.c.keys()):
        raise ReferenceMissing(
            "The source database has no table users with the columns id, username, password_hash"
        )


async def _rows_after(source: AsyncEngine, last_id: int) -> Sequence[Row[Any]]:
    page = select(_users).where(_users.c.id > last_id).order_by(_users.c.id).limit(_BATCH_ROWS)
    async with reading(source) as connection:
        return (await connection.execute(page)).all()


async def _take(
    connection: AsyncConnection,
    rows: Sequence[Row[Any]],
    report: ImportReport,
    new_look: Callable[[], Look],
    now_ms: int,
) -> None:
    await _lock(connection)
    keys = [_key(row.username) for row in rows]
    key_of, id_of = await _present(connection, [row.id for row in rows], keys)
    fresh = []
    for row, key in zip(rows, keys, strict=True):
        if key and key_of.get(row.id) == key:
            report.already_there += 1
        elif reason := _reason_against(row, key, key_of, id_of):
            report.refused.append(Refusal(row.id, repr(row.username), reason))
        else:
            key_of[row.id], id_of[key] = key, row.id
            account = NewAccount(row.username, key, row.password_hash, new_look())
            fresh.append({"id": row.id, **account_row(account, created_at=now_ms)})
    if fresh:
        await connection.execute(insert(accounts), fresh)
    report.taken += len(fresh)


def _key(username: str | None) -> str:
    """Return the folded name, or nothing for what cannot be one."""
    try:
        return fold(username or "")
    except InvalidUsername:
        return ""


def _reason_against(
    row: Row[Any], key: str, key_of: Mapping[int, str], id_of: Mapping[str, int]
) -> str | None:
    if row.id <= 0:
        return "the id is not a positive number"
    if not key:
        return "the name is blank or has characters that no name may have"
    if row.id in key_of:
        return "another account has this id"
    if key in id_of:
        return f"account {id_of[key]} has this name or one that looks the same"
    if not _KNOWN_HASH.fullmatch(row.password_hash or ""):
        return "the password hash is of no known kind"
    return None


async def _present(
    connection: AsyncConnection, ids: list[int], keys: list[str]
) -> tuple[dict[int, str], dict[str, int]]:
    """Return the accounts with any of these ids or keys, by id and by key."""
    found = await connection.execute(
        select(accounts.c.id, accounts.c.username_key).where(
            or_(accounts.c.id.in_(ids), accounts.c.username_key.in_(keys))
        )
    )
    pairs = [(row.id, row.username_key) for row in found]
    return dict(pairs), {key: account_id for account_id, key in pairs}


async def _lock(connection: AsyncConnection) -> None:
    """Keep others from adding accounts until the transaction ends; SQLite's has done so already."""
    if connection.dialect.name == "postgresql":
        await connection.execute(text("LOCK TABLE accounts IN SHARE ROW EXCLUSIVE MODE"))


async def _reserve_ids(connection: AsyncConnection, highest: int) -> None:
    """Let new accounts get ids above `highest`, so that they never take the id of a row yet to come."""
    await _lock(connection)
    for statement in _RESERVE[connection.dialect.name]:
        await connection.execute(text(statement), {"highest": highest})
