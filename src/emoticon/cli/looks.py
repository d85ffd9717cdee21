"""`emoticon looks`: what accounts look like."""

import asyncio
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from emoticon.cli.environment import CANNOT_START, WRONG_SETTINGS, fail, run, settings_or_exit
from emoticon.domain.errors import EmoticonError
from emoticon.domain.look_upgrades import Upgraded
from emoticon.domain.models import BUILT_IN, Origin
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging

_INTERRUPTED = 130

looks = typer.Typer(help="Looks: what accounts look like.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(looks, name="looks")


@looks.command()
def upgrade(
    generator: Annotated[
        str, typer.Option(metavar="NAME", help="Whose looks: `dicebear` or `upstream`.")
    ] = BUILT_IN,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only count what would be changed.")
    ] = False,
) -> None:
    """Give looks of an older version of a generator the present one: those people will look different.

    It may be interrupted and begun again, beside a running service too.
    """
    settings = settings_or_exit()
    configure_logging(settings.log_level, settings.log_format)
    tally = Upgraded()
    finished = run(_upgrade(settings, generator, dry_run=dry_run, tally=tally))
    raise typer.Exit(_report(tally, finished=finished, dry_run=dry_run))


async def _upgrade(settings: Settings, generator: str, *, dry_run: bool, tally: Upgraded) -> bool:
    """Return whether the work came to its end before Ctrl-C."""
    from emoticon.wiring import StartError
    from emoticon.wiring.look_upgrades import open_look_upgrades

    origin = Origin(user_agent="emoticon looks upgrade")
    try:
        async with open_look_upgrades(settings, origin) as upgrades:
            if generator not in upgrades.generators:
                known = ", ".join(upgrades.generators)
                raise fail(f"there is no such generator; these are here: {known}", WRONG_SETTINGS)
            try:
                with _progress(tally) as on_progress:
                    await upgrades.run(
                        generator, dry_run=dry_run, tally=tally, on_progress=on_progress
                    )
            except asyncio.CancelledError:  # Ctrl-C; the look that is being written is finished
                return False
            return True
    except (EmoticonError, StartError) as error:
        raise fail(str(error)) from None


def _report(tally: Upgraded, *, finished: bool, dry_run: bool) -> int:
    """Say what was done, and return the status."""
    done = "would be upgraded" if dry_run else "upgraded"
    typer.echo(f"{'' if finished else 'stopped: '}{_counted(tally.changed)} {done}")
    for reason, count in tally.kept.items():
        fail(f"{_counted(count)} left as they were: {reason}")
    if not finished:
        return _INTERRUPTED
    return CANNOT_START if tally.kept else 0


@contextmanager
def _progress(tally: Upgraded) -> Iterator[Callable[[], None]]:
    """Show how many there were so far, on a terminal only."""
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn

    with Progress(
        SpinnerColumn(),
        TextColumn("looks: {task.completed:.0f}"),
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
    ) as bars:
        task = bars.add_task("", total=None)
        yield lambda: bars.update(task, completed=tally.seen)


def _counted(count: int) -> str:
    return f"{count} look" if count == 1 else f"{count} looks"
