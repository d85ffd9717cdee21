"""What `emoticon cache verify` finds among uploaded pictures."""

from dataclasses import asdict
from typing import Any

from emoticon.cli.account import visible
from emoticon.cli.environment import fail, run, settings_or_exit
from emoticon.domain.cache import Progress
from emoticon.domain.errors import EmoticonError
from emoticon.domain.sweeping import Examined
from emoticon.settings import Settings

_KIND = "originals"


def examine(*, repair: bool, age_s: int, on_progress: Progress) -> Examined:
    """Look at all of them, or end the program with one line that says why not."""
    return run(
        _examining(
            settings_or_exit(),
            repair=repair,
            age_ms=age_s * 1000,
            on_progress=lambda seen: on_progress(_KIND, seen, None),
        )
    )


def fields(found: Examined) -> dict[str, Any]:
    """Return it for a JSON document."""
    return {**asdict(found), "clean": found.clean}


def line(found: Examined) -> str:
    """Return it for people."""
    text = (
        f"{_KIND}: {found.intact} intact, {found.lost} lost, {found.given_up} that nobody shows,"
        f" {found.unknown} that the database does not know"
    )
    if found.repaired:
        text = f"{text}; {found.given_up + found.unknown} removed"
    if found.lost:
        # They cannot be drawn again: their owners see their style until they upload another.
        text = f"{text}; lost are those of accounts {', '.join(map(str, found.lost_of))}"
        text = f"{text} and more" if found.lost > len(found.lost_of) else text
    return text


def say_trouble(found: Examined) -> None:
    """Print why not all of them could be looked at, if that is so."""
    if found.trouble:
        fail(f"uploaded pictures are unavailable: {visible(found.trouble)}")


async def _examining(settings: Settings, **wishes: Any) -> Examined:
    from emoticon.wiring import StartError
    from emoticon.wiring.cache import open_sweeping

    try:
        async with open_sweeping(settings) as sweeping:
            return await sweeping.examine(**wishes)
    except (EmoticonError, StartError) as error:
        raise fail(str(error)) from None
