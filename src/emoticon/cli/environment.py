"""What every command does first: read the settings, say plainly what is wrong with them."""

import os
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog
import typer

from emoticon.settings import Settings, SettingsError, load_settings, unknown_variables

T = TypeVar("T")

WRONG_SETTINGS = 2
CANNOT_START = 1
_NOT_SETTINGS = {"EMOTICON_TEST_REQUIRE"}


def settings_or_exit(**given: Any) -> Settings:
    """Return the settings, or end the program with status 2 and a line for each wrong value."""
    try:
        return load_settings(**given)
    except SettingsError as error:
        for line in error.lines:
            typer.echo(f"emoticon: {line}", err=True)
        raise typer.Exit(WRONG_SETTINGS) from None


def warn_of_unknown_variables() -> None:
    """Log each variable that looks like a setting and is none: a typing error would otherwise go unnoticed."""
    log = structlog.get_logger("emoticon")
    for name, resembles in unknown_variables(os.environ).items():
        if name in _NOT_SETTINGS:
            continue
        hint = f"; did you mean {resembles}?" if resembles else ""
        log.warning(f"{name} is not a setting of this version and has no effect{hint}")  # noqa: G004 - no data


def fail(message: str, status: int = CANNOT_START) -> typer.Exit:
    """Print why the program ends, and return what to raise."""
    typer.echo(f"emoticon: {message}", err=True)
    return typer.Exit(status)


def run(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on the fast event loop."""
    import asyncio

    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(main)
