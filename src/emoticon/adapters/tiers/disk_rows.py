"""The rows of the disk tier's database: a picture each, and the number of the last erasure.

Rowids grow with time: pages fill in order, and what is evicted together lies together. Transactions are small, so that
the log stays short and others get their turn.
"""

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import replace

from emoticon.domain.keeping import Extent, Kept, Label
from emoticon.domain.models import Picture
from emoticon.domain.pictures import examine, frame, unframe

PAGE_BYTES = (
    16384  # the mean picture of 3.4 KB takes 4.1 KB of disk; with 65536 3.7 KB, read a third slower
)
_DAY_MS = 86_400_000
_STEP = 64  # rows of a transaction; each may be many pages
_STEP_BYTES = 1 << 20  # of pictures that are looked through at once
_FIRST = -(2**63)

_SCHEMA_ID = int.from_bytes(b"EMO2", "big")
_SCHEMA = f"""
    CREATE TABLE pictures (seq INTEGER PRIMARY KEY, key BLOB UNIQUE, owner INTEGER, day INTEGER, frame BLOB);
    CREATE INDEX pictures_day ON pictures (day);
    CREATE INDEX pictures_owner ON pictures (owner);
    CREATE TABLE marks (one INTEGER PRIMARY KEY, number INTEGER, inverse INTEGER);
    PRAGMA user_version = {_SCHEMA_ID}
""".split(";")
_OF_A_NEW_FILE = f"page_size={PAGE_BYTES} auto_vacuum=INCREMENTAL".split()
# No mmap: it would let a file that is cut short kill the process.
_PRAGMAS = f"""
    journal_mode=WAL synchronous=NORMAL secure_delete=ON cache_size=-4096 mmap_size=0
    wal_autocheckpoint=256 journal_size_limit={256 * PAGE_BYTES}
""".split()
_FIND = "SELECT seq, day < ?, frame FROM pictures WHERE key = ?"
_PUT = "REPLACE INTO pictures (key, owner, day, frame) VALUES (?, ?, ?, ?)"
_TOUCH = "UPDATE pictures SET day = ?1 WHERE seq = ?2 AND day < ?1"
_DELETE = "DELETE FROM pictures WHERE seq = ?"
_EVICT = "DELETE FROM pictures WHERE seq IN (SELECT seq FROM pictures ORDER BY day, seq LIMIT ?)"
_OF_OWNERS = (
    "DELETE FROM pictures WHERE seq IN (SELECT seq FROM pictures WHERE owner IN ({}) LIMIT ?)"
)
_PAGE = "SELECT seq, key, owner, frame FROM pictures WHERE seq > ? AND seq <= ? ORDER BY seq"
# Its inverse beside it: damage may lose a mark, never raise it.
_MARKED = "SELECT number FROM marks WHERE typeof(number) = 'integer' AND inverse = ~number"
_MARK = "REPLACE INTO marks VALUES (1, ?1, ~?1)"
_PAGES = "SELECT page_count, freelist_count FROM pragma_page_count, pragma_freelist_count"


def other_version(db: sqlite3.Connection) -> bool:
    """Say whether another version of this tier, older or newer, has written the file."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    return version != _SCHEMA_ID and int(version) >> 8 == _SCHEMA_ID >> 8


def prepare(db: sqlite3.Connection, max_pages: int) -> None:
    """Make the connection and, in an empty file, the tables. Raises sqlite3.DatabaseError for what is not ours."""
    db.text_factory = bytes
    empty = db.execute("SELECT 1 FROM sqlite_schema").fetchone() is None
    if not empty and db.execute("PRAGMA user_version").fetchone() != (_SCHEMA_ID,):
        raise sqlite3.DatabaseError("another program has written it")
    for pragma in (*(_OF_A_NEW_FILE if empty else ()), *_PRAGMAS, f"max_page_count={max_pages}"):
        db.execute(f"PRAGMA {pragma}").fetchall()
    if empty:
        with db:
            db.execute("BEGIN IMMEDIATE")
            for statement in _SCHEMA:
                db.execute(statement)


def find(
    db: sqlite3.Connection, key: bytes, now_ms: int
) -> tuple[int, bool, Picture | None] | None:
    """Return the row's number, whether it was not used yet today, and the picture unless it is damaged."""
    row = db.execute(_FIND, (now_ms // _DAY_MS, key)).fetchone()
    if row is None:
        return None
    seq, stale, data = row
    return seq, bool(stale), unframe(key, data) if isinstance(data, bytes) else None


def write(
    db: sqlite3.Connection,
    puts: Iterable[tuple[Label, Picture]],
    *,
    touched: Iterable[int],
    damaged: Iterable[int],
    now_ms: int,
) -> None:
    """Write pictures, note which rows were used, and delete damaged ones; all or nothing."""
    day = now_ms // _DAY_MS
    with db:
        db.execute("BEGIN IMMEDIATE")
        db.executemany(_DELETE, ((seq,) for seq in damaged))
        db.executemany(_TOUCH, ((day, seq) for seq in touched))
        for label, picture in puts:
            data = frame(label, picture, drawn_at_s=now_ms // 1000)
            db.execute(_PUT, (label.key, label.owner, day, data))


def make_room(db: sqlite3.Connection, room_bytes: int) -> int:
    """Evict until `room_bytes` or less are used; return how many went."""
    evicted = 0
    while (excess_bytes := used_bytes(db) - room_bytes) > 0 and (
        rows := db.execute(_EVICT, (min(512, excess_bytes // 4096 + 1),)).rowcount
    ):
        evicted += rows
    return evicted


def used_bytes(db: sqlite3.Connection) -> int:
    """Return what the database uses of its limit."""
    pages, free = db.execute(_PAGES).fetchone()
    return int(pages - free) * PAGE_BYTES


def forget(db: sqlite3.Connection, owners: Sequence[int]) -> int:
    """Delete all pictures of these owners; return how many."""
    deleted = 0
    for start in range(0, len(owners), _STEP):
        some = owners[start : start + _STEP]
        statement = _OF_OWNERS.format(",".join("?" * len(some)))
        while rows := db.execute(statement, (*some, _STEP)).rowcount:
            deleted += rows
    return deleted


def empty_log(db: sqlite3.Connection) -> bool:
    """Take what was deleted out of the log too; False while others read."""
    (busy, _, _) = db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    return not busy


def marked(db: sqlite3.Connection) -> int | None:
    """Return the mark."""
    row = db.execute(_MARKED).fetchone()
    return row and int(row[0])


def mark(db: sqlite3.Connection, number: int) -> None:
    """Raise the mark, on the disk itself; with it comes there all that was written before."""
    db.execute("PRAGMA synchronous=FULL")
    try:
        with db:
            db.execute("BEGIN IMMEDIATE")
            db.execute(_MARK, (max(number, marked(db) or 0),))
    finally:
        db.execute("PRAGMA synchronous=NORMAL")


def count(db: sqlite3.Connection, owner: int) -> int:
    """Return how many pictures an owner has."""
    (pictures,) = db.execute("SELECT count(*) FROM pictures WHERE owner = ?", (owner,)).fetchone()
    return int(pictures)


def last(db: sqlite3.Connection) -> int:
    """Return the number of the newest row."""
    (seq,) = db.execute("SELECT max(seq) FROM pictures").fetchone()
    return _FIRST if seq is None else int(seq)


def page(db: sqlite3.Connection, after: bytes | None, until: int) -> Sequence[Kept]:
    """Return some pictures in the order of their rows, from behind that of the ref `after` up to the row `until`."""
    found = []
    size_bytes = 0
    begin = _FIRST if after is None else int.from_bytes(after, "big", signed=True)
    for seq, key, owner, data in db.execute(_PAGE, (begin, until)):
        kept = examine(
            seq.to_bytes(8, "big", signed=True), data if isinstance(data, bytes) else b""
        )
        right = (kept.label.key, kept.label.owner) == (key, owner)
        found.append(kept if right else replace(kept, intact=False))
        size_bytes += kept.size_bytes
        if len(found) == _STEP or size_bytes > _STEP_BYTES:
            break
    return found


def discard(db: sqlite3.Connection, refs: Sequence[bytes]) -> int:
    """Delete rows; return how many there were."""
    deleted = 0
    for start in range(0, len(refs), _STEP):
        some = [(int.from_bytes(ref, "big", signed=True),) for ref in refs[start : start + _STEP]]
        with db:
            db.execute("BEGIN IMMEDIATE")
            deleted += db.executemany(_DELETE, some).rowcount
    return deleted


def give_back(db: sqlite3.Connection) -> int:
    """Take some free pages from the file, moving others to their places; return the bytes, 0 when none is free.

    The log has to hold the moved pages, so the disk needs room for those of one step.
    """
    (before, _) = db.execute(_PAGES).fetchone()
    db.execute(f"PRAGMA incremental_vacuum({2 * _STEP})").fetchall()
    (after, _) = db.execute(_PAGES).fetchone()
    return int(before - after) * PAGE_BYTES


def extent(db: sqlite3.Connection, limit_bytes: int) -> Extent:
    """Count."""
    (pictures,) = db.execute("SELECT count(*) FROM pictures").fetchone()
    return Extent(int(pictures), used_bytes(db), limit_bytes)
