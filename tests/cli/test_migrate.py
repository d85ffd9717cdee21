"""Facts about `emoticon migrate`."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import bcrypt
import pytest
from sqlalchemy import Row, text
from typer.testing import CliRunner, Result

from emoticon.adapters.sql.engine import open_engine
from emoticon.cli import app
from emoticon.settings import Settings, variable


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_database: str) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", empty_database)
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")


def migrate(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["migrate", *arguments])


def execute(url: str, *statements: str) -> Sequence[Row[Any]]:
    async def run() -> Sequence[Row[Any]]:
        engine = open_engine(url)
        async with engine.connect() as connection:
            for statement in statements:
                result = await connection.execute(text(statement))
            rows = list(result.all()) if result.returns_rows else []
            await connection.commit()
        await engine.dispose()
        return rows

    return asyncio.run(run())


def test_it_names_each_step_and_may_be_repeated() -> None:
    first, second = migrate(), migrate()
    assert first.exit_code == second.exit_code == 0, first.output
    assert first.stdout.splitlines()[0].startswith("0001 ")
    assert first.stdout.splitlines()[-1] == second.stdout.strip() == "the schema is at 0004"


def test_accounts_of_the_reference_service_are_taken_over(empty_database: str) -> None:
    old_hash = bcrypt.hashpw(b"1234", bcrypt.gensalt(4)).decode()
    names = {3: "Ann", 4: "ann", 5: "  ", 7: "bob"}
    rows = ", ".join(f"({number}, '{name}', '{old_hash}')" for number, name in names.items())
    execute(
        empty_database,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(20), password_hash VARCHAR(255))",
        f"INSERT INTO users VALUES {rows}",  # noqa: S608 - of this test
    )
    result = migrate("--from-reference")
    assert result.exit_code == 0, result.output
    assert "2 accounts taken over, 0 were here already, 2 cannot be taken" in result.stdout
    assert "'ann'" in result.stdout
    again = migrate("--from-reference")
    assert "0 accounts taken over, 2 were here already, 2 cannot be taken" in again.stdout
    taken = execute(empty_database, "SELECT id, username FROM accounts ORDER BY id")
    assert [tuple(row) for row in taken] == [(3, "Ann"), (7, "bob")]


def test_nothing_is_said_of_refusals_when_there_are_none(empty_database: str) -> None:
    execute(
        empty_database,
        "CREATE TABLE users (id INTEGER PRIMARY KEY, username VARCHAR(20), password_hash VARCHAR(255))",
    )
    result = migrate("--from-reference")
    assert result.stdout.endswith("0 cannot be taken\n")


def test_a_database_without_the_table_of_the_reference_is_said_plainly() -> None:
    result = migrate("--from-reference")
    assert result.exit_code == 1
    assert "users" in result.stderr
    assert "Traceback" not in result.output


def test_a_newer_database_is_left_alone(empty_database: str) -> None:
    assert migrate().exit_code == 0
    execute(empty_database, "UPDATE emoticon_schema SET version_num = '9999'")
    result = migrate()
    assert result.exit_code == 1
    assert "9999" in result.stderr
    assert "run the release that made it" in result.stderr
