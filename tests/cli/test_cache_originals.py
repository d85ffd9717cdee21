"""Facts about what `emoticon cache verify` says of uploaded pictures."""

import asyncio
import json
import os
from pathlib import Path

import pytest
from sqlalchemy import insert
from tests.cli.backups import settle
from tests.cli.caches import SECRET, cache
from tests.cli.terminal import Terminal
from tests.servers import free_port, opened
from tests.stores import surround, variables

from emoticon.adapters.blobs.local import LocalBlobStore
from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.tables import originals
from emoticon.domain.blobs import blob_name, new_place

WELL = "originals: 0 intact, 0 lost, 0 that nobody shows, 0 that the database does not know"


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str) -> Path:
    """The data directory of the commands."""
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=sqlite_database, JWT_SECRET=SECRET)
    return tmp_path / "data"


def leave(place: Path, account_id: int, state: str | None, data: bytes | None = b"x") -> None:
    """Leave an original in a state (None: without a row), with its blob or without."""

    async def run() -> None:
        original = new_place(account_id, b"x")
        if data is not None:
            await LocalBlobStore(place).put(blob_name(original.name), data)
        if state is not None:
            row = {"name": original.name, "state": state, "size_bytes": 1, "begun_at": 1}
            async with opened(os.environ["DATABASE_URL"]) as engine, writing(engine) as connection:
                await connection.execute(insert(originals).values(account_id=account_id, **row))

    asyncio.run(run())


def last_line(*arguments: str) -> tuple[int, str]:
    result = cache("verify", *arguments)
    return result.exit_code, result.stdout.splitlines()[-1]


def test_where_there_are_none_all_is_well() -> None:
    assert last_line() == (0, WELL)
    assert last_line("--repair") == (0, f"{WELL}; 0 removed")


def test_what_is_loose_is_said_and_removed_and_what_is_shown_stays(place: Path) -> None:
    for state in ("kept", "new", "dropped", None):
        leave(place, 7, state)
    found = "originals: 1 intact, 0 lost, 2 that nobody shows"
    # The blob without a row is a moment old, so an upload may be under way.
    unknown = "that the database does not know"
    assert last_line() == (1, f"{found}, 0 {unknown}")
    assert last_line("--older-than-s", "0") == (1, f"{found}, 1 {unknown}")
    assert last_line("--repair", "--older-than-s", "0") == (0, f"{found}, 1 {unknown}; 3 removed")
    assert last_line("--older-than-s", "0")[0] == 0
    assert len([*(place / "originals").iterdir()]) == 1


def test_of_what_is_lost_it_is_said_whose_it_is_and_no_repair_helps(place: Path) -> None:
    leave(place, 7, "kept", None)
    leave(place, 8, "kept", b"another")
    status, line = last_line("--repair")
    assert status == 1
    assert line.endswith("; 0 removed; lost are those of accounts 7, 8")
    document = json.loads(cache("verify", "--json").stdout)
    assert document["clean"] is False
    assert document["originals"]["lost_of"] == [7, 8]


def test_of_many_that_are_lost_the_first_hundred_are_named() -> None:
    async def lose() -> None:
        rows = [
            {
                "account_id": number,
                "name": new_place(number, b"x").name,
                "state": "kept",
                "size_bytes": 1,
                "begun_at": 1,
            }
            for number in range(1, 102)
        ]
        async with opened(os.environ["DATABASE_URL"]) as engine, writing(engine) as connection:
            await connection.execute(insert(originals), rows)

    asyncio.run(lose())
    status, line = last_line()
    assert status == 1
    assert line.startswith("originals: 0 intact, 101 lost")
    assert line.endswith("98, 99, 100 and more")


def test_a_store_that_does_not_answer_is_said_and_nothing_is_called_lost(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    leave(place, 7, "kept")
    surround(monkeypatch, variables(free_port()))
    monkeypatch.setenv("EMOTICON_STORE_URL", "s3://bucket")
    result = cache("verify", "--repair")
    assert result.exit_code == 1
    assert result.stdout.splitlines()[-1].startswith("originals: 0 intact, 0 lost")
    assert "emoticon: uploaded pictures are unavailable: Uploaded pictures" in result.stderr


def test_a_directory_that_cannot_be_used_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTICON_STORE_URL", "file:///dev/null/x")
    result = cache("verify")
    assert result.exit_code == 1
    assert "emoticon: uploaded pictures are unavailable: Uploaded pictures" in result.stderr


def test_a_store_that_cannot_be_set_up_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, {})
    monkeypatch.setenv("EMOTICON_STORE_URL", "az://container")
    result = cache("verify")
    assert result.exit_code == 1
    assert "emoticon: EMOTICON_STORE_URL cannot be used: " in result.stderr


def test_on_a_terminal_their_progress_is_shown(place: Path) -> None:
    leave(place, 7, "kept")
    with Terminal("cache", "verify") as terminal:
        terminal.expect("originals: 1 intact")
        assert terminal.finish() == 0
