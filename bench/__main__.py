"""`make bench`: run every measurement, write docs/benchmarks.md. `python -m bench NAME ...` runs and prints some."""

import importlib
import os
import platform
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.report import Report

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
MEASUREMENTS = (
    *("signins", "start", "disk_tier", "styles"),
    *("sign_in_timing", "refresh_race", "revocation", "check_cost", "outages"),
)


def main(names: list[str]) -> None:
    """Run the measurements in order; a fresh page only when all of them ran."""
    sections = []
    for name in names or MEASUREMENTS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        report: Report = importlib.import_module(f"bench.{name}").run()
        sections.append(report.markdown())
        print(sections[-1], flush=True)
    if not names:
        PAGE.write_text("\n".join([_head(), *sections]), encoding="utf-8")
        print(f"wrote {PAGE.name}", file=sys.stderr)


def _head() -> str:
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "fastapi", "pyvips"))
    return (
        "# Benchmarks\n\n"
        "Written by `make bench`. Trust the ratios, not the seconds: each figure stands beside its baseline from the"
        " same run.\n\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, emoticon {version('emoticon')}, {packages}.\n"
    )


if __name__ == "__main__":
    main(sys.argv[1:])
