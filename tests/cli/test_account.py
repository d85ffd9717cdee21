"""Facts about `emoticon account`."""

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer.main
from sqlalchemy import text
from tests.cli.terminal import Terminal
from tests.servers import PostgresServer, opened
from typer.testing import CliRunner, Result

from emoticon.cli import app
from emoticon.cli.account import visible
from emoticon.settings import Settings, variable

SECRET = "0123456789abcdef0123456789abcdef"
PASSWORD = "seven green boats at noon"
OTHER = "nine red boats at midnight"
VERBS = ("disable", "enable", "delete", "sign-out", "set-password", "audit")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("JWT_SECRET", SECRET)


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch, database: str) -> str:
    """The commands' database, once SQLite and once PostgreSQL."""
    monkeypatch.setenv("DATABASE_URL", database)
    return database


def account(*arguments: str, given: str | bytes = "") -> Result:
    result = CliRunner().invoke(app, ["account", *arguments], input=given)
    assert PASSWORD not in result.output, "no password is ever shown"
    assert "Traceback" not in result.output
    return result


def create(name: str, password: str = PASSWORD) -> None:
    result = account("create", name, given=f"{password}\n")
    assert result.exit_code == 0, result.output


def states() -> dict[str, str]:
    listed = account("list", "--json").stdout.splitlines()
    return {entry["username"]: entry["state"] for entry in map(json.loads, listed)}


def events(name: str) -> list[str]:
    shown = account("audit", name, "--json").stdout.splitlines()
    return [json.loads(line)["event"] for line in shown]


def execute(url: str, statement: str, **values: Any) -> None:
    async def run() -> None:
        async with opened(url) as engine, engine.begin() as connection:
            await connection.execute(text(statement), values)

    asyncio.run(run())


@pytest.mark.usefixtures("store")
def test_a_created_account_is_listed() -> None:
    assert account("list").stdout.splitlines()[1:] == ["0 accounts"]
    result = account("create", "Ann", given=f"{PASSWORD}\n")
    assert result.exit_code == 0, result.output
    assert result.stdout == "ann is created and has the id 1\n"
    head, row, count = account("list").stdout.splitlines()
    assert head.split() == ["id", "username", "created", "state"]
    assert row.split()[::2] == ["1", row.split()[2]]
    assert row.split()[1::2] == ["ann", "active"]
    assert count == "1 account"
    (entry,) = account("list", "--json").stdout.splitlines()
    assert json.loads(entry) == {
        "id": 1,
        "username": "ann",
        "created_at": row.split()[2],
        "state": "active",
    }
    assert row.split()[2].endswith("Z")


def test_a_list_of_several_pages_is_complete_and_in_the_order_of_ids(store: str) -> None:
    execute(
        store,
        "INSERT INTO accounts (username, username_key, password_hash, look, visibility, version, floor, floor_at,"
        " created_at) WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1001)"
        " SELECT 'u' || i, 'u' || i, '', :look, 'private', 1, 1, 0, 0 FROM n",
        look='{"style":"moods","seed":"x"}',
    )
    ids = [json.loads(line)["id"] for line in account("list", "--json").stdout.splitlines()]
    assert ids == list(range(1, 1002))
    assert account("list").stdout.endswith("1001 accounts\n")


def test_columns_stay_in_line_under_wide_letters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTICON_USERNAMES", "unicode")
    create("\u732b\u732b")
    create("ann")
    _, wide, narrow, _ = account("list").stdout.splitlines()
    assert wide.index("active") == narrow.index("active") - 2
    assert "\\" not in wide


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("command", ["create", "set-password"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (b"", "the password is empty"),
        (b"\n", "the password is empty"),
        (b"\r\n\n", "the password is empty"),
        (b"bo\n", "A password is 8 to 256 bytes long"),
        (
            b"\xf0\x9f\xa6\x94" * 64 + b"x\r\n",
            "the line of standard input is longer than 256 bytes",
        ),
        (b"\xf0\x9f\xa6\x94" * 250_000, "the line of standard input is longer than 256 bytes"),
        (b"password1\n", "This password is too easy to guess"),
        (b"\xff\xfe seven green boats", "standard input is not text in UTF-8"),
    ],
)
def test_a_password_that_cannot_be_used_is_one_line_and_changes_nothing(
    command: str, given: bytes, message: str
) -> None:
    create("ann")
    before = events("ann")
    result = account(command, "bob" if command == "create" else "ann", given=given)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.startswith(f"emoticon: {message}")
    assert result.stderr.count("\n") == 1
    assert given.strip().decode(errors="replace") not in result.output or len(given) < 4
    assert states() == {"ann": "active"}
    assert events("ann") == before


def test_a_name_that_cannot_be_used_is_one_line() -> None:
    create("ann")
    for name, message in {
        "ANN": "This username is taken",
        "admin": "This username is reserved",
        "a\x1b[31mb": "A username is 1 to 32",
    }.items():
        result = account("create", name, given=f"{PASSWORD}\n")
        assert result.exit_code == 1
        assert result.stderr.startswith(f"emoticon: {message}")
        assert result.stderr.count("\n") == 1
        assert "\x1b" not in result.output
    assert states() == {"ann": "active"}


@pytest.mark.usefixtures("store")
@pytest.mark.parametrize("verb", VERBS)
def test_an_unknown_name_is_said_before_anything_is_asked(verb: str) -> None:
    for name, shown in {"bob": "bob", "\x1b[2Jb\n": r"\x1b[2Jb\n", "\udcff": r"\udcff"}.items():
        result = account(verb, name)
        assert result.exit_code == 1
        assert result.stdout == ""
        assert result.stderr == f"emoticon: no account is called {shown}\n"


@pytest.mark.usefixtures("store")
def test_disabling_and_enabling_may_be_repeated() -> None:
    create("ann")
    for verb, state in {"disable": "disabled", "enable": "active"}.items():
        for _ in range(2):
            result = account(verb, "ANN")
            assert result.exit_code == 0, result.output
            assert result.stdout.startswith(f"ANN is {verb}d")
            assert states() == {"ann": state}


@pytest.mark.usefixtures("store")
def test_deleting_asks_for_the_name_again() -> None:
    create("ann")
    create("bob")
    for answer in ("", "\n", "y\n", "yes\n", "bob\n", "ann \n"):
        result = account("delete", "ann", given=answer)
        assert result.exit_code == 1
        assert result.stderr.endswith("emoticon: that is another name; nothing was deleted\n")
    assert list(states()) == ["ann", "bob"]
    assert account("delete", "ann", given="ann\n").stdout == "ann is deleted\n"
    assert account("delete", "bob", "--yes").stdout == "bob is deleted\n"
    assert states() == {}
    result = account("create", "ann", given=f"{PASSWORD}\n")
    assert result.stderr == "emoticon: This username is taken\n", "deleted names are held back"


@pytest.mark.usefixtures("store")
def test_the_audit_is_the_newest_first_and_says_which_command_it_was() -> None:
    create("ann")
    assert account("sign-out", "ann").exit_code == 0
    assert account("set-password", "ann", given=f"{OTHER}\n").exit_code == 0
    assert events("ann")[:2] == ["password", "sign_out_everywhere"]
    head, newest, *rest = account("audit", "Ann", "--count", "2").stdout.splitlines()
    assert len(rest) == 1
    assert head.split() == ["time", "event", "address", "user", "agent", "request", "id"]
    when, *what = newest.split()
    assert what == ["password", "-", "emoticon", "account", "set-password", "-"]
    assert when.endswith("Z")
    assert account("audit", "ann", "--count", "0").exit_code == 2
    assert account("audit", "ann", "--count", "1001").exit_code == 2


def test_what_a_client_sent_cannot_speak_to_the_terminal(store: str) -> None:
    hostile = "\x1b]0;x\x07\r\n2026-01-01 forged \u202egnp\x9b31m"
    create("ann")
    execute(store, "UPDATE audit SET user_agent = :sent, request_id = :sent", sent=hostile)
    result = account("audit", "ann")
    assert len(result.stdout.splitlines()) == 3
    assert all(char.isprintable() or char == "\n" for char in result.stdout)
    assert "\\x1b]0;x\\x07\\r\\n2026-01-01 forged \\u202egnp\\x9b31m" in result.stdout
    for line in account("audit", "ann", "--json").stdout.splitlines():
        assert line.isprintable()
        assert json.loads(line)["user_agent"] == hostile


def test_the_longest_password_may_end_in_any_end_of_line() -> None:
    longest = PASSWORD + "\u20ac" * 77
    assert len(longest.encode()) == 256
    for number, end in enumerate(("", "\n", "\r\n")):
        assert account("create", f"ann{number}", given=longest + end).exit_code == 0


def test_escapes_leave_what_people_read_as_it_is() -> None:
    assert visible("Мария 猫 é -._") == "Мария 猫 é -._"


@pytest.mark.parametrize("verb", ["list", "create", *VERBS])
def test_a_database_that_is_away_is_one_line(
    verb: str, monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url("no-such-database"))
    name = () if verb == "list" else ("ann",)
    result = account(verb, *name, given=f"{PASSWORD}\n")
    assert result.exit_code == 1
    assert result.stderr.startswith("emoticon: The database refuses: ")
    assert result.stderr.count("\n") == 1


def test_no_argument_or_option_takes_a_secret() -> None:
    group: Any = typer.main.get_command(app)
    options = {
        option
        for command in group.commands["account"].commands.values()
        for part in command.params
        for option in part.opts
    }
    assert options == {"name", "--json", "--yes", "--count"}
    assert account("create", "ann", "opensesame").exit_code == 2


def test_help_names_every_command_says_where_passwords_come_from_and_opens_nothing(
    tmp_path: Path,
) -> None:
    result = account("--help")
    for verb in ("list", "create", *VERBS):
        assert verb in result.stdout
    for verb in ("create", "set-password"):
        assert "one line of standard input" in " ".join(account(verb, "--help").stdout.split())
    script = "import sys, emoticon.cli; print({'sqlalchemy', 'emoticon.wiring'} & {*sys.modules})"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout == "set()\n"
    assert not (tmp_path / "data").exists()


def test_a_terminal_is_asked_twice_and_shows_nothing_of_the_password() -> None:
    with Terminal("account", "create", "ann") as terminal:
        for first, second in ((PASSWORD, OTHER), (OTHER, OTHER)):
            terminal.expect("Password: ")
            terminal.type(first)
            terminal.expect("The same again: ")
            terminal.type(second)
        assert terminal.finish() == 0, terminal.screen
    assert "do not match" in terminal.screen
    assert "ann is created" in terminal.screen
    assert not {*PASSWORD.split(), *OTHER.split()} & {*terminal.screen.split()}


def test_an_empty_password_on_a_terminal_is_refused() -> None:
    with Terminal("account", "create", "ann") as terminal:
        terminal.expect("Password: ")
        terminal.type("")
        terminal.expect("The same again: ")
        terminal.type("")
        assert terminal.finish() == 1
    assert "emoticon: the password is empty" in terminal.screen
    assert states() == {}


def test_a_reader_that_goes_away_ends_the_list_in_silence() -> None:
    create("ann")
    command = [sys.executable, "-m", "emoticon", "account", "list"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == b""
    assert process.returncode == 1
