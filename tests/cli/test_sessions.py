"""Facts about `emoticon sessions`."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.cli.terminal import Terminal
from tests.servers import PostgresServer, opened
from typer.testing import CliRunner, Result

from emoticon.cli import app
from emoticon.settings import Settings, variable

PASSWORD = "seven green boats at noon"
NOTHING = "pruned: sessions 0, audit rows 0, erasures 0, deleted accounts 0, expired links 0, uploaded pictures 0\n"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: str) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")


def emoticon(*arguments: str, given: str = "") -> Result:
    return CliRunner().invoke(app, arguments, input=given)


def make_accounts(*names: str) -> None:
    for name in names:
        result = emoticon("account", "create", name, given=PASSWORD)
        assert result.exit_code == 0, result.output


def age(url: str) -> None:
    """Let everything have happened in 1970."""

    async def run() -> None:
        async with opened(url) as engine, engine.begin() as connection:
            await connection.execute(text("UPDATE sessions SET ended_at = 1"))
            await connection.execute(text("UPDATE audit SET at = 1"))
            await connection.execute(
                text("UPDATE accounts SET deleted_at = 1 WHERE deleted_at IS NOT NULL")
            )

    asyncio.run(run())


def test_what_is_old_goes_and_is_counted(database: str) -> None:
    make_accounts("ann", "bob", "eve")
    assert emoticon("account", "delete", "eve", "--yes").exit_code == 0
    age(database)
    result = emoticon("sessions", "prune")
    assert result.exit_code == 0, result.output
    counted = "pruned: sessions 3, audit rows 7, erasures 0, deleted accounts 1"
    assert result.stdout == f"{counted}, expired links 0, uploaded pictures 0\n"
    assert result.stderr == "", "progress is for terminals"
    assert emoticon("sessions", "prune").stdout == NOTHING
    assert emoticon("account", "list").stdout.endswith("2 accounts\n")
    make_accounts("eve")


def test_what_is_young_stays() -> None:
    make_accounts("ann", "eve")
    assert emoticon("account", "delete", "eve", "--yes").exit_code == 0
    assert emoticon("sessions", "prune").stdout == NOTHING
    assert len(emoticon("account", "audit", "ann").stdout.splitlines()) == 3


def test_a_terminal_sees_that_something_is_done() -> None:
    with Terminal("sessions", "prune") as terminal:
        terminal.expect("pruning")
        terminal.expect("pruned: sessions 0")
        assert terminal.finish() == 0


def test_a_database_that_is_away_is_one_line(
    monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url("no-such-database"))
    result = emoticon("sessions", "prune")
    assert result.exit_code == 1
    assert result.stderr.startswith("emoticon: The database refuses: ")
    assert result.stderr.count("\n") == 1


def test_help_says_how_long_things_are_kept() -> None:
    assert "EMOTICON_AUDIT_DAYS" in emoticon("sessions", "prune", "--help").stdout
    assert "sessions" in emoticon("--help").stdout
