"""Facts about `emoticon restore`: what comes back, and what must not."""

import asyncio
import sqlite3
import stat
from pathlib import Path
from typing import Any

import pytest
from alembic import command as alembic
from sqlalchemy import Connection
from tests.adapters.tiers.drawings import key_of
from tests.cli.backups import (
    command,
    data_dir,
    done,
    made_up,
    manifest_of,
    parts_of,
    refused,
    settle,
)
from tests.cli.caches import (
    SECRET,
    delete_account,
    erasures,
    in_valkey,
    keeping,
    make_accounts,
    on_accounts,
    on_disk,
)
from tests.cli.test_migrate import execute
from tests.servers import PostgresServer, opened
from tests.valkey import ValkeyServer

from emoticon.adapters.sql.migrate import alembic_config
from emoticon.domain.backups import MARGIN
from emoticon.domain.keeping import Label
from emoticon.domain.pictures import style_tag
from emoticon.domain.ports import OuterTier

ENDED = "all tokens and sessions have ended: everybody has to sign in again"


@pytest.fixture
def backup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: str) -> Path:
    """A backup of ann (1) and bob (2), on SQLite and on PostgreSQL."""
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=database, JWT_SECRET=SECRET)
    make_accounts(database, "ann", "bob")
    done("backup", str(tmp_path / "backup"))
    return tmp_path / "backup"


def rows(url: str, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in execute(url, query)]


def names(url: str) -> list[str]:
    query = "SELECT username FROM accounts WHERE deleted_at IS NULL ORDER BY id"
    return [name for (name,) in rows(url, query)]


def test_accounts_are_as_they_were(backup: Path, database: str) -> None:
    make_accounts(database, "carol")
    execute(database, "UPDATE accounts SET password_hash = 'other', look = 'other'")
    said = done("restore", "--force", str(backup))
    assert said == [f"accounts as they were at {manifest_of(backup)['made_at']}: 2", ENDED]
    assert names(database) == ["ann", "bob"]
    assert rows(database, "SELECT count(*) FROM accounts WHERE password_hash = 'other'") == [(0,)]
    assert [*data_dir().parent.glob("**/.*")] == []


def test_no_token_of_any_time_counts(backup: Path, database: str) -> None:
    before = rows(database, "SELECT id, version FROM accounts ORDER BY id")
    done("restore", "--force", str(backup))
    after = rows(database, "SELECT id, version, floor, floor_at FROM accounts ORDER BY id")
    assert after == [(id_, old + MARGIN, old + MARGIN, 0) for id_, old in before]


def test_all_sessions_end_when_they_were_last_used(backup: Path, database: str) -> None:
    done("restore", "--force", str(backup))
    ended = rows(database, "SELECT ended_at - last_used_at, end_reason FROM sessions")
    assert ended == [(0, "restored")] * 2


def test_no_id_is_given_a_second_time(backup: Path, database: str) -> None:
    done("restore", "--force", str(backup))
    assert make_accounts(database, "carol") == [2 + MARGIN + 1]
    assert command("account", "disable", "ann").exit_code == 0, "the audit goes on too"


def test_accounts_that_were_deleted_since_stay_deleted(backup: Path, database: str) -> None:
    delete_account(database, 1)
    said = done("restore", "--force", str(backup))
    assert said[2:] == ["accounts that were deleted since then stay deleted (1), by id: 1"]
    assert names(database) == ["bob"]
    left = "SELECT password_hash, look FROM accounts WHERE id = 1"
    assert rows(database, left) == [("", "{}")]
    left = "SELECT DISTINCT user_agent || address FROM sessions WHERE account_id = 1"
    assert rows(database, left) == [("",)]
    assert erasures(database)[-1] == 1


def test_accounts_that_are_forgotten_since_stay_deleted_too(backup: Path, database: str) -> None:
    delete_account(database, 1)
    execute(database, "DELETE FROM sessions", "DELETE FROM accounts WHERE id = 1")
    assert done("restore", "--force", str(backup))[2].endswith("stay deleted (1), by id: 1")


def test_deleted_accounts_come_back_when_that_is_wanted(backup: Path, database: str) -> None:
    delete_account(database, 1)
    said = done("restore", "--force", "--bring-back-deleted", str(backup))
    assert said[2:] == ["accounts that were deleted since then are back (1), by id: 1"]
    assert names(database) == ["ann", "bob"]


def test_an_account_whose_pictures_alone_were_erased_is_not_taken_for_deleted(
    backup: Path, database: str
) -> None:
    assert command("cache", "purge", "--owner", "ann", "--yes").exit_code == 0
    assert done("restore", "--force", str(backup))[2:] == []
    assert names(database) == ["ann", "bob"]


def test_of_many_deleted_accounts_some_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> None:
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=sqlite_database, JWT_SECRET=SECRET)
    make_accounts(sqlite_database, *(f"name{number}" for number in range(22)))
    done("backup", str(tmp_path / "backup"))
    execute(sqlite_database, "UPDATE accounts SET deleted_at = 1")
    said = done("restore", str(tmp_path / "backup"))
    assert said[2].endswith("(22), by id: " + ", ".join(map(str, range(1, 21))) + " and 2 more")


def test_whom_nobody_remembers_comes_back_and_that_is_said(backup: Path, database: str) -> None:
    delete_account(database, 1)
    execute(
        database,
        *(
            f"DROP TABLE {table}"
            for table in ("sessions", "links", "originals", "audit", "erasures", "accounts")
        ),
        "DROP TABLE emoticon_schema",
    )
    said = done("restore", str(backup))
    assert said[2].startswith("no accounts were here to compare with: whoever was deleted since")
    assert names(database) == ["ann", "bob"]


def test_accounts_are_replaced_by_force_only(backup: Path, database: str) -> None:
    said = refused("restore", str(backup))
    assert said == "emoticon: there are accounts already (2); --force replaces them"
    assert rows(database, "SELECT max(version) < 1000 FROM accounts")[0][0]


def test_tiers_are_emptied(
    backup: Path, monkeypatch: pytest.MonkeyPatch, empty_valkey: ValkeyServer
) -> None:
    monkeypatch.setenv("EMOTICON_SHARED_TIER_URL", empty_valkey.url)
    pictures = keeping(Label(key_of(1), 1, style_tag("moods")), Label(key_of(2), 7, 0))
    on_disk(pictures)
    in_valkey(empty_valkey.url, pictures)
    done("restore", "--force", str(backup))

    async def left(tier: OuterTier) -> int:
        return sum([len(batch) async for batch in tier.walk()])

    assert (on_disk(left), in_valkey(empty_valkey.url, left)) == (0, 0)


def test_a_tier_that_is_away_empties_itself_when_it_is_back(
    backup: Path, monkeypatch: pytest.MonkeyPatch, database: str
) -> None:
    monkeypatch.setenv("EMOTICON_SHARED_TIER_URL", "redis://127.0.0.1:1/0")
    said = done("restore", "--force", str(backup))
    assert said[2] == "not emptied, for it cannot be reached: shared; a running service does it"
    assert rows(database, "SELECT min(number) FROM erasures") == [(MARGIN,)]


@pytest.mark.usefixtures("backup")
def test_an_older_backup_is_brought_to_this_schema(database: str, tmp_path: Path) -> None:
    async def set_back() -> None:
        def downgrade(connection: Connection) -> None:
            alembic.downgrade(alembic_config(connection), "0001")

        async with opened(database) as engine, engine.begin() as connection:
            await connection.run_sync(downgrade)

    asyncio.run(set_back())
    old = tmp_path / "old"
    done("backup", str(old))
    assert manifest_of(old)["schema"] == "0001"
    execute(database, "UPDATE accounts SET deleted_at = 1 WHERE id = 1")
    assert done("restore", "--force", str(old))[2].endswith("stay deleted (1), by id: 1")
    assert names(database) == ["bob"]
    assert rows(database, "SELECT version_num FROM emoticon_schema") == [("0004",)]
    assert "schema 0004" in command("doctor").stdout


def test_a_newer_backup_is_refused(backup: Path) -> None:
    backup.write_bytes(
        made_up(parts_of(backup), schema="0005", database=manifest_of(backup)["database"])
    )
    said = refused("restore", "--force", str(backup))
    assert "the backup has schema 0005, this version knows 0004: restore it with 1.0 or" in said


def test_a_backup_of_the_other_database_is_refused(backup: Path) -> None:
    other = {"sqlite": "postgresql", "postgresql": "sqlite"}[manifest_of(backup)["database"]]
    backup.write_bytes(made_up(parts_of(backup), database=other))
    assert f"the backup is of {other}, the accounts here are in" in refused("restore", str(backup))


def test_a_key_that_is_not_in_the_backup_is_demanded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> None:
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=sqlite_database, JWT_SECRET=SECRET)
    make_accounts(sqlite_database, "ann")
    done("backup", str(tmp_path / "backup"))
    settle(monkeypatch, tmp_path / "other")
    said = refused("restore", str(tmp_path / "backup"))
    assert said == "emoticon: the signing key is not in the backup: give JWT_SECRET"


def test_the_key_comes_back_with_the_accounts(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settle(monkeypatch, tmp_path / "data")
    assert command("account", "create", "ann", given=b"seven green boats at noon\n").exit_code == 0
    key = (data_dir() / "jwt-secret").read_bytes()
    packed = command("backup", "-").stdout_bytes
    settle(monkeypatch, tmp_path / "other")
    assert command("restore", "-", given=packed).exit_code == 0
    assert (data_dir() / "jwt-secret").read_bytes() == key
    assert stat.S_IMODE((data_dir() / "jwt-secret").stat().st_mode) == 0o600
    assert "1 account" in command("account", "list").stdout


def test_a_key_of_the_environment_is_used_instead(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settle(monkeypatch, tmp_path / "data")
    assert command("account", "create", "ann", given=b"seven green boats at noon\n").exit_code == 0
    done("backup", str(tmp_path / "backup"))
    settle(monkeypatch, tmp_path / "other", JWT_SECRET=SECRET)
    said = done("restore", str(tmp_path / "backup"))
    assert said[-1] == "JWT_SECRET is given: the signing key of the backup was left in it"
    assert not (data_dir() / "jwt-secret").exists()


def test_accounts_that_cannot_be_read_are_replaced_by_force_only(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> None:
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=sqlite_database, JWT_SECRET=SECRET)
    make_accounts(sqlite_database, "ann")
    done("backup", str(tmp_path / "backup"))
    (tmp_path / "accounts.db").write_bytes(b"no database" * 1000)
    assert "cannot be read; --force replaces them" in refused("restore", str(tmp_path / "backup"))
    said = done("restore", "--force", str(tmp_path / "backup"))
    assert said[2].startswith("no accounts were here to compare with")
    assert names(sqlite_database) == ["ann"]


def test_what_another_program_has_open_is_not_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> None:
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=sqlite_database, JWT_SECRET=SECRET)
    make_accounts(sqlite_database, "ann")
    done("backup", str(tmp_path / "backup"))
    other = sqlite3.connect(tmp_path / "accounts.db", isolation_level=None)
    try:
        other.execute("PRAGMA journal_mode = WAL")
        other.execute("SELECT count(*) FROM accounts").fetchall()
        said = refused("restore", "--force", str(tmp_path / "backup"))
        assert "is in use by another program: database is locked" in said
    finally:
        other.close()
    done("restore", "--force", str(tmp_path / "backup"))


def test_a_role_that_may_not_do_it_changes_nothing(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    postgres_database: str,
    postgres: PostgresServer,
) -> None:
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=postgres_database, JWT_SECRET=SECRET)
    make_accounts(postgres_database, "ann")
    done("backup", str(tmp_path / "backup"))
    postgres.sql("ALTER TABLE erasures OWNER TO postgres", postgres_database.rpartition("/")[2])
    said = refused("restore", "--force", str(tmp_path / "backup"))
    assert "the accounts cannot be restored: permission denied" in said


async def _count(store: Any) -> int:
    return len(await store.page(after_id=0, count=100))


def test_the_service_reads_what_was_restored(backup: Path, database: str) -> None:
    done("restore", "--force", str(backup))
    assert on_accounts(database, _count) == 2
