"""`emoticon migrate`: bring the database to the schema of this version, or take over the reference's accounts."""

from typing import Annotated

import typer

from emoticon.cli.environment import fail, run, settings_or_exit
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(migrate)


def migrate(
    *,
    from_reference: Annotated[
        bool,
        typer.Option(
            "--from-reference",
            help="Also take over the accounts of the reference service from the table `users` of the same database.",
        ),
    ] = False,
) -> None:
    """Bring the database to the schema of this version. Safe to repeat, also at several places at once."""
    settings = settings_or_exit()
    configure_logging(settings.log_level, settings.log_format)
    run(_migrate(settings, from_reference=from_reference))


async def _migrate(settings: Settings, *, from_reference: bool) -> None:
    from rich.console import Console
    from rich.progress import Progress
    from rich.table import Table

    from emoticon import wiring

    try:
        await wiring.migrate(settings, on_step=typer.echo)
        if not from_reference:
            return
        console = Console(stderr=True)
        with Progress(console=console, transient=True) as progress:
            task = progress.add_task("accounts", total=None)
            report = await wiring.import_reference(
                settings,
                on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
    except wiring.StartError as error:
        raise fail(str(error)) from None
    typer.echo(
        f"{report.taken} accounts taken over, {report.already_there} were here already,"
        f" {len(report.refused)} cannot be taken"
    )
    if report.refused:
        table = Table("id", "username", "why")
        for user_id, username, reason in report.refused:
            table.add_row(str(user_id), username, reason)
        Console().print(table)
