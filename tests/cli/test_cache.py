"""Facts about `emoticon cache stats`, `verify` and `compact`."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.adapters.tiers.drawings import label_of
from tests.cli.caches import (
    SECRET,
    cache,
    damage,
    delete_account,
    in_valkey,
    keeping,
    make_accounts,
    on_disk,
    pictures_file,
)
from tests.cli.terminal import Terminal
from tests.servers import PostgresServer, free_port
from tests.valkey import ValkeyServer

from emoticon.adapters.tiers.disk import DiskTier
from emoticon.cli.cache_reports import pictures
from emoticon.domain.keeping import Label
from emoticon.settings import Settings, variable


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", sqlite_database)
    monkeypatch.setenv("JWT_SECRET", SECRET)


@pytest.fixture
def shared(monkeypatch: pytest.MonkeyPatch, empty_valkey: ValkeyServer) -> str:
    """The URL of a shared tier that is set."""
    monkeypatch.setenv("EMOTICON_SHARED_TIER_URL", empty_valkey.url)
    return empty_valkey.url


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody listen where the shared tier is said to be."""
    monkeypatch.setenv("EMOTICON_SHARED_TIER_URL", f"redis://:secret@127.0.0.1:{free_port()}/0")


def document(*arguments: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(cache(*arguments, "--json").stdout)
    return found


def lines(*arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = document(*arguments)["tiers"]
    return found


def owned(owner: int, count: int = 1) -> list[Label]:
    return [label_of(1000 * owner + number, owner) for number in range(count)]


def mark_disk(number: int) -> None:
    async def mark(tier: DiskTier) -> None:
        await tier.mark(number)

    on_disk(mark)


def test_stats_of_a_new_directory_are_those_of_an_empty_disk_tier() -> None:
    result = cache("stats")
    assert result.exit_code == 0, result.output
    head, row = result.stdout.splitlines()
    assert head.split() == ["tier", "pictures", "used", "limit", "share", "erasures", "pending"]
    assert row.split()[:2] == ["disk", "0"]
    assert row.split()[-3:] == ["GB", "0.0%", "0"]
    assert result.stderr == ""


def test_stats_show_every_tier_and_erasures_until_they_are_confirmed(
    sqlite_database: str, shared: str
) -> None:
    [gone] = make_accounts(sqlite_database, "ann")
    on_disk(keeping(*owned(1, 3)))
    in_valkey(shared, keeping(*owned(1)))
    number = delete_account(sqlite_database, gone)
    in_server, on_this_disk = lines("stats")
    assert in_server["tier"] == "shared"
    assert in_server["pictures"] is None, "counting them would not be cheap"
    assert in_server["used_bytes"] > 0
    assert (in_server["limit_bytes"], in_server["share_used"]) == (0, None)
    assert in_server["erasures_pending"] == 1
    assert on_this_disk["pictures"] == 3
    share = on_this_disk["used_bytes"] / on_this_disk["limit_bytes"]
    assert on_this_disk["share_used"] == pytest.approx(share, abs=0.0001)
    assert on_this_disk["erasures_pending"] == 1
    mark_disk(number)
    _, row_of_server, row_of_disk = cache("stats").stdout.splitlines()
    assert row_of_server.split()[-3:] == ["none", "-", "1"]
    assert row_of_disk.split()[-1] == "0"


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("stats",), "disk    3 "),
        (("verify",), "disk: 3 intact, 0 damaged"),
        (("verify", "--owner", "1"), "disk: 2 pictures, no erasure is pending"),
        (("purge", "--owner", "1", "--yes"), "disk: 2 pictures deleted"),
        (("purge", "--older-than", "1d"), "disk: 0 pictures would go"),
    ],
)
def test_a_tier_that_is_away_is_a_line_and_the_other_is_done(
    arguments: tuple[str, ...], said: str, sqlite_database: str
) -> None:
    make_accounts(sqlite_database, "ann")
    on_disk(keeping(*owned(1, 2), label_of(9, 0)))
    result = cache(*arguments)
    assert result.exit_code == 1
    assert said in result.stdout
    assert result.stderr.startswith("emoticon: the shared tier is unavailable: ")
    assert result.stderr.count("\n") == 1
    assert "secret" not in result.output


def test_a_disk_tier_that_cannot_use_its_file_is_a_line() -> None:
    pictures_file().mkdir(parents=True)
    for command, said in {"stats": "disk  -", "compact": "", "verify": "disk: 0 intact"}.items():
        result = cache(command)
        assert result.exit_code == 1
        assert said in result.stdout
        assert "given back" not in result.stdout
        assert result.stderr.count("emoticon: the disk tier is unavailable: ") == 1


def test_verify_is_content_with_what_is_as_it_was_written(
    sqlite_database: str, shared: str
) -> None:
    make_accounts(sqlite_database, "ann")
    on_disk(keeping(*owned(1, 2), label_of(9, 0)))
    in_valkey(shared, keeping(*owned(1)))
    result = cache("verify")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines() == [
        "shared: 1 intact, 0 damaged, 0 of accounts long gone, 0 awaiting their erasure",
        "disk: 3 intact, 0 damaged, 0 of accounts long gone, 0 awaiting their erasure",
        "originals: 0 intact, 0 lost, 0 that nobody shows, 0 that the database does not know",
    ]
    assert result.stderr == "", "progress is for terminals"


def test_damage_and_orphans_are_found_and_repaired(sqlite_database: str, shared: str) -> None:
    make_accounts(sqlite_database, "ann", "bob")
    on_disk(keeping(*owned(1, 3), *owned(2), *owned(7, 2)))
    in_valkey(shared, keeping(*owned(7)))
    damage(2)
    result = cache("verify")
    assert result.exit_code == 1
    wrong = "disk: 5 intact, 1 damaged, 2 of accounts long gone, 0 awaiting their erasure"
    assert result.stdout.splitlines()[1] == wrong
    assert document("verify")["clean"] is False
    assert lines("verify")[1] == {
        "tier": "disk",
        "trouble": "",
        "intact": 5,
        "damaged": 1,
        "orphans": 2,
        "awaiting_erasure": 0,
        "removed": 0,
        "repaired": False,
        "clean": False,
    }
    result = cache("verify", "--repair")
    assert result.exit_code == 0, result.output
    assert result.stdout.splitlines()[:2] == [
        "shared: 1 intact, 0 damaged, 1 of accounts long gone, 0 awaiting their erasure; 1 removed",
        f"{wrong}; 3 removed",
    ]
    assert [line["intact"] for line in lines("verify")] == [0, 3]


def test_pictures_of_a_deleted_account_await_its_erasure(sqlite_database: str) -> None:
    [gone] = make_accounts(sqlite_database, "ann")
    on_disk(keeping(*owned(gone)))
    delete_account(sqlite_database, gone)
    result = cache("verify", "--repair")
    assert result.exit_code == 0, result.output
    assert "0 of accounts long gone, 1 awaiting their erasure; 0 removed\n" in result.stdout


def test_nothing_is_left_only_when_nothing_is_there(sqlite_database: str) -> None:
    [gone] = make_accounts(sqlite_database, "ann")
    on_disk(keeping(*owned(gone)))

    def verify(name: str) -> tuple[int, list[str]]:
        result = cache("verify", "--owner", name)
        return result.exit_code, result.stdout.splitlines()

    assert verify("ANN") == (
        1,
        ["disk: 1 picture, no erasure is pending", f"ANN (account {gone}): 1 picture left"],
    )
    number = delete_account(sqlite_database, gone)
    assert cache("verify", "--owner", "ann").stderr.startswith("emoticon: no account is called ann")
    assert verify(f"{gone}") == (
        1,
        [
            "disk: 1 picture, an erasure is not confirmed yet",
            f"{gone} (account {gone}): 1 picture left",
        ],
    )

    async def forget(tier: DiskTier) -> None:
        await tier.forget([gone])

    on_disk(forget)
    status, (first, verdict) = verify(f"id:{gone}")
    assert (status, first) == (0, "disk: 0 pictures, an erasure is not confirmed yet")
    assert ": nothing is left now; a running service confirms it" in verdict
    found = document("verify", "--owner", f"{gone}")
    assert (found["nothing_left"], found["confirmed"]) == (True, False)
    mark_disk(number)
    assert verify(f"{gone}") == (
        0,
        ["disk: 0 pictures, no erasure is pending", f"{gone} (account {gone}): nothing is left"],
    )
    assert document("verify", "--owner", f"{gone}") == {
        "owner": gone,
        "nothing_left": True,
        "confirmed": True,
        "tiers": [{"tier": "disk", "trouble": "", "pictures": 0, "erasure_pending": False}],
    }


@pytest.mark.usefixtures("nowhere")
def test_a_tier_that_is_away_proves_nothing() -> None:
    result = cache("verify", "--owner", "7")
    assert result.exit_code == 1
    assert result.stdout.splitlines() == [
        "shared: not known",
        "disk: 0 pictures, no erasure is pending",
        "7 (account 7): not known of every tier",
    ]


def test_an_unknown_name_is_one_line() -> None:
    for command in ("verify", "purge"):
        for name, shown in {"bob": "bob", "\x1b[2J": r"\x1b[2J", "": "", "0": "0"}.items():
            result = cache(command, "--owner", name)
            assert result.exit_code == 1
            assert result.stdout == ""
            message = f"emoticon: no account is called {shown}; of a deleted one give the id\n"
            assert result.stderr == message


def test_looking_for_an_account_repairs_nothing() -> None:
    result = cache("verify", "--owner", "7", "--repair")
    assert result.exit_code == 2
    assert result.stderr == "emoticon: --owner only looks: give no --repair, but see purge\n"


def test_compacting_says_how_many_bytes_came_back() -> None:
    on_disk(keeping(*owned(7, 100)))
    before = pictures_file().stat().st_size
    assert cache("verify", "--repair").exit_code == 0
    result = cache("compact")
    assert result.exit_code == 0, result.output
    given_back = int(result.stdout.removeprefix("disk: ").removesuffix(" bytes given back\n"))
    assert given_back == before - pictures_file().stat().st_size > 0


def test_a_terminal_sees_how_far_a_walk_is(sqlite_database: str) -> None:
    make_accounts(sqlite_database, "ann")
    on_disk(keeping(*owned(1, 2)))
    with Terminal("cache", "verify") as terminal:
        terminal.expect("2/2")
        terminal.expect("disk: 2 intact")
        assert terminal.finish() == 0


@pytest.mark.parametrize(
    "arguments", [("stats",), ("verify",), ("compact",), ("warm", "--top", "1")]
)
def test_a_database_that_is_away_is_one_line(
    arguments: tuple[str, ...], monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url("no-such-database"))
    result = cache(*arguments)
    assert result.exit_code == 1
    assert result.stderr.startswith("emoticon: The database refuses: ")
    assert result.stderr.count("\n") == 1


def test_wrong_settings_are_status_two(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTICON_DISK_TIER_BYTES", "few")
    for command in (("stats",), ("warm", "--top", "1")):
        assert cache(*command).exit_code == 2


def test_help_names_every_command_and_opens_nothing(tmp_path: Path) -> None:
    result = cache("--help")
    for command in ("stats", "verify", "compact", "warm", "purge", "simulate"):
        assert command in result.stdout
        assert cache(command, "--help").exit_code == 0
    script = "import sys, emoticon.cli; print({'sqlalchemy', 'emoticon.wiring'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
    assert not (tmp_path / "data").exists()


def test_numbers_of_pictures_are_words() -> None:
    assert [pictures(count) for count in (0, 1, 2)] == ["0 pictures", "1 picture", "2 pictures"]
