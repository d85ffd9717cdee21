"""`emoticon cache warm`: draw ahead what will be asked for."""

import asyncio
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from emoticon.cli.access_logs import requests
from emoticon.cli.account import visible
from emoticon.cli.cache_reports import pictures
from emoticon.cli.environment import CANNOT_START, WRONG_SETTINGS, fail, run, settings_or_exit
from emoticon.domain.access_logs import Tally
from emoticon.domain.errors import EmoticonError, TierUnavailable
from emoticon.domain.models import Format
from emoticon.domain.pictures import DEFAULT_PX, KEPT_PX
from emoticon.domain.ports import OuterTier
from emoticon.domain.warming import MOST_ASKED, Asked, Warmed, Warming, most_asked
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging

_MOST_ACCOUNTS = 100_000
_INTERRUPTED = 130

_Work = Callable[[Warming, Warmed, Callable[[int], None]], Awaitable[None]]


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command()(warm)


def warm(
    top: Annotated[
        int | None,
        typer.Option(
            min=1,
            max=MOST_ASKED,
            help=f"The emoticons of so many accounts used last, at most {_MOST_ACCOUNTS}; with --file, so many"
            " pictures.",
        ),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            readable=True,
            allow_dash=True,
            metavar="LOG",
            help="An access log, also one packed with gzip, `-` for standard input: the pictures it asks for most.",
        ),
    ] = None,
    size: Annotated[
        list[int] | None,
        typer.Option(metavar="PX", help=f"Pixels, may be repeated; {DEFAULT_PX} by default."),
    ] = None,
    picture_format: Annotated[
        list[Format] | None, typer.Option("--format", help="May be repeated; png by default.")
    ] = None,
) -> None:
    """Draw pictures ahead into the shared tier and the disk tier, as many at once as there are threads that draw."""
    if top is None and file is None:
        raise fail("give --top, --file or both", WRONG_SETTINGS)
    if file is not None and (size or picture_format):
        raise fail(
            "the log says which sizes and formats: give no --size or --format", WRONG_SETTINGS
        )
    if file is None and top is not None and top > _MOST_ACCOUNTS:
        raise fail(f"--top takes at most {_MOST_ACCOUNTS} accounts", WRONG_SETTINGS)
    sizes_px = _kept(size or [DEFAULT_PX])
    formats = list(dict.fromkeys(picture_format or [Format.PNG]))
    settings = settings_or_exit()
    configure_logging(settings.log_level, settings.log_format)
    wishes = None if file is None else _read(file, top or MOST_ASKED)

    async def work(warming: Warming, tally: Warmed, on_progress: Callable[[int], None]) -> None:
        if wishes is not None:
            await warming.asked(wishes, tally=tally, on_progress=on_progress)
        else:
            await warming.last_used(
                top or 0, sizes_px, formats, tally=tally, on_progress=on_progress
            )

    tally = Warmed()
    finished, lost = run(_warm(settings, work, tally))
    typer.echo(
        f"{'' if finished else 'stopped: '}{tally.drawn} drawn, {tally.present} already there,"
        f" {tally.failed} failed, {tally.unknown} of unknown names"
    )
    for line in lost:
        fail(line)
    if not finished:
        raise typer.Exit(_INTERRUPTED)
    raise typer.Exit(CANNOT_START if lost or tally.failed else 0)


def _kept(sizes_px: list[int]) -> list[int]:
    for size_px in sizes_px:
        if size_px not in KEPT_PX:
            kept = ", ".join(map(str, sorted(KEPT_PX)))
            raise fail(
                f"{size_px} px is not kept outside of memory; these sizes are: {kept}",
                WRONG_SETTINGS,
            )
    return sorted(set(sizes_px))


def _read(file: Path, count: int) -> list[Asked]:
    """Return what a log asks for most. Not on the event loop, so that Ctrl-C ends it at once."""
    return most_asked(requests(file, Tally()), count)


async def _warm(settings: Settings, work: _Work, tally: Warmed) -> tuple[bool, list[str]]:
    """Return whether the work came to its end before Ctrl-C, and which tiers did not keep all of it."""
    from emoticon.wiring import StartError
    from emoticon.wiring.cache import open_warming

    finished = True
    try:
        async with open_warming(settings) as (warming, tiers):
            try:
                with _progress(tally) as on_progress:
                    await work(warming, tally, on_progress)
            except asyncio.CancelledError:  # Ctrl-C; what is being written is finished first
                finished = False
            return finished, [line for tier in tiers for line in await _lost(tier)]
    except (EmoticonError, StartError) as error:
        raise fail(str(error)) from None


async def _lost(tier: OuterTier) -> list[str]:
    try:
        await tier.extent()  # waits for what is still to be written
    except TierUnavailable as error:
        return [f"the {tier.name} tier is unavailable: {visible(error.detail)}"]
    dropped = tier.figures().dropped
    return [f"the {tier.name} tier did not keep {pictures(dropped)}"] if dropped else []


@contextmanager
def _progress(tally: Warmed) -> Iterator[Callable[[int], None]]:
    """Show a bar with the rate, on a terminal only."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

    with Progress(
        TextColumn("drawing"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as bars:
        task = bars.add_task("", total=None, rate=0.0)
        began_s = time.monotonic()

        def on_progress(total: int) -> None:
            rate = tally.done / max(time.monotonic() - began_s, 0.001)
            bars.update(task, completed=tally.done, total=total, rate=rate)

        yield on_progress
