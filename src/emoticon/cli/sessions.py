"""`emoticon sessions`: what is kept of sign-ins."""

import typer

from emoticon.cli.environment import fail, run, settings_or_exit
from emoticon.domain.errors import EmoticonError
from emoticon.domain.models import Origin
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging

sessions = typer.Typer(help="Sessions: what is kept of sign-ins.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(sessions, name="sessions")


@sessions.command()
def prune() -> None:
    """Forget what is over - sessions, links, audit, accounts, uploads - as a service does each hour.

    EMOTICON_AUDIT_DAYS and EMOTICON_NAME_HOLD_DAYS say how long they are kept.
    """
    settings = settings_or_exit()
    configure_logging(settings.log_level, settings.log_format)
    gone = run(_prune(settings))
    typer.echo("pruned: " + ", ".join(f"{kind} {count}" for kind, count in gone.items()))


async def _prune(settings: Settings) -> dict[str, int]:
    from rich.console import Console

    from emoticon.wiring import StartError, open_operators

    try:
        async with open_operators(settings, Origin()) as (_, housekeeping):
            with Console(stderr=True).status("pruning") as status:
                return await housekeeping.prune(
                    lambda kind, so_far: status.update(f"pruning: {kind} {so_far}")
                )
    except (EmoticonError, StartError) as error:
        raise fail(str(error)) from None
