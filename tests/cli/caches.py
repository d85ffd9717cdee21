"""Tiers and accounts for the commands of a test, in its data directory."""

import asyncio
import os
import sqlite3
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

from tests.accounts import ManualClock, new_account, new_session
from tests.adapters.tiers.drawings import drawn
from tests.servers import opened
from typer.testing import CliRunner, Result

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.erasures import SqlErasureStore
from emoticon.adapters.tiers.disk import DiskTier
from emoticon.adapters.tiers.shared import SharedTier
from emoticon.cli import app
from emoticon.domain.keeping import Label
from emoticon.domain.models import Look, Origin
from emoticon.domain.ports import OuterTier

T = TypeVar("T")

SECRET = "0123456789abcdef0123456789abcdef"
DAY_MS = 86_400_000


def cache(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["cache", *arguments])
    assert "Traceback" not in result.output, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def pictures_file() -> Path:
    return Path(os.environ["EMOTICON_DATA_DIR"]) / "pictures.sqlite3"


def on_disk(act: Callable[[DiskTier], Awaitable[T]], *, days_ago: int = 0) -> T:
    """Do something with the disk tier, so many days ago."""
    clock = ManualClock(int(time.time() * 1000) - days_ago * DAY_MS)
    return _with(DiskTier(pictures_file(), max_bytes=1 << 24, clock=clock), act)


def in_valkey(url: str, act: Callable[[SharedTier], Awaitable[T]]) -> T:
    """Do something with the shared tier."""
    return _with(SharedTier(url, ManualClock(int(time.time() * 1000)), timeout_s=5), act)


def keeping(*labels: Label) -> Callable[[OuterTier], Awaitable[None]]:
    """Return what puts a picture under each label."""

    async def keep(tier: OuterTier) -> None:
        for number, label in enumerate(labels):
            await tier.put(label, drawn(number))

    return keep


def damage(owner: int) -> None:
    """Let the pictures of an owner on disk be of another."""
    with sqlite3.connect(pictures_file()) as db:
        db.execute("UPDATE pictures SET owner = owner + 1 WHERE owner = ?", (owner,))
    db.close()


def make_accounts(url: str, *names: str, style: str = "moods") -> list[int]:
    """Make accounts of these names, each with an open session, and return their ids."""

    async def make(store: SqlAccountStore) -> list[int]:
        made = []
        for name in names:
            account = new_account(name, look=Look(style, name))
            made.append((await store.add(account, new_session(), free_before=0)).id)
        return made

    return on_accounts(url, make)


def delete_account(url: str, account_id: int) -> int:
    """Delete it and return the number of its erasure."""

    async def delete() -> int:
        async with opened(url) as engine:
            await SqlAccountStore(engine).delete(account_id, Origin())
            return (await SqlErasureStore(engine).log()).newest

    return asyncio.run(delete())


def on_accounts(url: str, act: Callable[[SqlAccountStore], Awaitable[T]]) -> T:
    """Do something with the accounts."""

    async def run() -> T:
        async with opened(url) as engine:
            return await act(SqlAccountStore(engine))

    return asyncio.run(run())


def erasures(url: str) -> Sequence[int]:
    """Return whose erasures there are."""

    async def run() -> Sequence[int]:
        async with opened(url) as engine:
            return [erasure.owner for erasure in await SqlErasureStore(engine).after(0, 100)]

    return asyncio.run(run())


async def _using(tier: OuterTier, act: Callable[..., Awaitable[T]]) -> T:
    try:
        return await act(tier)
    finally:
        await tier.aclose()


def _with(tier: OuterTier, act: Callable[..., Awaitable[T]]) -> T:
    return asyncio.run(_using(tier, act))
