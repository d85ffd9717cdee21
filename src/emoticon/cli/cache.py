"""`emoticon cache`: the pictures that outlive a process, beside a running service or without one."""

from collections.abc import Sequence
from typing import Annotated

import typer

from emoticon.cli import cache_originals, cache_purge, cache_warm, simulate
from emoticon.cli.account import visible
from emoticon.cli.cache_reports import act, end, number, pictures, progress, size, table, tell
from emoticon.cli.environment import WRONG_SETTINGS, fail
from emoticon.domain.cache import Cache, Left, Standing, Verified

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document on one line.")]

cache = typer.Typer(
    help="Cached pictures: the shared tier, and the disk tier of this data directory. Memory belongs to the running"
    " services.",
    no_args_is_help=True,
)


def register(app: typer.Typer) -> None:
    """Add the group of commands."""
    app.add_typer(cache, name="cache")


@cache.command()
def stats(*, as_json: AsJson = False) -> None:
    """Show how large each tier is, and how many erasures are not done there yet."""
    found = act(lambda cache: cache.stats())
    if as_json:
        tell(found, lambda standing: {"share_used": _share(standing)})
    else:
        head = ("tier", "pictures", "used", "limit", "share", "erasures pending")
        typer.echo(table([head, *map(_row, found)]))
    raise end(found)


@cache.command()
def verify(
    owner: Annotated[
        str | None,
        typer.Option(
            metavar="NAME_OR_ID",
            help="Only say what is left of this account; `id:7` for an id that is also a name.",
        ),
    ] = None,
    *,
    repair: Annotated[
        bool,
        typer.Option(
            "--repair",
            help="Delete what is damaged or belongs to an account long gone, and uploaded pictures that nobody shows.",
        ),
    ] = False,
    older_than_s: Annotated[
        int,
        typer.Option(
            min=0,
            max=86_400,
            help="Leave uploads alone that are younger than so many seconds: they may be under way.",
        ),
    ] = 60,
    as_json: AsJson = False,
) -> None:
    """Read every picture and check that it is as it was written; or prove that nothing of an account is left.

    Uploaded pictures are read, too. What is lost of them cannot be repaired: it is said whose they are.

    The status is 0 only when every tier could be asked and all is well: nothing wrong, or nothing left of the account.
    """
    if owner is not None and repair:
        raise fail("--owner only looks: give no --repair, but see purge", WRONG_SETTINGS)
    if owner is not None:
        raise _verify_owner(owner, as_json=as_json)
    with progress() as on_progress:
        found = act(lambda cache: cache.verify(repair=repair, on_progress=on_progress))
        originals = cache_originals.examine(
            repair=repair, age_s=older_than_s, on_progress=on_progress
        )
    clean = all(verified.clean for verified in found) and originals.clean
    if as_json:
        whole = {"clean": clean, "originals": cache_originals.fields(originals)}
        tell(found, lambda verified: {"clean": verified.clean}, **whole)
    else:
        for verified in found:
            typer.echo(_verified(verified, repair=repair))
        typer.echo(cache_originals.line(originals))
    cache_originals.say_trouble(originals)
    raise end(found, well=clean)


@cache.command()
def compact() -> None:
    """Give back the room on disk that is not needed any more; a service may be running."""
    found = act(lambda cache: cache.compact())
    for compacted in [compacted for compacted in found if not compacted.trouble]:
        typer.echo(f"{compacted.tier}: {compacted.given_back_bytes} bytes given back")
    raise end(found)


def _verify_owner(name: str, *, as_json: bool) -> typer.Exit:
    async def ask(cache: Cache) -> tuple[int, list[Left]]:
        owner = await cache.owner(name)
        return owner, await cache.left_of(owner)

    owner, found = act(ask, name)
    nothing = all(left.nothing for left in found)
    confirmed = nothing and not any(left.erasure_pending for left in found)
    if as_json:
        tell(found, owner=owner, nothing_left=nothing, confirmed=confirmed)
    else:
        for left in found:
            typer.echo(f"{left.tier}: {_left(left)}")
        typer.echo(f"{visible(name)} (account {owner}): {_verdict(found, confirmed=confirmed)}")
    return end(found, well=nothing)


def _left(left: Left) -> str:
    if left.pictures is None:
        return "not known"
    erasure = "an erasure is not confirmed yet" if left.erasure_pending else "no erasure is pending"
    return f"{pictures(left.pictures)}, {erasure}"


def _verdict(found: Sequence[Left], *, confirmed: bool) -> str:
    if count := sum(left.pictures or 0 for left in found):
        return f"{pictures(count)} left"
    if any(left.pictures is None for left in found):
        return "not known of every tier"
    if not confirmed:
        return (
            "nothing is left now; a running service confirms it by erasing once more after a minute,"
            " in case something was written late"
        )
    return "nothing is left"


def _verified(verified: Verified, *, repair: bool) -> str:
    text = (
        f"{verified.tier}: {verified.intact} intact, {verified.damaged} damaged,"
        f" {verified.orphans} of accounts long gone, {verified.awaiting_erasure} awaiting their erasure"
    )
    return f"{text}; {verified.removed} removed" if repair else text


def _row(standing: Standing) -> tuple[str, ...]:
    share = _share(standing)
    return (
        standing.tier,
        number(standing.pictures),
        size(standing.used_bytes),
        "none" if standing.limit_bytes == 0 else size(standing.limit_bytes),
        "-" if share is None else f"{share:.1%}",
        number(standing.erasures_pending),
    )


def _share(standing: Standing) -> float | None:
    if standing.used_bytes is None or not standing.limit_bytes:
        return None
    return round(standing.used_bytes / standing.limit_bytes, 4)


for command in (cache_warm, cache_purge, simulate):
    command.register(cache)
