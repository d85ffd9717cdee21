"""What nginx would find in a published tree, by the same way through it."""

import os
from pathlib import Path

from tests.accounts import ManualClock

from emoticon.domain.models import Format, Grant


def grant_of(
    number: int = 1,
    *,
    account_id: int = 1,
    username: str = "ann",
    size_px: int = 128,
    life_s: int = 600,
    clock: ManualClock | None = None,
) -> Grant:
    """Return a grant for a token of its own, in the form of a real one."""
    token = f"{'h' * 74}.{'p' * 242}.{number:043}"
    now_s = (clock or ManualClock()).ms // 1000
    return Grant(token, account_id, username, size_px, Format.PNG, now_s + life_s)


def link_grant_of(
    number: int = 1,
    *,
    account_id: int = 1,
    version: str = "",
    size_px: int = 128,
    life_s: int = 600,
    clock: ManualClock | None = None,
) -> Grant:
    """Return a grant for a share link of its own."""
    now_s = (clock or ManualClock()).ms // 1000
    return Grant(f"{number:043}", account_id, version, size_px, Format.PNG, now_s + life_s)


def way(directory: Path, clock: ManualClock, grant: Grant) -> Path:
    """Return where nginx looks, as deploy/nginx/published.conf has it."""
    leased = directory / "published" / "lease" / str(clock.ms // 10_000)
    wish = f"~{grant.username}~{grant.size_px}.{grant.format}"
    if "." not in grant.token:
        return leased / grant.token / "link" / f"e{wish}"
    header, payload, signature = grant.token.split(".")
    return leased / signature / f"{header}.{payload[:160]}" / f"{payload[160:]}{wish}"


def found(directory: Path, clock: ManualClock, grant: Grant) -> bytes | None:
    """Return what nginx would answer, None when it would ask the service."""
    try:
        return way(directory, clock, grant).read_bytes()
    except FileNotFoundError:
        return None


def entries(directory: Path) -> list[str]:
    """Return all that is in the tree but for its first directories, the leases, and the windows in which tokens end."""
    root = directory / "published"
    return sorted(
        f"{place}/{name}".removeprefix(f"{root}/")
        for place, directories, files in os.walk(root)
        for name in [*directories, *files]
        if Path(place) != root and not place.endswith(("/lease", "/ends"))
    )
