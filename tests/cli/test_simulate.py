"""Facts about `emoticon cache simulate`."""

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer
from tests.domain.traces import popular
from typer.testing import CliRunner, Result

from emoticon.cli import simulate

app = typer.Typer()
app.callback()(lambda: None)
simulate.register(app)

LINE = '::1 - - [{day:02}/Oct/2026:{hour:02}:00:00 +0000] "GET /emoticon/?username=u{key} HTTP/1.1" 200 {size}'


@pytest.fixture(autouse=True)
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Thirty days of 3000 requests for at most 300 pictures, and some lines of no use."""
    keys = popular(3000, 300)
    lines = [
        LINE.format(day=1 + at // 100, hour=at // 5 % 20, key=key, size=3000 + key)
        for at, key in enumerate(keys)
    ]
    lines += ["", "\x00", LINE.format(day=30, hour=20, key=1, size=1).replace(" 200 ", " 404 ")]
    path = tmp_path / "access.log"
    path.write_text("\n".join(lines) + "\n")
    return path


def run(*arguments: str | Path, input_: bytes | None = None) -> Result:
    return CliRunner().invoke(app, ["simulate", *map(str, arguments)], input=input_)


def document(*arguments: str | Path, input_: bytes | None = None) -> Any:
    result = run(*arguments, "--json", input_=input_)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def test_a_table_has_a_row_for_each_size_and_policy_and_what_they_are_compared_with(
    log: Path,
) -> None:
    result = run(log, "--ram", "50kB", "--ram", "0.1MiB", "--policy", "lru", "--policy", "combined")
    assert result.exit_code == 0, result.output
    rows = [line.split("  ")[0:2] for line in result.stdout.splitlines() if " kB" in line[:9]]
    assert [row[0] for row in rows] == ["50.0 kB", "50.0 kB", "104.9 kB", "104.9 kB"]
    assert "3000 requests in 3003 lines (skipped: 1 empty, 1 unreadable, 1 status)" in result.stdout
    assert "all in RAM" in result.stdout
    assert "drawing each time" in result.stdout
    assert "sample" not in result.stdout


def test_by_default_five_sizes_and_five_policies_are_compared(log: Path) -> None:
    found = document(log)
    assert len({run["ram_bytes"] for run in found["runs"]}) == 5
    assert len({run["policy"] for run in found["runs"]}) == 5
    assert len(found["runs"]) == 25
    for entry in found["runs"]:
        assert 0 <= entry["hit_ratio"] < 1
        assert sum(entry["hits"].values()) + entry["drawings"] == 3000
        cost = entry["cost_month"]
        assert cost["total"] == pytest.approx(cost["ram"] + cost["disk"] + cost["cpu"], abs=3e-6)


def test_sizes_and_times_are_those_of_the_log(log: Path) -> None:
    found = document(log, "--ram", "1MB", "--policy", "lru")
    assert 28 * 86400 < found["span_s"] < 30 * 86400
    assert 3000 < found["working_set_bytes"] / found["pictures"] < 3300


def test_urls_alone_have_the_mean_size_and_last_as_long_as_is_said() -> None:
    urls = b"/emoticon/?username=a\n/emoticon/?username=b&format=svg\n" * 50
    found = document("-", "--ram", "1MB", "--policy", "lru", "--days", "2", input_=urls)
    assert found["working_set_bytes"] == 3352 + 4412
    assert found["span_s"] == pytest.approx(2 * 86400, rel=0.02)
    assert found["draw_ms"] == pytest.approx((3.33 + 1.18) / 2, abs=0.001)
    given = document("-", "--ram", "1MB", "--picture-bytes", "7", input_=urls)
    assert given["working_set_bytes"] == 14


def test_a_packed_log_is_read_like_a_plain_one(log: Path) -> None:
    packed = log.with_suffix(".log.gz")
    packed.write_bytes(gzip.compress(log.read_bytes()))
    options = ("--ram", "50kB", "--policy", "lru")
    assert document(packed, *options) == document(log, *options)


def test_prices_change_the_cost_and_nothing_else(log: Path) -> None:
    options = ("--ram", "50kB", "--policy", "combined", "--memory-share", "1")
    usual = document(log, *options, "--disk", "0")
    dear = document(log, *options, "--disk", "0", "--ram-price", "8", "--cpu-price", "0")
    (before,), (after,) = usual["runs"], dear["runs"]
    assert after["cost_month"]["ram"] == pytest.approx(2 * before["cost_month"]["ram"], abs=2e-6)
    assert (after["cost_month"]["disk"], after["cost_month"]["cpu"]) == (0, 0)
    assert dear["prices"]["ram_gb_month"] == 8


def test_a_sample_is_called_one(log: Path) -> None:
    result = run(log, "--ram", "1MB", "--policy", "lru", "--most-requests", "2000")
    assert "all requests for one picture in 2" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--policy", "best"), "'best' is none of lru, "),
        (("--ram", "much"), "'much' is no size"),
        (("--ram", "1001TB"), "at most 1000 TB"),
        (("--days", "nan"), "Invalid value for '--days'"),
        (("--plot", "curves.pdf"), "ends in .svg or .png"),
        (tuple(f"--ram={size}kB" for size in range(1, 22)), "at most 20 sizes"),
    ],
)
def test_wrong_options_are_refused_with_status_2(
    log: Path, arguments: tuple[str, ...], message: str
) -> None:
    result = run(log, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("missing.log", None, "No such file or directory"),
        ("cut.gz", gzip.compress(b"/emoticon/?username=a\n" * 9)[:-9], "damaged or cut off"),
        ("flipped.gz", gzip.compress(b"x" * 99)[:12] + b"\xff" * 40, "damaged or cut off"),
        ("plain.gz", b"/emoticon/?username=a\n", "damaged or cut off"),
        ("empty.log", b"", "no picture was asked for in 0 lines (none)"),
        ("other.log", b"hello\n\n", "in 2 lines (1 unreadable, 1 empty)"),
    ],
)
def test_a_log_of_no_use_ends_with_status_1_and_a_line_that_says_why(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    result = run(tmp_path / name)
    assert (result.exit_code, result.stdout) == (1, "")
    assert message in result.stderr


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_curves_are_drawn_into_a_file(log: Path, tmp_path: Path, suffix: str) -> None:
    plot = tmp_path / f"curves.{suffix}"
    result = run(log, "--ram", "50kB", "--ram", "90kB", "--policy", "lru", "--plot", plot)
    assert result.exit_code == 0, result.output
    assert plot.read_bytes().startswith(b"<?xml" if suffix == "svg" else b"\x89PNG")


def test_a_plot_that_cannot_be_written_is_an_error(log: Path, tmp_path: Path) -> None:
    result = run(log, "--ram", "50kB", "--policy", "lru", "--plot", tmp_path / "none" / "a.svg")
    assert result.exit_code == 1
    assert "No such file or directory" in result.stderr


def test_without_matplotlib_a_plot_is_refused_with_what_to_install(log: Path) -> None:
    program = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from tests.cli.test_simulate import app; app()"
    )
    command = [sys.executable, "-c", program, "simulate", str(log), "--plot", "a.svg"]
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(root)}
    done = subprocess.run(
        command, cwd=root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "pip install 'emoticon[plots]'" in done.stderr
    assert done.stdout == ""
