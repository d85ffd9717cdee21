"""What pictures cost by the month for 1e6, 1e8 and 1e9 accounts, from measured bytes, milliseconds and hit ratios.

`python -m bench.scaling` prints the figures, `--write` puts them and the plot into docs/. Prices are assumptions and
options. Hit ratios are simulated for fewer accounts and as much RAM for each: by Zipf's law with an exponent below 1
the same share of the pictures gets somewhat more of the hits the more there are, so for 1e8 they err on the safe side.
"""

import argparse
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

from bench.report import Report
from bench.traces import zipf
from emoticon.cli.plots import Panel, Scale, draw
from emoticon.domain.models import Format
from emoticon.domain.prices import (
    BODY_BYTES,
    DISK_FACTOR,
    DRAW_MS,
    HIT_US,
    MONTH_S,
    SHARED_ENTRY_BYTES,
    VALKEY_ENTRY_BYTES,
    Bill,
    Prices,
    bill,
    break_even,
    cpu_s,
)
from emoticon.domain.simulation import Comparison, Outcome
from emoticon.wiring.simulation import MemoryStore

DOCS = Path(__file__).parent.parent / "docs"
PLOT = "images/scaling.svg"
ACCOUNTS = (10**6, 10**8, 10**9)
MANY = 10**8
A_MONTH = 10
"""Requests for each account."""
SIMULATED = 50_000
SHARES = (0.001, 0.003, 0.01, 0.03, 0.1)
CHOSEN = 0.003
"""The RAM of `tiered`, as a share of all pictures in RAM."""
RAM_BYTES = BODY_BYTES[Format.PNG] + VALKEY_ENTRY_BYTES
DRAWING_MS = DRAW_MS[Format.PNG]
SCENARIOS = {
    "as assumed": Prices(),
    "RAM cheap, the rest dear": Prices(2, 0.20, 40, 0.2),
    "RAM dear, the rest cheap": Prices(8, 0.04, 10, 0.6),
}


@dataclass(frozen=True)
class Tiered:
    """What was simulated with this share of RAM, with a disk tier without limit or with none."""

    share: float
    disk: bool
    outcome: Outcome

    def bill(self, accounts: float, prices: Prices) -> Bill:
        """Return a month for so many accounts."""
        scale = accounts / SIMULATED
        its = self.outcome
        return bill(
            prices,
            ram_bytes=self.share * RAM_BYTES * accounts,
            disk_bytes=its.used_bytes.get("disk", 0) * scale,
            cpu_s=cpu_s(its.hits, its.drawings, DRAWING_MS) * scale,
        )


def simulate() -> Sequence[Tiered]:
    """Play two months through all sizes; the second counts. A minute."""
    a_month = SIMULATED * A_MONTH
    trace = zipf(
        pictures=SIMULATED,
        requests=2 * a_month,
        per_minute=a_month / (MONTH_S / 60),
        one_hit=0,
    )
    found = []
    for share in SHARES:
        for disk in (True, False):
            comparison = Comparison(
                trace,
                MemoryStore,
                Prices(),
                draw_ms=DRAWING_MS,
                span_s=MONTH_S,
                disk_bytes=None if disk else 0,
                warm_up=a_month,
            )
            ram_bytes = round(share * RAM_BYTES * SIMULATED)
            found.append(Tiered(share, disk, comparison.run("combined", ram_bytes)))
    return found


def all_in_ram(accounts: float, prices: Prices) -> Bill:
    """Return a month of Valkey with a key for each account's picture."""
    busy_s = cpu_s({"shared": accounts * A_MONTH}, 0, 0)
    return bill(prices, ram_bytes=accounts * RAM_BYTES, disk_bytes=0, cpu_s=busy_s)


def drawing(accounts: float, prices: Prices) -> Bill:
    """Return a month without any cache."""
    return bill(prices, ram_bytes=0, disk_bytes=0, cpu_s=cpu_s({}, accounts * A_MONTH, DRAWING_MS))


def costs(found: Sequence[Tiered], prices: Prices) -> list[list[str]]:
    """Return rows: what a month costs, by number of accounts."""
    tiered = chosen(found)
    rows = []
    for accounts in ACCOUNTS:
        whole = all_in_ram(accounts, prices)
        for name, its in (
            ("all in RAM", whole),
            ("tiered", tiered.bill(accounts, prices)),
            ("drawing each time", drawing(accounts, prices)),
        ):
            parts = (its.ram, its.disk, its.cpu, its.total)
            ratio = whole.total / its.total
            rows.append(
                [f"{accounts:,}", name, *(f"{part:,.2f}" for part in parts), f"1/{ratio:.1f}"]
            )
    return rows


def sizes(found: Sequence[Tiered], prices: Prices) -> list[list[str]]:
    """Return rows: what more or less RAM does, for MANY accounts."""
    return [
        [
            f"{its.share:.1%}",
            f"{its.share * RAM_BYTES * MANY / 1e9:,.1f}",
            "yes" if its.disk else "no",
            f"{its.outcome.used_bytes.get('disk', 0) * MANY / SIMULATED / 1e9:,.0f}",
            *(
                f"{its.outcome.hits.get(tier, 0) / its.outcome.requests:.1%}"
                for tier in ("memory", "shared", "disk")
            ),
            f"{its.outcome.drawings / its.outcome.requests:.1%}",
            f"{its.bill(MANY, prices).total:,.2f}",
            f"1/{all_in_ram(MANY, prices).total / its.bill(MANY, prices).total:.1f}",
        ]
        for its in found
    ]


def scenarios(found: Sequence[Tiered]) -> list[list[str]]:
    """Return rows: the same with other prices, for MANY accounts."""
    rows = []
    for name, prices in SCENARIOS.items():
        whole, ours = all_in_ram(MANY, prices).total, chosen(found).bill(MANY, prices).total
        values = [f"{getattr(prices, field.name):g}" for field in fields(prices)]
        each_time = drawing(MANY, prices).total
        rows.append(
            [
                name,
                *values,
                f"{whole:,.0f}",
                f"{ours:,.0f}",
                f"{each_time:,.0f}",
                f"1/{whole / ours:.1f}",
            ]
        )
    return rows


def break_evens(prices: Prices) -> list[list[str]]:
    """Return rows: from how many requests a month on a place pays for one picture."""
    body = BODY_BYTES[Format.PNG]
    drawing_us = DRAWING_MS * 1000
    cases = (
        (
            "disk instead of drawing",
            body * DISK_FACTOR,
            prices.ssd_gb_month,
            drawing_us - HIT_US["disk"],
        ),
        (
            "shared tier instead of drawing",
            body + SHARED_ENTRY_BYTES,
            prices.ram_gb_month,
            drawing_us - HIT_US["shared"],
        ),
        (
            "shared tier instead of disk",
            body + SHARED_ENTRY_BYTES,
            prices.ram_gb_month,
            HIT_US["disk"] - HIT_US["shared"],
        ),
    )
    return [
        [
            what,
            f"{kept:.0f}",
            f"{saved:.0f}",
            f"{break_even(prices, kept_bytes=kept, gb_month=gb, saved_us=saved):,.0f}",
        ]
        for what, kept, gb, saved in cases
    ]


def chosen(found: Sequence[Tiered]) -> Tiered:
    """Return what is called tiered."""
    return next(its for its in found if its.share == CHOSEN and its.disk)


def plot(found: Sequence[Tiered], prices: Prices, path: Path) -> None:
    """Draw the costs by number of accounts, and by RAM."""
    accounts = [10.0**power for power in range(5, 10)]
    ways: Mapping[str, Callable[[float, Prices], Bill]] = {
        "all in RAM": all_in_ram,
        "tiered": chosen(found).bill,
        "drawing each time": drawing,
    }
    by_accounts = Panel(
        f"{A_MONTH} requests a month for each account",
        ("accounts", Scale.NUMBER),
        ("cost of a month", Scale.NUMBER),
        {name: [(n, way(n, prices).total) for n in accounts] for name, way in ways.items()},
    )
    by_ram = Panel(
        f"{MANY:,} accounts, with more or less RAM",
        ("RAM, of what all pictures need", Scale.SHARES),
        ("cost of a month", Scale.NUMBER),
        {
            name: [(its.share, its.bill(MANY, prices).total) for its in found if its.disk is disk]
            for name, disk in (("RAM, disk, drawing", True), ("RAM, drawing", False))
        },
        {
            "all in RAM": all_in_ram(MANY, prices).total,
            "drawing each time": drawing(MANY, prices).total,
        },
    )
    draw(path, "What pictures cost", [by_accounts, by_ram])


def reports(prices: Prices, found: Sequence[Tiered]) -> Mapping[str, Report]:
    """Return the tables of docs/scaling.md by the names of their places there."""
    percent = f"{CHOSEN:.1%}"
    method = (
        f"{A_MONTH} requests a month for each account by Zipf's law with exponent 0.9, PNG of 128 px. Assumed prices:"
        f" {prices.ram_gb_month:g} for a GB of RAM, {prices.ssd_gb_month:g} for a GB of SSD,"
        f" {prices.vcpu_month:g} for a processor that is busy to {prices.busy_share:.0%}. Tiered has RAM for"
        f" {percent} of the pictures, a tenth of it memory; the disk has whatever was admitted. Hit ratios are"
        " simulated. Target: at most 1/20 for 1e8."
    )
    return {
        "costs": Report(
            "What pictures cost by the month",
            method,
            ["accounts", "", "RAM", "disk", "CPU", "total", "to all in RAM"],
            costs(found, prices),
        ),
        "sizes": Report(
            "",
            f"For {MANY:,} accounts.",
            "RAM,GB,disk tier,GB on disk,memory,shared,disk,drawn,cost,to all in RAM".split(","),
            sizes(found, prices),
        ),
        "scenarios": Report(
            "",
            f"For {MANY:,} accounts.",
            "prices,RAM,SSD,processor,busy,all in RAM,tiered,drawing,tiered to all in RAM".split(
                ","
            ),
            scenarios(found),
        ),
        "break-evens": Report(
            "",
            "For one picture, with the prices as assumed.",
            ["", "bytes", "us saved by a hit", "pays from requests a month"],
            break_evens(prices),
        ),
    }


def run() -> Report:
    """Compute in this process."""
    return reports(Prices(), simulate())["costs"]


def write(tables: Mapping[str, Report]) -> None:
    """Put the tables into their places in the page."""
    page = DOCS / "scaling.md"
    text = page.read_text(encoding="utf-8")
    for name, report in tables.items():
        begin, end = f"<!-- {name}: by bench.scaling -->\n", f"<!-- {name} end -->"
        body = report.markdown().partition("\n\n")[2]  # without its heading
        place = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
        text, count = place.subn(lambda _: begin + "\n" + body + "\n" + end, text)  # noqa: B023 - used at once
        if count != 1:
            raise RuntimeError(f"the page has {count} places for {name}")
    page.write_text(text, encoding="utf-8")


def main() -> None:
    """Take the prices from the command line."""
    options = argparse.ArgumentParser(prog="python -m bench.scaling")
    options.add_argument(
        "--write", action="store_true", help="rewrite docs/scaling.md and its plot"
    )
    for field in fields(Prices):
        options.add_argument(f"--{field.name.replace('_', '-')}", type=float, default=field.default)
    given = vars(options.parse_args())
    wanted = given.pop("write")
    prices = replace(Prices(), **given)
    found = simulate()
    tables = reports(prices, found)
    for report in tables.values():
        print(report.markdown())
    if wanted:
        write(tables)
        plot(found, prices, DOCS / PLOT)


if __name__ == "__main__":
    main()
