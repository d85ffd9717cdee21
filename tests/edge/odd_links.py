"""Odd URLs of share links, at most a few steps from one that is published."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.attacks.world import Node, Pair
from tests.edge.conftest import Front


@dataclass(frozen=True)
class Share:
    """A link: its token, and the version of what it shows now."""

    id: str
    token: str = field(repr=False)
    version: str

    def path(self, query: str = "", kind: str = "png") -> str:
        """Return the URL of its picture; in the query, V stands for the version."""
        return f"/e/{self.token}.{kind}{query.replace('V', self.version)}"


def share(started: Front, pair: Pair, **wish: Any) -> Share:
    """Make a link."""
    answer = started.world.send("POST", "/emoticon/links", at=pair.at, json=wish)
    assert answer.status_code == 201, answer.text
    made = answer.json()
    token = made["url"].removeprefix("/e/").removesuffix(".png")
    return Share(made["id"], token, made["version"])


def revoke(started: Front, pair: Pair, shared: Share, node: Node | None = None) -> None:
    """Take a link back."""
    target = f"/emoticon/links/{shared.id}"
    answer = started.world.send("DELETE", target, at=pair.at, node=node)
    assert answer.status_code == 204, answer.text


def odd_link(dice: random.Random, good: Sequence[Share], gone: Sequence[Share]) -> str:
    """Make up a URL."""
    shared = dice.choice((*good, *good, *good, *gone))
    token = dice.choice((shared.token,) * 15 + (_changed(dice, shared.token),))
    path = dice.choice(("/e/",) * 40 + _PATHS) + token + dice.choice((".",) * 30 + _DOTS)
    path += dice.choice(_KINDS)
    parts = [
        *dice.choice(([],) * 4 + (["size=64"],) * 4 + tuple([f"size={size}"] for size in _SIZES)),
        *dice.choice(([],) * 3 + ([f"v={shared.version}"],) * 4 + tuple([each] for each in _MORE)),
    ]
    if dice.random() < 0.05:
        parts += [*parts[:1], dice.choice(("x=1", "", "size=64", f"v={shared.version}"))]
    if dice.random() < 0.05:
        dice.shuffle(parts)
    if not parts:
        return path + dice.choice(("",) * 20 + ("?", "?&", "??", "%3f", "#x"))
    return path + dice.choice(("?",) * 30 + ("??", "?&", "%3F")) + "&".join(parts)


_PATHS = (
    *("/%65/", "/E/", "//e/", "/e//", "/./e/", "/e/./", "/x/../e/", "/e/x/../", "/e/%2e/", "/e%2f"),
    *("/e%2F", "/e/../e/", "http://edge/e/", "/e/;x/", "/lease/none/", "/e", "/e/%00", "/e/-"),
)
_DOTS = ("", "..", "%2e", "%2E", "/.", ".%00", "/link/e~~128.", "/link/e~~64.", ";x.", "~.")
_KINDS = (
    *("png",) * 24,
    *("svg",) * 6,
    *("webp",) * 6,
    *("PNG", "pn%67", "gif", "", "png/", "png.svg", "svg%00.png", "png;x", "../png", "html"),
)
_SIZES = ("128", "32", "15", "513", "064", "+64", "64.0", "6%34", "0", "", "-1", "9" * 9)
_MORE = ("v=", "v=0123456789ab", "v=0123456789AB", "v", "V=0123456789ab", "x=1", "v=~", "v=../..")


def _changed(dice: random.Random, token: str) -> str:
    at = dice.randrange(len(token))
    return dice.choice(
        (
            token[:at] + dice.choice("Aa0-_.~/=") + token[at + 1 :],
            token[:at] + token[at + 1 :],
            f"{token[:at]}%{ord(token[at]):02x}{token[at + 1 :]}",
            f"{token[:at]}%{ord(token[at]):02X}{token[at + 1 :]}",
            token[:at],
            token + "=",
            token + "A",
            token[:-1] + dice.choice("AEIMQUYcgkosw048"),
        )
    )
