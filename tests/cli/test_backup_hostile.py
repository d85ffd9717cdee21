"""Facts about backups that `emoticon restore` refuses for what is in them: one line, and nothing has changed."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.cli.backups import command, done, made_up, parts_of, refused, settle
from tests.cli.caches import SECRET, make_accounts
from tests.cli.test_migrate import execute

ACCOUNTS = "accounts.sqlite3"


@pytest.fixture
def parts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> dict[str, bytes]:
    """The parts of a good backup on SQLite; the accounts that were in it are still there."""
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=sqlite_database, JWT_SECRET=SECRET)
    make_accounts(sqlite_database, "ann")
    done("backup", str(tmp_path / "backup"))
    return parts_of(tmp_path / "backup")


def altered(tmp_path: Path, content: bytes, *statements: str) -> bytes:
    """Return a database in which these statements have been run."""
    file = tmp_path / "altered"
    file.write_bytes(content)
    db = sqlite3.connect(file, isolation_level=None)
    for statement in statements:
        db.execute(statement)
    db.close()
    return file.read_bytes()


def restore(backup: bytes) -> str:
    """Return with what it is refused."""
    return refused("restore", "--force", "-", given=backup)


def unchanged(tmp_path: Path, url: str) -> bool:
    rows = execute(url, "SELECT username, floor < 1000 FROM accounts")
    places = [*tmp_path.glob(".*"), *(tmp_path / "data").glob(".*")]
    return [tuple(row) for row in rows] == [("ann", True)] and not places


@pytest.mark.parametrize(
    ("statements", "message"),
    [
        (
            ("CREATE TRIGGER t AFTER UPDATE ON accounts BEGIN DELETE FROM audit; END",),
            "is not a database of this service",
        ),
        (("CREATE VIEW v AS SELECT * FROM accounts",), "is not a database of this service"),
        (("CREATE VIRTUAL TABLE v USING fts5(x)",), "is not a database of this service"),
        (("DROP TABLE emoticon_schema",), "is not a database of this service"),
        (("DELETE FROM emoticon_schema",), "is damaged"),
        (("DELETE FROM accounts",), "is damaged"),
        (("UPDATE emoticon_schema SET version_num = '0002'",), "contradicts its accounts"),
        (
            ("ALTER TABLE accounts RENAME COLUMN floor TO ceiling",),
            "the accounts cannot be restored: no such column: floor",
        ),
    ],
)
def test_a_database_of_another_kind_is_refused(
    parts: dict[str, bytes],
    tmp_path: Path,
    sqlite_database: str,
    statements: tuple[str, ...],
    message: str,
) -> None:
    hostile = altered(tmp_path, parts[ACCOUNTS], *statements)
    assert message in restore(made_up({ACCOUNTS: hostile}))
    assert unchanged(tmp_path, sqlite_database)


@pytest.mark.parametrize(
    ("harm", "message"),
    [
        (lambda _: made_up({ACCOUNTS: b"no database" * 1000}), "is damaged"),
        (lambda parts: made_up({ACCOUNTS: parts[ACCOUNTS][:8192]}), "is damaged"),
        (lambda _: made_up({ACCOUNTS: b""}), "is not a database of this service"),
        (lambda parts: made_up(parts, schema="0000"), "schema 0000, which there never was"),
        (lambda _: made_up({"other": b"x"}), "does not have the parts of one of sqlite"),
        (lambda parts: made_up({**parts, "other": b"x"}), "does not have the parts"),
        (lambda _: made_up({"jwt-secret": b"k" * 64}), "does not have the parts"),
        (lambda parts: made_up({**parts, "jwt-secret": b"k" * 5000}), "does not have the parts"),
        (lambda parts: made_up({**parts, "jwt-secret": b"short"}), "the signing key in the backup"),
        (lambda _: b"no backup", "cut short or damaged"),
    ],
)
def test_a_backup_of_another_kind_is_refused(
    parts: dict[str, bytes],
    tmp_path: Path,
    sqlite_database: str,
    harm: Callable[[dict[str, bytes]], bytes],
    message: str,
) -> None:
    assert message in restore(harm(parts))
    assert unchanged(tmp_path, sqlite_database)


@pytest.mark.usefixtures("parts")
def test_a_file_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    said = refused("restore", str(tmp_path / "nothing"))
    assert said.endswith("nothing: No such file or directory")


def test_what_is_in_no_table_of_the_schema_is_refused_on_postgresql(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, postgres_database: str
) -> None:
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=postgres_database, JWT_SECRET=SECRET)
    make_accounts(postgres_database, "ann")
    done("backup", str(tmp_path / "backup"))
    good = parts_of(tmp_path / "backup")
    missing = {name: content for name, content in good.items() if name != "audit.copy"}
    broken = {**good, "sessions.copy": b"1\t2\n"}
    orphan = {**good, "accounts.copy": b""}
    for parts, message in (
        (missing, "does not have the tables of its schema 0004"),
        (broken, "cannot be restored: "),
        (orphan, "violates foreign key constraint"),
    ):
        assert message in restore(made_up(parts, database="postgresql"))
        assert unchanged(tmp_path, postgres_database)


def test_where_no_lock_can_be_the_database_says_what_is_wrong(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settle(
        monkeypatch,
        tmp_path / "data",
        DATABASE_URL=f"sqlite:///{tmp_path}/nowhere/accounts.db",
        JWT_SECRET=SECRET,
    )
    result = command("account", "list")
    assert result.exit_code == 1
    assert "unable to open database file" in result.stderr
