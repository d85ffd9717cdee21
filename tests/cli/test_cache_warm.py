"""Facts about `emoticon cache warm`."""

import gzip
import re
import signal
import sqlite3
from pathlib import Path

import pytest
from tests.cli.caches import SECRET, cache, in_valkey, make_accounts, on_disk, pictures_file
from tests.cli.terminal import Terminal
from tests.servers import free_port
from tests.valkey import ValkeyServer

from emoticon.domain.keeping import Kept
from emoticon.domain.pictures import KEPT_PX
from emoticon.domain.ports import OuterTier
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


def warm(*arguments: str, status: int = 0) -> str:
    result = cache("warm", *arguments)
    assert result.exit_code == status, result.output
    return result.stdout


async def walk(tier: OuterTier) -> list[Kept]:
    return [kept for batch in [batch async for batch in tier.walk()] for kept in batch]


def owners() -> list[int]:
    """Return the owners of the pictures on disk."""
    return sorted(kept.label.owner for kept in on_disk(walk))


def log_of(directory: Path, *targets: str) -> str:
    path = directory / "access.log"
    path.write_text("".join(f"{target}\n" for target in targets))
    return str(path)


def test_the_emoticons_used_last_are_drawn_once(sqlite_database: str) -> None:
    ann, bob = make_accounts(sqlite_database, "ann", "bob")
    assert warm("--top", "5") == "2 drawn, 0 already there, 0 failed, 0 of unknown names\n"
    assert owners() == [ann, bob]
    assert warm("--top", "5") == "0 drawn, 2 already there, 0 failed, 0 of unknown names\n"
    assert cache("verify").stdout.startswith("disk: 2 intact, 0 damaged, 0 of accounts long gone")


def test_every_size_is_drawn_in_every_format_into_every_tier(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch, empty_valkey: ValkeyServer
) -> None:
    monkeypatch.setenv("EMOTICON_SHARED_TIER_URL", empty_valkey.url)
    monkeypatch.setenv("EMOTICON_SHARED_TIER_TIMEOUT_MS", "5000")
    make_accounts(sqlite_database, "ann")
    wanted = [*("--size", "16", "--size", "64", "--size", "16"), *("--format", "png")]
    wanted += ["--format", "svg", "--format", "png"]
    assert warm("--top", "1", *wanted).startswith("4 drawn")
    keys = {kept.label.key for kept in on_disk(walk)}
    assert len(keys) == 4
    assert {kept.label.key for kept in in_valkey(empty_valkey.url, walk)} == keys


def test_what_a_log_asks_for_most_is_drawn_and_unknown_names_are_counted(
    sqlite_database: str, tmp_path: Path
) -> None:
    ann, bob = make_accounts(sqlite_database, "ann", "bob")
    log = log_of(
        tmp_path,
        "/emoticon/?username=bob&size=64",
        "/emoticon/?username=BOB",
        *["/emoticon/?username=ann"] * 3,
        *["/emoticon/?username=nobody"] * 2,
        "/emoticon/?username=bob&size=100",
        "not a line of a log",
    )
    done = "1 drawn, 0 already there, 0 failed, 1 of unknown names\n"
    assert warm("--file", log, "--top", "2") == done
    assert owners() == [ann]
    assert warm("--file", log) == "2 drawn, 1 already there, 0 failed, 1 of unknown names\n"
    assert owners() == [ann, bob, bob]


def test_a_packed_log_does_as_well_and_a_damaged_one_is_one_line(
    sqlite_database: str, tmp_path: Path
) -> None:
    (ann,) = make_accounts(sqlite_database, "ann")
    packed = gzip.compress(b"/emoticon/?username=ann\n" * 1000)
    log = tmp_path / "access.log.gz"
    log.write_bytes(packed)
    assert warm("--file", str(log)).startswith("1 drawn")
    assert owners() == [ann]
    log.write_bytes(packed[:-9])
    result = cache("warm", "--file", str(log))
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr == f"emoticon: cannot read {log}: damaged or cut off\n"


def test_what_cannot_be_drawn_is_counted_and_is_not_well(sqlite_database: str) -> None:
    make_accounts(sqlite_database, "ann")
    make_accounts(sqlite_database, "bob", style="no-such-style")
    done = "1 drawn, 0 already there, 1 failed, 0 of unknown names\n"
    assert warm("--top", "2", status=1) == done


def test_a_tier_that_is_away_is_a_line_and_the_other_is_filled(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("EMOTICON_SHARED_TIER_URL", f"redis://127.0.0.1:{free_port()}/0")
    make_accounts(sqlite_database, "ann")
    result = cache("warm", "--top", "1")
    assert result.exit_code == 1
    assert result.stdout.startswith("1 drawn")
    assert "emoticon: the shared tier is unavailable: " in result.stderr
    assert len(owners()) == 1


def test_pictures_that_a_tier_did_not_keep_are_counted(sqlite_database: str) -> None:
    make_accounts(sqlite_database, "ann")
    warm("--top", "1", "--size", "16")
    with sqlite3.connect(pictures_file()) as db:  # another writer that does not end
        db.execute("BEGIN IMMEDIATE")
        result = cache("warm", "--top", "1", "--size", "24")
        db.rollback()
    db.close()
    assert result.exit_code == 1
    assert result.stderr.endswith("emoticon: the disk tier did not keep 1 picture\n")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give --top, --file or both"),
        (("--file", "LOG", "--size", "64"), "the log says which sizes and formats"),
        (("--file", "LOG", "--format", "svg"), "the log says which sizes and formats"),
        (("--top", "100001"), "--top takes at most 100000 accounts"),
        (("--top", "1", "--size", "100"), "100 px is not kept outside of memory; these sizes are:"),
    ],
)
def test_arguments_that_do_not_fit_are_one_line(
    arguments: tuple[str, ...], message: str, tmp_path: Path
) -> None:
    log = log_of(tmp_path)
    result = cache("warm", *(log if part == "LOG" else part for part in arguments))
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"emoticon: {message}")
    assert result.stderr.count("\n") == 1


def test_a_log_that_is_not_there_and_a_number_out_of_bounds_are_wrong_usage(
    tmp_path: Path,
) -> None:
    for arguments in (("--file", str(tmp_path / "none")), ("--file", str(tmp_path))):
        assert cache("warm", *arguments).exit_code == 2
    for top in ("0", "200001", "many"):
        assert cache("warm", "--top", top).exit_code == 2


def test_ctrl_c_stops_and_says_what_was_done(
    sqlite_database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = [f"u{number}" for number in range(200)]
    make_accounts(sqlite_database, *names, style="glass")
    monkeypatch.setenv("EMOTICON_DRAW_THREADS", "1")
    targets = [f"/emoticon/?username={name}&size={px}" for name in names for px in KEPT_PX]
    with Terminal("cache", "warm", "--file", log_of(tmp_path, *targets)) as terminal:
        terminal.expect("/3000")
        terminal.process.send_signal(signal.SIGINT)
        assert terminal.finish() == 130
    said = re.search(r"stopped: (\d+) drawn, 0 already there, 0 failed", terminal.screen)
    assert said is not None
    assert "Traceback" not in terminal.screen
    assert int(said[1]) <= len(owners()) < 3000
