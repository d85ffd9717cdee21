"""Reading, checking and breaking the file of a disk tier."""

import sqlite3
from pathlib import Path
from typing import Any

from tests.adapters.tiers.drawings import MEAN_BYTES, drawn, label_of

from emoticon.adapters.tiers.disk import DiskTier
from emoticon.domain.errors import TierUnavailable


def rows(path: Path, select: str) -> list[tuple[Any, ...]]:
    """Read the file as any program would."""
    db = sqlite3.connect(path)
    try:
        return db.execute(select).fetchall()
    finally:
        db.close()


def change(path: Path, statement: str, *values: Any) -> None:
    """Write into the file as any program would."""
    db = sqlite3.connect(path)
    try:
        with db:
            db.execute(statement, values)
    finally:
        db.close()


def move_away(path: Path) -> Path:
    return path.rename(path.with_name("moved"))


def make_directory(path: Path) -> None:
    path.mkdir()


def remove_directory(path: Path) -> None:
    path.rmdir()


def replace(path: Path, data: bytes) -> None:
    path.unlink(missing_ok=True)
    path.write_bytes(data)


def content(path: Path) -> bytes:
    """Return what the file holds, nothing if there is none."""
    return path.read_bytes() if path.exists() else b""


async def fill(tier: DiskTier, numbers: range, size_bytes: int = MEAN_BYTES) -> None:
    for number in numbers:
        await tier.put(label_of(number), drawn(number, size_bytes))
        if number % 20 == 19:
            await tier.flush()
    await tier.flush()


async def present(tier: DiskTier, numbers: range, size_bytes: int = MEAN_BYTES) -> list[int]:
    """Say which pictures it has; each must be the right one. A tier that is down has none."""
    found = []
    for number in numbers:
        try:
            picture = await tier.get(label_of(number))
        except TierUnavailable:
            continue
        assert picture in (None, drawn(number, size_bytes))
        if picture:
            found.append(number)
    return found


def traces(path: Path, numbers: range, size_bytes: int = MEAN_BYTES) -> list[int]:
    """Say of which pictures a piece is left in any file of the tier."""
    data = b"".join(file.read_bytes() for file in path.parent.iterdir())
    bodies = {number: drawn(number, size_bytes).body for number in numbers}
    return [
        number
        for number, body in bodies.items()
        if any(body[start : start + 64] in data for start in range(0, size_bytes - 64, 1024))
    ]


def set_aside(path: Path) -> list[str]:
    return [file.name for file in path.parent.glob("*.corrupt-*")]


def overwrite(path: Path, offset: int, data: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(data)


def truncate(path: Path, size_bytes: int) -> None:
    with path.open("r+b") as file:
        file.truncate(size_bytes)


def log_of(path: Path) -> Path:
    return Path(f"{path}-wal")
