"""`emoticon cache purge`: delete pictures by owner, style or age, after a dry run."""

import re
import time
from collections.abc import Callable
from difflib import get_close_matches
from typing import Annotated

import typer

from emoticon.cli.account import visible
from emoticon.cli.cache_reports import act, end, pictures, progress
from emoticon.cli.environment import WRONG_SETTINGS, fail
from emoticon.domain.cache import Cache, Purged
from emoticon.domain.keeping import Kept
from emoticon.domain.pictures import style_tag

_AGE = re.compile(r"([0-9]{1,6})([mhdw])")
_UNIT_S = {"m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


def register(group: typer.Typer) -> None:
    """Add the command."""
    group.command()(purge)


def purge(
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_ID",
            help="All of this account; of a deleted one its id, `id:7` if that is also a name.",
        ),
    ] = None,
    style: Annotated[
        str | None, typer.Option(help="All of this style; see `emoticon styles`.")
    ] = None,
    older_than: Annotated[
        str | None,
        typer.Option(metavar="AGE", help="All drawn longer ago than this: 90m, 12h, 30d, 8w."),
    ] = None,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; else only say what would go.")] = False,
) -> None:
    """Delete pictures by one criterion. They are drawn anew when somebody asks for them.

    With --owner every running node forgets, its memory too, within about a second. With the others, pictures in the
    memory of running services stay until newer ones push them out.
    """
    if [owner, style, older_than].count(None) != 2:  # noqa: PLR2004 - two of three are not given
        raise fail("give one of --owner, --style and --older-than", WRONG_SETTINGS)
    if owner is not None:
        found = _erase(owner, yes=yes)
    else:
        goes = _older(older_than) if style is None else _of_style(style)
        with progress() as on_progress:
            found = act(lambda cache: cache.purge(goes, apply=yes, on_progress=on_progress))
    for purged in found:
        typer.echo(_line(purged, yes=yes))
    typer.echo(_outcome(owner, yes=yes))
    raise end(found)


def _erase(name: str, *, yes: bool) -> list[Purged]:
    async def erase(cache: Cache) -> list[Purged]:
        return await cache.erase(await cache.owner(name), apply=yes)

    return act(erase, name)


def _line(purged: Purged, *, yes: bool) -> str:
    if yes:
        return f"{purged.tier}: {pictures(purged.removed)} deleted"
    return f"{purged.tier}: {pictures(purged.found)} would go"


def _outcome(owner: str | None, *, yes: bool) -> str:
    if not yes:
        return "nothing was deleted; the same with --yes does it"
    if owner is None:
        return "pictures in the memory of running services stay until newer ones push them out"
    return (
        "the erasure is written: every running node forgets, its memory too, within about a second;"
        f" see `emoticon cache verify --owner {visible(owner)}`"
    )


def _of_style(style: str) -> Callable[[Kept], bool]:
    from emoticon.wiring.cache import style_names

    known = style_names()
    if style not in known:
        close = get_close_matches(style, known)
        hint = f"did you mean {' or '.join(close)}?" if close else "`emoticon styles` lists them"
        raise fail(f"{visible(style)} is not a style; {hint}", WRONG_SETTINGS)
    tag = style_tag(style)
    return lambda kept: kept.label.style_tag == tag


def _older(age: str | None) -> Callable[[Kept], bool]:
    match = _AGE.fullmatch(age or "")
    if match is None:
        raise fail("an age is a number and m, h, d or w: 90m, 12h, 30d, 8w", WRONG_SETTINGS)
    before_s = time.time() - int(match[1]) * _UNIT_S[match[2]]
    return lambda kept: kept.drawn_at_s < before_s
