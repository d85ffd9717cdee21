"""Facts about backups of a service that runs, and about a restore that must not meet one."""

import asyncio
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import pytest
from httpx2 import Client
from tests.accounts import new_account, new_session
from tests.cli.backups import command, done, parts_of, refused, settle, uncounted
from tests.cli.caches import SECRET, make_accounts
from tests.cli.test_migrate import execute
from tests.e2e.conftest import Service
from tests.servers import PostgresServer, opened

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.occupancy import alone

PASSWORD = "seven green boats at noon"
PATIENCE_S = 60


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: str) -> dict[str, str]:
    """The settings of a service and of the commands, on SQLite and on PostgreSQL."""
    settings = {"DATABASE_URL": database, "JWT_SECRET": SECRET}
    settle(monkeypatch, tmp_path / "data", **settings)
    return settings


def picture(client: Client, token: str, name: str) -> int:
    headers = {"Authorization": f"Bearer {token}"}
    return client.get("/emoticon/", params={"username": name}, headers=headers).status_code


def test_tokens_from_before_and_after_the_backup_are_dead_and_passwords_are_not(
    given: dict[str, str], tmp_path: Path
) -> None:
    sign_up = {"username": "ann", "password": PASSWORD}
    with Service(tmp_path / "data", given) as service, service.client() as client:
        first = client.post("/auth/sign-up", json=sign_up).json()
        done("backup", str(tmp_path / "backup"))
        assert picture(client, first["access_token"], "ann") == 200
        form = {"grant_type": "refresh_token", "refresh_token": first["refresh_token"]}
        second = client.post("/auth/refresh", data=form).json()
        later = client.post("/auth/sign-up", json=sign_up | {"username": "bob"}).json()
    done("restore", "--force", str(tmp_path / "backup"))
    with Service(tmp_path / "data", given) as service, service.client() as client:
        for pair, name in ((first, "ann"), (second, "ann"), (later, "bob")):
            assert picture(client, pair["access_token"], name) == 401
            form = {"grant_type": "refresh_token", "refresh_token": pair["refresh_token"]}
            assert client.post("/auth/refresh", data=form).status_code == 401
        new = client.post("/auth/sign-in", data=sign_up).json()
        assert picture(client, new["access_token"], "ann") == 200
        # Whoever comes next does not get the id of the one who is gone, whose token is still young.
        third = client.post("/auth/sign-up", json=sign_up | {"username": "carol"}).json()
        assert picture(client, later["access_token"], "carol") == 401
        assert picture(client, third["access_token"], "carol") == 200


def test_accounts_that_a_service_uses_are_not_replaced(
    given: dict[str, str], tmp_path: Path, database: str
) -> None:
    make_accounts(database, "ann")
    done("backup", str(tmp_path / "backup"))
    with Service(tmp_path / "data", given) as service, service.client() as client:
        assert client.get("/readyz").status_code == 200
        said = refused("restore", "--force", str(tmp_path / "backup"))
        assert "stop it first" in said or "stop them first" in said
        assert client.get("/readyz").status_code == 200


def test_a_service_does_not_start_while_accounts_are_replaced(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> None:
    settle(monkeypatch, tmp_path / "data", DATABASE_URL=sqlite_database, JWT_SECRET=SECRET)
    with alone(tmp_path / "accounts.db"):
        result = command("account", "list")
        assert result.exit_code == 1
        assert "are just being restored: start again afterwards" in result.stderr
        assert "uses the accounts: stop it first" in refused("backup", str(tmp_path / "backup"))
    assert command("account", "list").exit_code == 0


class Writers:
    """Makes accounts, each with a session and a row of the audit, until the block ends."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self.busy = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))
        self.made = 0

    def __enter__(self) -> Self:
        self._thread.start()
        assert self.busy.wait(PATIENCE_S)
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    async def _run(self) -> None:
        async with opened(self._url) as engine:
            store = SqlAccountStore(engine)
            while not self._stop.is_set():
                account = new_account(f"writer{self.made}")
                await store.add(account, new_session(id=f"{self.made:032x}"), free_before=0)
                self.made += 1
                self.busy.set()


def grow(url: str, count: int) -> None:
    """Add so many rows of the audit that a copy takes a while."""
    series = (
        f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count})"  # noqa: S608 - of this test
        if url.startswith("sqlite")
        else f"WITH n(i) AS (SELECT generate_series(1, {count}))"
    )
    fill = "INSERT INTO audit (at, event, account_id, address, user_agent, request_id)"
    filler = f"SELECT 0, 'refresh', 0, '', '{'x' * 200}', '' FROM n"  # noqa: S608 - as above
    statement = (
        f"{fill} {series} {filler}" if url.startswith("sqlite") else f"{series} {fill} {filler}"
    )
    execute(url, statement)


@pytest.mark.usefixtures("given")
def test_a_backup_under_writes_is_of_one_moment(tmp_path: Path, database: str) -> None:
    grow(database, 20_000)
    with Writers(database) as writers:
        began = writers.made
        done("backup", str(tmp_path / "backup"))
        ended = writers.made
    assert ended > began
    parts = parts_of(tmp_path / "backup")
    if database.startswith("sqlite"):
        (tmp_path / "copy").write_bytes(parts["accounts.sqlite3"])
        db = sqlite3.connect(tmp_path / "copy")
        queries = ("accounts", "sessions", "audit WHERE event = 'sign_up'")
        counts = [db.execute(f"SELECT count(*) FROM {query}").fetchone()[0] for query in queries]  # noqa: S608 - as above
        db.close()
    else:
        lines = {name: content.splitlines() for name, content in parts.items()}
        signed_up = [line for line in lines["audit.copy"] if b"sign_up" in line]
        counts = [len(lines["accounts.copy"]), len(lines["sessions.copy"]), len(signed_up)]
    assert counts == [counts[0]] * 3
    assert began <= counts[0] <= ended
    assert done("restore", "--force", str(tmp_path / "backup"))[0].endswith(f": {counts[0]}")


def killed(place: Path, after_s: float | None, *arguments: str) -> float:
    """Run a command and kill it when it has been at work for so long, or never; return how long it was."""
    shutil.rmtree(place, ignore_errors=True)  # left by the one before
    process = subprocess.Popen(
        [sys.executable, "-m", "emoticon", *arguments],
        env=uncounted(),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while process.poll() is None and not place.exists():
        pass
    began_s = time.monotonic()
    try:
        process.wait(after_s)
    except subprocess.TimeoutExpired:
        process.kill()
    process.wait()
    return time.monotonic() - began_s


SHARES = [step / 5 for step in range(6)]


@pytest.mark.usefixtures("given")
def test_a_backup_that_is_killed_leaves_the_old_one(tmp_path: Path, database: str) -> None:
    make_accounts(database, "ann")
    grow(database, 20_000)
    done("backup", str(tmp_path / "backup"))
    place = tmp_path / ".backup.partial"
    command = ("backup", "--force", str(tmp_path / "backup"))
    took_s = killed(place, None, *command)
    for share in SHARES:
        killed(place, share * took_s, *command)
        parts_of(tmp_path / "backup")
    done("backup", "--force", str(tmp_path / "backup"))
    assert not place.exists()
    done("restore", "--force", str(tmp_path / "backup"))


@pytest.mark.usefixtures("given")
def test_a_restore_that_is_killed_leaves_the_old_accounts_or_the_new_ones(
    tmp_path: Path, database: str, postgres: PostgresServer
) -> None:
    make_accounts(database, "ann")
    grow(database, 20_000)
    done("backup", str(tmp_path / "backup"))
    make_accounts(database, "bob")
    file = database.startswith("sqlite")
    place = tmp_path / (".accounts.db.partial" if file else "data/.restore.partial")
    name = database.rpartition("/")[2]
    connected = f"SELECT count(*) FROM pg_stat_activity WHERE datname = '{name}'"  # noqa: S608 - as above
    command = ("restore", "--force", str(tmp_path / "backup"))
    took_s = killed(place, None, *command)
    set_back(database)
    for share in SHARES:
        killed(place, share * took_s, *command)
        while not file and postgres.sql(connected) != "0":
            pass  # the server has not seen yet that the other end is gone
        found = execute(
            database, "SELECT username, version > 1000, floor > 1000 FROM accounts ORDER BY id"
        )
        accounts = [tuple(row) for row in found]
        sessions = execute(database, "SELECT count(*) FROM sessions WHERE ended_at IS NULL")
        if len(accounts) == 1:
            assert accounts == [("ann", True, True)]
            assert [tuple(row) for row in sessions] == [(0,)]
            set_back(database)
        else:
            assert accounts == [("ann", False, False), ("bob", False, False)]
    done("restore", "--force", str(tmp_path / "backup"))
    assert not place.exists()


def set_back(database: str) -> None:
    """Let the accounts be as they were before a restore that has succeeded."""
    execute(database, "UPDATE accounts SET floor = 0, version = 1")
    execute(database, "UPDATE sessions SET ended_at = NULL, end_reason = NULL")
    make_accounts(database, "bob")
