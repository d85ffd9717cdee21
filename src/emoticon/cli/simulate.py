"""`emoticon cache simulate`: what caches of other kinds and sizes would have made of an access log."""

import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

import typer

from emoticon.cli import plots, simulation_reports
from emoticon.cli.access_logs import record
from emoticon.cli.environment import WRONG_SETTINGS, fail
from emoticon.cli.simulation_reports import Row
from emoticon.domain.prices import Prices
from emoticon.domain.simulation import MEMORY_SHARE, MOST_REQUESTS, POLICIES, Comparison

_DEFAULT_POLICIES = ("lru", "lfu-1440", "memory", "combined", "optimum")
_DEFAULT_SHARES = (0.003, 0.01, 0.03, 0.1, 0.3)
_MOST_SIZES = 20
_BYTES = re.compile(r"(\d{1,15}(?:\.\d{1,6})?) ?((?:[kMGT]i?)?)B?")
_UNITS: Mapping[str, int] = {
    "": 1,
    **{unit: 1000**power for power, unit in enumerate("kMGT", 1)},
    **{f"{unit}i": 1024**power for power, unit in enumerate("kMGT", 1)},
}
_MOST_BYTES = 10**15
_MOST_MONEY = 1e9
_PRICES = Prices()


def _bytes(text: str) -> int:
    match = _BYTES.fullmatch(text.strip())
    if match is None:
        raise typer.BadParameter(f"{text!r} is no size such as 64MB or 1.5GiB")
    value = float(match[1]) * _UNITS[match[2]]
    if value > _MOST_BYTES:
        raise typer.BadParameter("a size is at most 1000 TB")
    return round(value)


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command()(simulate)


def simulate(
    log: Annotated[
        Path,
        typer.Argument(
            metavar="LOG",
            help="Lines of nginx or Apache (common, combined), of JSON, or URLs; .gz too; - is standard input.",
        ),
    ],
    *,
    ram: Annotated[
        list[int] | None,
        typer.Option(
            parser=_bytes,
            metavar="BYTES",
            help="As 64MB; again for more. By default five up to 0.3 of all pictures.",
        ),
    ] = None,
    policy: Annotated[
        list[str] | None,
        typer.Option(
            help=f"One of {', '.join(POLICIES)}; again for more. [{', '.join(_DEFAULT_POLICIES)}]"
        ),
    ] = None,
    memory_share: Annotated[
        float,
        typer.Option(
            min=0.01, max=1, help="How much of the RAM the memory tier of `combined` has."
        ),
    ] = MEMORY_SHARE,
    disk: Annotated[
        int | None,
        typer.Option(
            parser=_bytes,
            metavar="BYTES",
            help="Disk tier of `combined`, 0 for none; without limit by default.",
        ),
    ] = None,
    picture_bytes: Annotated[
        int | None,
        typer.Option(
            min=1, max=2**24, help="Of each picture. By default as logged, else by size and format."
        ),
    ] = None,
    days: Annotated[
        float, typer.Option(min=0.01, max=3650, help="How long a log without times lasted.")
    ] = 30,
    most_requests: Annotated[
        int,
        typer.Option(
            min=1000, max=10**8, help="Of a log with more, a sample of the pictures is played."
        ),
    ] = MOST_REQUESTS,
    ram_price: Annotated[
        float,
        typer.Option(
            min=0, help="A GB of RAM for a month. All prices are assumptions: give yours."
        ),
    ] = _PRICES.ram_gb_month,
    disk_price: Annotated[
        float, typer.Option(min=0, max=_MOST_MONEY, help="A GB of SSD for a month.")
    ] = _PRICES.ssd_gb_month,
    cpu_price: Annotated[
        float, typer.Option(min=0, max=_MOST_MONEY, help="A processor for a month.")
    ] = _PRICES.vcpu_month,
    busy_share: Annotated[
        float, typer.Option(min=0.01, max=1, help="How much of the processors is used on average.")
    ] = _PRICES.busy_share,
    plot: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Draw curves into a file, .svg or .png.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show hit ratio and monthly cost of caches of several kinds and sizes, had they answered this access log."""
    from emoticon.wiring.simulation import MemoryStore

    if len(ram or ()) > _MOST_SIZES:
        raise fail(f"at most {_MOST_SIZES} sizes at once", WRONG_SETTINGS)
    for name in policy or ():
        if name not in POLICIES:
            raise fail(f"{name!r} is none of {', '.join(POLICIES)}", WRONG_SETTINGS)
    if plot is not None:
        plots.check(plot)
    recorded = record(
        log,
        picture_bytes=picture_bytes,
        span_minutes=round(days * 1440),
        most_requests=most_requests,
    )
    comparison = Comparison(
        recorded.trace,
        MemoryStore,
        Prices(ram_price, disk_price, cpu_price, busy_share),
        draw_ms=recorded.draw_ms,
        span_s=recorded.span_s,
        memory_share=memory_share,
        disk_bytes=disk,
    )
    all_bytes = recorded.trace.working_set_bytes
    sizes = ram or [round(share * all_bytes) for share in _DEFAULT_SHARES]
    rows = _play(comparison, policy or _DEFAULT_POLICIES, sorted({max(1, size) for size in sizes}))
    if as_json:
        typer.echo(simulation_reports.document(recorded, comparison, rows))
    else:
        typer.echo(simulation_reports.text(recorded, comparison, rows))
    if plot is not None:
        try:
            simulation_reports.plot(plot, comparison, rows)
        except OSError as error:
            raise fail(f"cannot write {plot}: {error.strerror}") from None


def _play(comparison: Comparison, policies: Sequence[str], sizes: Sequence[int]) -> list[Row]:
    from rich.console import Console
    from rich.progress import track

    wanted = [(size, policy) for size in sizes for policy in dict.fromkeys(policies)]
    shown = track(
        wanted,
        description="simulating",
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    )
    rows = []
    for ram_bytes, policy in shown:
        outcome = comparison.run(policy, ram_bytes)
        rows.append(Row(ram_bytes, policy, outcome, comparison.bill(outcome, ram_bytes)))
    return rows
