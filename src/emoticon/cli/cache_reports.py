"""What the commands `emoticon cache ...` have in common: how they open the tiers, and how they speak."""

import json
import sys
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

import typer

from emoticon.cli.account import visible
from emoticon.cli.environment import CANNOT_START, fail, run, settings_or_exit
from emoticon.domain.cache import Cache, Progress, Report
from emoticon.domain.errors import EmoticonError, UnknownAccount
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging

T = TypeVar("T")
_R = TypeVar("_R", bound=Report)


def act(act: Callable[[Cache], Awaitable[T]], name: str = "") -> T:
    """Do it, and return what comes of it or end the program with one line that says why not."""
    settings = settings_or_exit()
    configure_logging(settings.log_level, settings.log_format)
    return run(_acting(settings, act, name))


def end(reports: Iterable[Report], *, well: bool = True) -> typer.Exit:
    """Print a line for each tier that was unavailable, and return what to raise: status 0 only when all is well."""
    for report in reports:
        if report.trouble:
            well = False
            fail(f"the {report.tier} tier is unavailable: {visible(report.trouble)}")
    return typer.Exit(0 if well else CANNOT_START)


def tell(
    reports: Iterable[_R], more: Callable[[_R], Mapping[str, Any]] = lambda _: {}, **overall: Any
) -> None:
    """Print what came of all tiers as one JSON document; `more` gives further fields of each."""
    tiers = [{**asdict(report), **more(report)} for report in reports]
    typer.echo(json.dumps({**overall, "tiers": tiers}))


def table(rows: Sequence[Sequence[str]]) -> str:
    """Return rows of plain ASCII in columns."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def pictures(count: int) -> str:
    """Return how many pictures in words."""
    return f"{count} picture{'' if count == 1 else 's'}"


def number(value: int | None) -> str:
    """Return a number; what is not known is a dash."""
    return "-" if value is None else str(value)


def size(value_bytes: int | None) -> str:
    """Return bytes as people read them; what is not known is a dash."""
    from rich.filesize import decimal

    return "-" if value_bytes is None else decimal(value_bytes)


@contextmanager
def progress() -> Iterator[Progress]:
    """Show a bar for each tier that is looked through, on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    tasks: dict[str, Any] = {}
    with Bars(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as bars:

        def on_progress(tier: str, seen: int, total: int | None) -> None:
            if tier not in tasks:
                tasks[tier] = bars.add_task(tier, total=total)
            bars.update(tasks[tier], completed=seen)

        yield on_progress


async def _acting(settings: Settings, act: Callable[[Cache], Awaitable[T]], name: str) -> T:
    from emoticon.wiring import StartError
    from emoticon.wiring.cache import open_cache

    try:
        async with open_cache(settings) as cache:
            return await act(cache)
    except UnknownAccount:
        raise fail(f"no account is called {visible(name)}; of a deleted one give the id") from None
    except (EmoticonError, StartError) as error:
        raise fail(str(error)) from None
