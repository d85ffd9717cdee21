"""The command `emoticon`. Each command imports what it needs when it runs, so that help comes at once."""

from typing import Annotated

import typer

from emoticon import __version__
from emoticon.cli import (
    account,
    backup,
    cache,
    config,
    doctor,
    looks,
    migrate,
    render,
    serve,
    sessions,
)

app = typer.Typer(
    help="Self-hosted emoticons (avatars) for the accounts of a product.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for group in (serve, migrate, account, sessions, looks, backup, cache, render, doctor, config):
    group.register(app)


def _version(wanted: bool) -> None:  # noqa: FBT001 - typer's form of a callback
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def emoticon(
    *,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
) -> None:
    """Self-hosted emoticons (avatars) for the accounts of a product."""
