"""Facts about the commands that need no server."""

import asyncio
import json
from pathlib import Path

import pytest
from sqlalchemy import text
from tests.servers import PostgresServer, opened
from tests.valkey import ValkeyServer
from typer.testing import CliRunner, Result

from emoticon import __version__
from emoticon.__main__ import main
from emoticon.cli import app
from emoticon.cli.config import reference_page
from emoticon.settings import Settings, variable

ROOT = Path(__file__).parents[2]
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))


def emoticon(*arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_without_arguments_help_names_every_command() -> None:
    result = emoticon("--help")
    assert result.exit_code == 0
    for command in ("serve", "migrate", "render", "styles", "doctor", "config"):
        assert command in result.stdout
        assert emoticon(command, "--help").exit_code == 0


def test_the_version_is_printed(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.argv", ["emoticon", "--version"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"{__version__}\n"


def test_render_writes_what_the_name_of_the_file_says(tmp_path: Path) -> None:
    starts = {"png": PNG, "svg": b"<svg", "webp": b"RIFF", "avif": b"\0\0\0"}
    for kind, start in starts.items():
        file = tmp_path / f"ann.{kind}"
        assert emoticon("render", "ann", "-o", str(file)).exit_code == 0
        assert file.read_bytes().startswith(start)


def test_render_draws_the_same_seed_the_same_and_another_otherwise(tmp_path: Path) -> None:
    def draw(*arguments: str) -> bytes:
        file = tmp_path / "x"
        assert emoticon("render", *arguments, "-o", str(file)).exit_code == 0
        return file.read_bytes()

    assert draw("ann") == draw("ann")
    assert draw("ann") != draw("bob")
    assert draw("ann") != draw("ann", "--style", "critters")
    assert draw("ann") != draw("ann", "--size", "64")
    assert draw("ann", "--format", "svg").startswith(b"<svg")


def test_render_writes_to_a_pipe_without_a_file() -> None:
    assert emoticon("render", "ann").stdout_bytes.startswith(PNG)


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["ann", "-o", "x.exe"], 2, "x.exe ends in none of png, svg, webp, avif"),
        (["", "-o", "x.png"], 2, "a seed has 1 to 200 characters"),
        (["x" * 201, "-o", "x.png"], 2, "a seed has 1 to 200 characters"),
        (["ann", "--style", "nosuch", "-o", "x.png"], 1, "There is no such style: nosuch"),
        (["ann", "-o", "/no/such/directory/x.png"], 1, "cannot write /no/such/directory/x.png"),
        (["ann", "--size", "5", "-o", "x.png"], 2, "greater than or equal to 16"),
    ],
)
def test_render_says_plainly_what_is_wrong(
    arguments: list[str], status: int, message: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    result = emoticon("render", *arguments)
    assert result.exit_code == status
    assert message in result.stderr
    assert not list(tmp_path.glob("x*"))


def test_render_does_not_write_pictures_to_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr("emoticon.cli.render.sys.stdout", Terminal())
    with pytest.raises(SystemExit) as caught:
        app(["render", "ann"])
    assert caught.value.code == 2


def test_a_sheet_of_one_style_has_variations_and_is_written_in_each_format(tmp_path: Path) -> None:
    for kind, start in {"svg": b"<svg", "png": PNG, "webp": b"RIFF"}.items():
        file = tmp_path / f"sheet.{kind}"
        arguments = ("--sheet", "--style", "shapes", "--size", "16", "-o", str(file))
        assert emoticon("render", "ann", *arguments).exit_code == 0
        assert file.read_bytes().startswith(start)
    assert (tmp_path / "sheet.svg").read_bytes().count(b"<image ") == 25


def test_a_sheet_without_a_style_shows_all(tmp_path: Path) -> None:
    file = tmp_path / "sheet.svg"
    assert emoticon("render", "ann", "--sheet", "--size", "16", "-o", str(file)).exit_code == 0
    assert file.read_bytes().count(b"<image ") == 61


def test_styles_names_artists_and_licences() -> None:
    result = emoticon("styles", "--json")
    styles = {style["name"]: style for style in json.loads(result.stdout)}
    assert len(styles) == 61
    assert "CC0" in styles["moods"]["license"]
    assert all(style["license"] for style in styles.values())
    assert "moods" in emoticon("styles").stdout


def test_doctor_is_content_with_an_empty_directory() -> None:
    result = emoticon("doctor")
    assert result.exit_code == 0, result.output
    assert result.stdout.count("ok ") == 4
    assert "moods, 128 px" in result.stdout
    assert "migrated at the next start" in result.stdout
    assert emoticon("migrate").exit_code == 0
    assert "schema 0004" in emoticon("doctor").stdout


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("EMOTICON_DATA_DIR", "/dev/null/x", "FAIL data directory: cannot use /dev/null/x"),
        ("EMOTICON_DEFAULT_STYLE", "nosuch", "FAIL drawing: EMOTICON_DEFAULT_STYLE='nosuch'"),
    ],
)
def test_doctor_finds_what_is_wrong_and_goes_on(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    monkeypatch.setenv(name, value)
    result = emoticon("doctor")
    assert result.exit_code == 1
    assert message in result.stdout
    assert len(result.stdout.splitlines()) == 4


def test_doctor_names_a_database_that_is_away(
    monkeypatch: pytest.MonkeyPatch, postgres: PostgresServer
) -> None:
    monkeypatch.setenv("DATABASE_URL", postgres.url("no-such-database"))
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")
    result = emoticon("doctor")
    assert result.exit_code == 1
    assert "FAIL database: " in result.stdout
    assert "given by JWT_SECRET" in result.stdout


async def test_doctor_names_a_database_that_does_not_answer_in_time(
    monkeypatch: pytest.MonkeyPatch, postgres_database: str
) -> None:
    """As while somebody else's migration holds the tables."""
    monkeypatch.setenv("DATABASE_URL", postgres_database)
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")
    async with opened(postgres_database, timeout_s=30) as engine, engine.begin() as connection:
        await connection.execute(text("LOCK TABLE emoticon_schema"))
        result = await asyncio.to_thread(emoticon, "doctor")
    assert result.exit_code == 1
    assert "FAIL database: The accounts cannot be reached now" in result.stdout


def test_doctor_says_how_full_the_shared_tier_is_or_that_it_is_away(
    monkeypatch: pytest.MonkeyPatch, empty_valkey: ValkeyServer
) -> None:
    monkeypatch.setenv("REDIS_URL", empty_valkey.url)
    endless = emoticon("doctor")
    assert endless.exit_code == 0, endless.output
    assert "MiB used without a limit: set maxmemory and maxmemory-policy" in endless.stdout
    empty_valkey.call("CONFIG", "SET", "maxmemory", "64mb")
    assert "MiB used of 64\n" in emoticon("doctor").stdout
    empty_valkey.call("CONFIG", "SET", "maxmemory", "0")
    empty_valkey.stop()
    away = emoticon("doctor")
    assert away.exit_code == 1
    assert "FAIL shared tier: A cache cannot be reached" in away.stdout


def test_config_show_hides_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JWT_SECRET", "0123456789abcdef0123456789abcdef")
    monkeypatch.setenv("EMOTICON_TRUSTED_PROXIES", "10.0.0.0/8, ::1")
    result = emoticon("config", "show")
    assert "JWT_SECRET=(hidden)" in result.stdout
    assert "EMOTICON_TRUSTED_PROXIES=10.0.0.0/8,::1/128\n" in result.stdout
    assert "EMOTICON_PORT=8000" in result.stdout
    assert "DATABASE_URL=\n" in result.stdout


def test_config_show_refuses_wrong_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EMOTICON_PORT", "x")
    result = emoticon("config", "show")
    assert result.exit_code == 2
    assert result.stderr.startswith("emoticon: EMOTICON_PORT='x' should be a valid integer")


def test_config_reference_describes_every_setting_and_is_the_page_in_docs() -> None:
    page = emoticon("config", "reference").stdout
    for name in Settings.model_fields:
        assert f"| `{variable(name)}` |" in page
    assert page == reference_page()
    assert page == (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
