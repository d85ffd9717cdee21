"""`emoticon backup` and `emoticon restore`: everything that cannot be drawn again, in one file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from emoticon.cli.account import visible
from emoticon.cli.cache_reports import progress, size
from emoticon.cli.environment import WRONG_SETTINGS, fail, settings_or_exit
from emoticon.domain.backups import ORIGINALS_PART, BackupRefused, Manifest, Restored
from emoticon.domain.errors import EmoticonError
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging

_SHOWN = 20


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(backup)
    app.command()(restore)


def backup(
    file: Annotated[str, typer.Argument(metavar="FILE", help="Where to; `-` is standard output.")],
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace the file.")] = False,
) -> None:
    """Write accounts and signing key into one file, also beside a running service. Keep it as safe as they are.

    Cached pictures are left out: they are drawn again. Uploaded ones are in it where they lie in a directory; those in
    S3 and the like are to be kept by its own means.
    """
    target = None if file == "-" else Path(file)
    if target is None and sys.stdout.isatty():
        raise fail("a backup is not for a terminal: give a file, or a pipe", WRONG_SETTINGS)
    settings = _settings()

    from emoticon.wiring.backup import make_backup
    from emoticon.wiring.originals import originals_directory

    with _plainly(), progress() as on_progress:
        manifest = make_backup(settings, target, force=force, on_progress=on_progress)
    key = "with" if manifest.secret == "kept" else "without"  # noqa: S105 - where it is
    typer.echo(
        f"backup of {manifest.made_at}, schema {manifest.schema}: {size(manifest.size_bytes)} of accounts,"
        f" {key} the signing key{_originals(manifest)}",
        err=target is None,
    )
    if originals_directory(settings) is None:
        typer.echo("uploaded pictures are in a store of their own: it is to be kept, too", err=True)


def restore(
    file: Annotated[str, typer.Argument(metavar="FILE", help="A backup; `-` is standard input.")],
    *,
    force: Annotated[
        bool, typer.Option("--force", help="Replace the accounts that are there.")
    ] = False,
    bring_back_deleted: Annotated[
        bool,
        typer.Option(
            "--bring-back-deleted",
            help="Also bring back accounts that were deleted after the backup; else they stay deleted.",
        ),
    ] = False,
) -> None:
    """Set the accounts back to a backup, while no service runs. Everybody has to sign in again.

    The backup is verified before anything is touched; what fails leaves everything as it was.
    """
    settings = _settings()

    from emoticon.wiring.backup import restore_backup

    with _plainly(), progress() as on_progress:
        restored = restore_backup(
            settings,
            None if file == "-" else Path(file),
            force=force,
            bring_back_deleted=bring_back_deleted,
            on_progress=on_progress,
        )
    for line in _lines(restored, settings, bring_back_deleted=bring_back_deleted):
        typer.echo(line)


def _originals(manifest: Manifest) -> str:
    with_them = any(part.name == ORIGINALS_PART for part in manifest.parts)
    return ", with uploaded pictures" if with_them else ""


def _lines(restored: Restored, settings: Settings, *, bring_back_deleted: bool) -> list[str]:
    manifest, renewed = restored.manifest, restored.renewed
    lines = [
        f"accounts as they were at {manifest.made_at}: {renewed.accounts}{_originals(manifest)}",
        "all tokens and sessions have ended: everybody has to sign in again",
    ]
    if renewed.deleted_since:
        count = len(renewed.deleted_since)
        listed = ", ".join(map(str, renewed.deleted_since[:_SHOWN]))
        more = f" and {count - _SHOWN} more" if count > _SHOWN else ""
        fate = "are back" if bring_back_deleted else "stay deleted"
        lines.append(
            f"accounts that were deleted since then {fate} ({count}), by id: {listed}{more}"
        )
    elif not restored.present.known:
        lines.append(
            "no accounts were here to compare with: whoever was deleted since the backup is back, see"
            " `emoticon account delete`"
        )
    if manifest.secret == "kept" and settings.jwt_secret is not None:  # noqa: S105 - where it is
        lines.append("JWT_SECRET is given: the signing key of the backup was left in it")
    if restored.unreached:
        lines.append(
            f"not emptied, for it cannot be reached: {', '.join(restored.unreached)}; a running service does it"
        )
    return lines


def _settings() -> Settings:
    settings = settings_or_exit()
    configure_logging(settings.log_level, settings.log_format)
    return settings


@contextmanager
def _plainly() -> Iterator[None]:
    """Say what was refused in one line, and end the program."""
    from emoticon.wiring import StartError

    try:
        yield
    except (BackupRefused, StartError, EmoticonError) as error:
        raise fail(visible(str(error))) from None
