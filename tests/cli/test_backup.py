"""Facts about `emoticon backup`."""

import fcntl
import hashlib
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from tests.cli.backups import (
    command,
    data_dir,
    done,
    manifest_of,
    parts_of,
    refused,
    settle,
    uncounted,
)
from tests.cli.caches import SECRET, make_accounts
from tests.cli.terminal import Terminal
from tests.cli.test_migrate import execute
from tests.servers import PostgresServer

from emoticon import __version__


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A data directory with an account; returns where a backup may go."""
    settle(monkeypatch, tmp_path / "data")
    assert command("account", "create", "ann", given=b"seven green boats at noon\n").exit_code == 0
    return tmp_path / "backup"


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: str) -> Path:
    """The same with a database and a key by environment, on SQLite and on PostgreSQL."""
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=database, JWT_SECRET=SECRET)
    make_accounts(database, "ann", "bob")
    return tmp_path / "backup"


def test_it_is_one_file_for_its_owner_with_a_manifest_of_its_parts(embedded: Path) -> None:
    [said] = done("backup", str(embedded))
    assert said.endswith(" of accounts, with the signing key")
    assert stat.S_IMODE(embedded.stat().st_mode) == 0o600
    manifest, parts = manifest_of(embedded), parts_of(embedded)
    assert manifest["made_at"] in said
    described = {
        name: manifest[name] for name in ("format", "emoticon", "schema", "database", "secret")
    }
    assert described == {
        "format": 1,
        "emoticon": __version__,
        "schema": "0004",
        "database": "sqlite",
        "secret": "kept",
    }
    assert [*parts] == ["accounts.sqlite3", "jwt-secret"]
    for part, content in zip(manifest["parts"], parts.values(), strict=True):
        assert part["size_bytes"] == len(content)
        assert part["sha256"] == hashlib.sha256(content).hexdigest()
    assert parts["jwt-secret"] == (data_dir() / "jwt-secret").read_bytes()
    assert sorted(path.name for path in embedded.parent.iterdir()) == ["backup", "data"]


def test_a_key_of_the_environment_is_not_in_it(given: Path, database: str) -> None:
    assert done("backup", str(given))[0].endswith("without the signing key")
    manifest, parts = manifest_of(given), parts_of(given)
    assert manifest["secret"] == "given"
    assert SECRET.encode() not in b"".join(parts.values())
    if database.startswith("sqlite"):
        assert [*parts] == ["accounts.sqlite3"]
    else:
        tables = ("accounts", "audit", "erasures", "links", "originals", "sessions")
        assert sorted(parts) == [f"{table}.copy" for table in tables]


def test_caches_are_left_out(embedded: Path) -> None:
    assert command("cache", "warm", "--top", "1").exit_code == 0
    assert (data_dir() / "pictures.sqlite3").exists()
    done("backup", str(embedded))
    assert [*parts_of(embedded)] == ["accounts.sqlite3", "jwt-secret"]


def test_a_file_is_replaced_by_force_only(embedded: Path) -> None:
    embedded.write_bytes(b"precious")
    assert "is there already; --force replaces a file" in refused("backup", str(embedded))
    assert embedded.read_bytes() == b"precious"
    done("backup", "--force", str(embedded))
    assert manifest_of(embedded)["format"] == 1


def test_no_directory_is_replaced(embedded: Path) -> None:
    embedded.mkdir()
    assert "is there already" in refused("backup", "--force", str(embedded))


def test_standard_output_gets_the_backup_and_nothing_else(embedded: Path) -> None:
    result = command("backup", "-")
    assert result.exit_code == 0
    assert "with the signing key" in result.stderr
    embedded.write_bytes(result.stdout_bytes)
    assert not (data_dir() / ".backup.partial").exists()
    assert [*parts_of(embedded)] == ["accounts.sqlite3", "jwt-secret"]


def test_a_terminal_gets_no_backup() -> None:
    with Terminal("backup", "-") as terminal:
        terminal.expect("a backup is not for a terminal")
        assert terminal.finish() == 2


def test_a_terminal_sees_how_far_it_is(embedded: Path) -> None:
    with Terminal("backup", str(embedded)) as terminal:
        terminal.expect("copying")
        terminal.expect("packing")
        terminal.expect("with the signing key")
        assert terminal.finish() == 0


LIMITED = """
import resource, sys
limit_bytes = int(sys.argv.pop(1))
resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))
from emoticon.__main__ import main
main()
"""


def test_a_full_disk_leaves_nothing_half_behind(embedded: Path) -> None:
    done("backup", str(embedded))
    before = embedded.read_bytes()
    for limit_bytes in (1024, 40_000):  # of the largest file; the copy has 77,824
        process = subprocess.run(
            [sys.executable, "-c", LIMITED, str(limit_bytes), "backup", "--force", str(embedded)],
            env=uncounted(),
            capture_output=True,
            text=True,
            check=False,
        )
        assert (process.returncode, process.stderr.count("\n")) == (1, 1), process.stderr
        assert embedded.read_bytes() == before
        assert sorted(path.name for path in embedded.parent.iterdir()) == ["backup", "data"]


@pytest.mark.usefixtures("embedded")
def test_an_output_that_takes_nothing_is_one_line() -> None:
    with Path("/dev/full").open("wb") as full:
        process = subprocess.run(
            [sys.executable, "-m", "emoticon", "backup", "-"],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )
    assert process.returncode == 1
    assert process.stderr.splitlines()[0] == "emoticon: -: No space left on device"


def test_a_directory_that_is_not_there_is_one_line(embedded: Path) -> None:
    said = refused("backup", str(embedded / "deeper"))
    assert said.endswith("No such file or directory")


def test_without_accounts_there_is_nothing_to_back_up(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settle(monkeypatch, tmp_path / "data")
    assert "there are no accounts in " in refused("backup", str(tmp_path / "backup"))
    assert [*tmp_path.iterdir()] == []


def test_a_database_without_tables_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, empty_postgres: str
) -> None:
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=empty_postgres, JWT_SECRET=SECRET)
    assert "no tables of this service" in refused("backup", str(tmp_path / "backup"))


def test_a_schema_of_a_newer_version_is_refused(given: Path, database: str) -> None:
    execute(database, "UPDATE emoticon_schema SET version_num = '9999'")
    assert "at revision 9999, this version knows 0004" in refused("backup", str(given))
    assert not given.exists()


def test_a_database_that_says_no_is_one_line(
    given: Path, database: str, postgres: PostgresServer
) -> None:
    if database.startswith("sqlite"):
        Path(database.partition("///")[2]).write_bytes(b"no database" * 1000)
        assert "cannot be copied: file is not a database" in refused("backup", str(given))
    else:
        name = database.rpartition("/")[2]
        postgres.sql("ALTER TABLE audit OWNER TO postgres", name)
        assert "cannot be copied: permission denied" in refused("backup", str(given))
    assert not given.exists()


def test_a_damaged_database_is_not_backed_up(embedded: Path) -> None:
    execute(
        f"sqlite+aiosqlite:///{data_dir()}/accounts.sqlite3",
        "PRAGMA foreign_keys = OFF",
        "INSERT INTO sessions SELECT 'x', 99, 0, NULL, 0, 0, 0, NULL, NULL, '', ''",
    )
    assert refused("backup", str(embedded)).endswith("accounts.sqlite3 is damaged")


def test_two_at_once_do_not_disturb_each_other(embedded: Path) -> None:
    place = embedded.with_name(".backup.partial")
    place.mkdir()
    (place / "left").mkdir()
    (place / "behind").write_bytes(b"by a process that was killed")
    descriptor = os.open(place, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        assert "another command is at work in" in refused("backup", str(embedded))
        assert (place / "behind").exists()
    finally:
        os.close(descriptor)
    done("backup", str(embedded))
    assert not place.exists()
