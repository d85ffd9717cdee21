"""`emoticon account`: what an operator does to accounts, beside a running service or without one."""

import json
import re
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, TypeVar

import typer

from emoticon.cli.environment import fail, run, settings_or_exit
from emoticon.domain import passwords
from emoticon.domain.errors import EmoticonError, UnknownAccount
from emoticon.domain.models import Account, Origin
from emoticon.domain.operators import Operators
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging

T = TypeVar("T")

_SHOWN = 20
_MOST_SHOWN = 1000
_WIDTHS = (10, 32, 24, 0)
_LINE_BYTES = passwords.MAX_BYTES

Name = Annotated[str, typer.Argument(metavar="NAME", help="The username, in any spelling.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON object a line.")]

account = typer.Typer(
    help="Accounts, for the operator; a running service follows within a second.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(account, name="account")


@account.command("list")
def list_accounts(*, as_json: AsJson = False) -> None:
    """List all accounts in the order of their ids."""
    _act("list", lambda operators: _list(operators, as_json=as_json))


@account.command()
def create(name: Name) -> None:
    """Make an account, also while sign-ups are closed.

    A terminal is asked for the password, twice; otherwise it is one line of standard input.
    """
    password = _password()
    made = _act("create", lambda operators: operators.create(name, password))
    typer.echo(f"{visible(made.username)} is created and has the id {made.id}")


@account.command()
def disable(name: Name) -> None:
    """Shut an account: nobody can sign in to it, and its tokens end."""
    _act("disable", lambda operators: operators.disable(name), name)
    typer.echo(f"{visible(name)} is disabled and signed out everywhere")


@account.command()
def enable(name: Name) -> None:
    """Open an account that was disabled."""
    _act("enable", lambda operators: operators.enable(name), name)
    typer.echo(f"{visible(name)} is enabled and can sign in")


@account.command()
def delete(
    name: Name,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask for the name again.")] = False,
) -> None:
    """Delete an account for good.

    Asks for its name again, on a terminal or not: one line of standard input.
    """
    _act("delete", lambda operators: operators.find(name), name)
    if not yes:
        typer.echo("This cannot be undone. The name again: ", nl=False, err=True)
        if _line() != name:
            raise fail("that is another name; nothing was deleted")
    _act("delete", lambda operators: operators.delete(name), name)
    typer.echo(f"{visible(name)} is deleted")


@account.command()
def sign_out(name: Name) -> None:
    """End all sessions of an account, and its tokens."""
    _act("sign-out", lambda operators: operators.sign_out(name), name)
    typer.echo(f"{visible(name)} is signed out everywhere")


@account.command()
def set_password(name: Name) -> None:
    """Give an account another password, and end all its sessions.

    A terminal is asked for the password, twice; otherwise it is one line of standard input.
    """
    _act("set-password", lambda operators: operators.find(name), name)  # before anybody types
    password = _password()
    _act("set-password", lambda operators: operators.set_password(name, password), name)
    typer.echo(f"{visible(name)} has another password and is signed out everywhere")


@account.command()
def audit(
    name: Name,
    count: Annotated[int, typer.Option(min=1, max=_MOST_SHOWN, help="At most so many.")] = _SHOWN,
    *,
    as_json: AsJson = False,
) -> None:
    """Show what happened to an account, the newest first: when, what, from where, with what, which request."""
    entries = _act("audit", lambda operators: operators.audit(name, count), name)
    rows = [
        {
            "time": _utc(entry.at),
            "event": entry.event.value,
            "address": entry.origin.address,
            "user_agent": entry.origin.user_agent,
            "request_id": entry.origin.request_id,
        }
        for entry in entries
    ]
    if as_json:
        for row in rows:
            typer.echo(json.dumps(row))
        return
    head = ("time", "event", "address", "user agent", "request id")
    table: list[tuple[str, ...]] = [head]
    table += [tuple(visible(cell) or "-" for cell in row.values()) for row in rows]
    widths = [max(map(_width, column)) for column in zip(*table, strict=True)]
    for cells in table:
        typer.echo(_columns(cells, widths))


def visible(text: str) -> str:
    """Return the text with everything escaped that would not be seen, or that a terminal would obey."""
    return "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode() for char in text
    )


async def _list(operators: Operators, *, as_json: bool) -> None:
    if not as_json:
        typer.echo(_columns(("id", "username", "created", "state"), _WIDTHS))
    count = 0
    async for found in operators.all():
        count += 1
        typer.echo(json.dumps(_fields(found)) if as_json else _row(found))
    if not as_json:
        typer.echo(f"{count} account{'' if count == 1 else 's'}")


def _fields(found: Account) -> dict[str, str | int]:
    return {
        "id": found.id,
        "username": found.username,
        "created_at": _utc(found.created_at),
        "state": "active" if found.disabled_at is None else "disabled",
    }


def _row(found: Account) -> str:
    return _columns([visible(str(value)) for value in _fields(found).values()], _WIDTHS)


def _columns(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [
        cell + " " * (width - _width(cell)) for cell, width in zip(cells, widths, strict=True)
    ]
    return "  ".join(padded).rstrip()


def _width(cell: str) -> int:
    """Return how many columns of a terminal the text takes."""
    from rich.cells import cell_len

    return cell_len(cell)


def _utc(time_ms: int) -> str:
    return (
        datetime.fromtimestamp(time_ms / 1000, UTC)
        .isoformat(timespec="milliseconds")
        .replace("+00:00", "Z")
    )


def _password() -> str:
    """Return what a person types twice, unseen, or a program sends as one line."""
    if sys.stdin.isatty():
        password: str = typer.prompt(
            "Password",
            default="",
            show_default=False,
            hide_input=True,
            confirmation_prompt="The same again",
            err=True,
        )
    else:
        password = _line()
    if not password:
        raise fail("the password is empty")
    return password


def _line() -> str:
    """Return one line of standard input without its end; nothing of it is ever repeated."""
    read = sys.stdin.buffer.readline(_LINE_BYTES + 3)  # one too many, and the end of the line
    line = re.sub(rb"\r?\n\Z", b"", read)
    if len(line) > _LINE_BYTES:
        raise fail(f"the line of standard input is longer than {_LINE_BYTES} bytes")
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise fail("standard input is not text in UTF-8") from None


def _act(command: str, act: Callable[[Operators], Awaitable[T]], name: str = "") -> T:
    """Do it, and return what comes of it or end the program with one line that says why not."""
    settings = settings_or_exit()
    configure_logging(settings.log_level, settings.log_format)
    return run(_acting(settings, command, act, name))


async def _acting(
    settings: Settings, command: str, act: Callable[[Operators], Awaitable[T]], name: str
) -> T:
    from emoticon.wiring import StartError, open_operators

    origin = Origin(user_agent=f"emoticon account {command}")
    try:
        async with open_operators(settings, origin) as (operators, _):
            return await act(operators)
    except UnknownAccount:
        raise fail(f"no account is called {visible(name)}") from None
    except (EmoticonError, StartError) as error:
        raise fail(str(error)) from None
