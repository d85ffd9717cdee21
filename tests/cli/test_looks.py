"""Facts about `emoticon looks`."""

import asyncio
import json
import signal
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.accounts import new_account
from tests.cli.terminal import Terminal
from tests.servers import opened
from typer.testing import CliRunner, Result

from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.rows import account_row
from emoticon.adapters.sql.tables import accounts
from emoticon.cli import app
from emoticon.domain.models import Look
from emoticon.settings import Settings, variable

OLD = Look("moods", "a", generator_version=9)


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", sqlite_database)
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")


def upgrade(*arguments: str) -> Result:
    result = CliRunner().invoke(app, ["looks", "upgrade", *arguments])
    assert "Traceback" not in result.output, result.output
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result


def make_accounts(url: str, *looks: Look) -> None:
    rows = [
        account_row(new_account(f"u{number}", look=look), created_at=1)
        for number, look in enumerate(looks)
    ]

    async def make() -> None:
        async with opened(url) as engine, writing(engine) as connection:
            await connection.execute(accounts.insert(), rows)

    asyncio.run(make())


def versions(url: str) -> list[tuple[int, int]]:
    """Return the generator's version and the revision of each account."""

    async def read() -> list[tuple[int, int]]:
        async with opened(url) as engine, engine.connect() as connection:
            found = await connection.execute(
                text("SELECT look, revision FROM accounts ORDER BY id")
            )
            return [(json.loads(row[0])["generator_version"], row[1]) for row in found]

    return asyncio.run(read())


def test_looks_of_an_older_version_get_the_present_one_once(sqlite_database: str) -> None:
    make_accounts(sqlite_database, OLD, Look("moods", "a"), OLD)
    assert upgrade("--dry-run").stdout == "2 looks would be upgraded\n"
    assert versions(sqlite_database) == [(9, 0), (10, 0), (9, 0)]
    assert upgrade().stdout == "2 looks upgraded\n"
    assert versions(sqlite_database) == [(10, 1), (10, 0), (10, 1)]
    assert upgrade().stdout == "0 looks upgraded\n"


def test_what_cannot_be_upgraded_is_said_and_ends_with_status_1(sqlite_database: str) -> None:
    make_accounts(sqlite_database, Look("gone", "a", generator_version=9), OLD)
    result = upgrade()
    assert (result.exit_code, result.stdout) == (1, "1 look upgraded\n")
    assert result.stderr == "emoticon: 1 look left as they were: There is no such style\n"


def test_the_looks_of_another_service_are_upgraded_by_its_name(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTICON_UPSTREAM_URL", "http://127.0.0.1:9/{seed}")
    monkeypatch.setenv("EMOTICON_UPSTREAM_VERSION", "7")
    make_accounts(sqlite_database, OLD, Look("upstream", "a", "{}", "upstream", 6))
    assert upgrade("--generator", "upstream").stdout == "1 look upgraded\n"
    assert versions(sqlite_database) == [(9, 0), (7, 1)]


@pytest.mark.parametrize("name", ["gone", "original", "upstream", ""])
def test_a_generator_that_is_not_here_is_a_wrong_use(name: str) -> None:
    result = upgrade("--generator", name)
    assert result.exit_code == 2
    assert result.stderr == ("emoticon: there is no such generator; these are here: dicebear\n")


def test_a_service_that_cannot_start_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTICON_STYLES", "gone")
    result = upgrade()
    assert result.exit_code == 1
    assert "EMOTICON_STYLES names 'gone'" in result.stderr


def test_ctrl_c_stops_and_whoever_begins_again_does_the_rest(sqlite_database: str) -> None:
    make_accounts(sqlite_database, *[OLD] * 3000)
    with Terminal("looks", "upgrade") as terminal:
        terminal.expect("looks: ")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.finish() == 130
    assert "looks upgraded" in terminal.screen
    assert "stopped: " in terminal.screen
    assert "Traceback" not in terminal.screen
    left = versions(sqlite_database).count((9, 0))
    assert 0 < left <= 3000
    assert upgrade("--dry-run").stdout == f"{left} looks would be upgraded\n"
