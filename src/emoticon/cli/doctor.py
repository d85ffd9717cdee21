"""`emoticon doctor`: look at everything that a start needs, and say what to do about what is missing."""

import typer

from emoticon.cli.environment import run, settings_or_exit
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor() -> None:
    """Check settings, data directory, database, schema, drawing and shared tier; ends with status 1 when one fails."""
    settings = settings_or_exit()
    configure_logging("error", settings.log_format)
    failed = run(_examine(settings))
    raise typer.Exit(1 if failed else 0)


async def _examine(settings: Settings) -> bool:
    from emoticon import wiring

    failed = False
    async for health in wiring.examine(settings):
        failed = failed or not health.ok
        mark = typer.style("ok  ", fg="green") if health.ok else typer.style("FAIL", fg="red")
        typer.echo(f"{mark} {health.name}: {health.detail}")
    return failed
