"""`make bench`: run every measurement, write docs/benchmarks.md. `python -m bench NAME ...` runs and prints some.

`python -m bench --write NAME ...` also puts them in the place of their last results on that page.
"""

import importlib
import os
import platform
import re
import sys
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from bench.report import Report

PAGE = Path(__file__).parent.parent / "docs" / "benchmarks.md"
MEASUREMENTS = (
    *("edge", "edge_application", "observability"),
    *("signins", "start", "hit_ratio", "cache", "disk_tier", "cache_outages", "cache_restart"),
    *(
        "scaling",
        "styles",
        "cold",
        "uploads",
        "sign_in_timing",
        "public_timing",
        "refresh_race",
        "revocation",
        "check_cost",
        "outages",
    ),
)


def main(names: list[str]) -> None:
    """Run the measurements in order, and keep each result as soon as it is there."""
    writing = not names or names[0] == "--write"
    for name in names[writing:] or MEASUREMENTS:
        print(f"measuring {name} ...", file=sys.stderr, flush=True)
        report: Report = importlib.import_module(f"bench.{name}").run()
        print(report.markdown(), flush=True)
        if writing:
            _write(name, report)


def _write(name: str, report: Report) -> None:
    """Put a result into the page, in the order of MEASUREMENTS."""
    sections = _sections()
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvicorn", "fastapi", "pyvips"))
    sections[name] = (
        f"<!-- {name} -->\n\n{report.markdown()}\n"
        f"{datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.system()} {platform.machine()},"
        f" Python {platform.python_version()}, emoticon {version('emoticon')}, {packages}.\n"
    )
    ordered = [sections[known] for known in MEASUREMENTS if known in sections]
    PAGE.write_text("\n".join([_HEAD, *ordered]), encoding="utf-8")


def _sections() -> dict[str, str]:
    text = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    found = re.split(r"^<!-- (\w+) -->$", text, flags=re.MULTILINE)[1:]
    return {
        name: f"<!-- {name} -->{body.rstrip()}\n"
        for name, body in zip(found[::2], found[1::2], strict=True)
    }


_HEAD = """# Benchmarks

Written by `make bench`. Trust the ratios, not the seconds: each figure stands beside its baseline from the same run.
"""


if __name__ == "__main__":
    main(sys.argv[1:])
