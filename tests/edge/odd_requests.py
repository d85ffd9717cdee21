"""Odd requests, the same to nginx and to the service, and whether both answer the same.

`python -m tests.edge.odd_requests 100000` tries as many.
"""

import random
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote, urlsplit

from tests.attacks.world import Pair, until
from tests.edge.conftest import Front, front
from tests.edge.lines import Line
from tests.edge.odd_links import Share, odd_link, revoke, share

COOKIE = "__Host-emoticon"
REFUSALS = {400, 405, 413, 414, 431}
"""What nginx may say of a request that the service would take, for it knows HTTP more strictly."""
LINKS = 0.4
"""The share of requests for pictures of share links."""
BELIEVED_S = 3.0
"""How long nginx believes what it was told about a token, where it asks; see deploy/nginx/nginx-auth-request.conf."""


@dataclass
class People:
    """Who asks: two with good tokens, and tokens that were good; and share links, some of them revoked."""

    alice: Pair
    bob: Pair
    dead: Sequence[str]
    links: Sequence[Share]
    gone: Sequence[Share]
    tags: list[str] = field(default_factory=list)


def people(started: Front) -> People:
    """Make accounts whose pictures are published."""
    world = started.world
    old, leaver = world.sign_up(), world.sign_up()
    alice, bob = world.refresh(old), world.sign_up()
    started.get(leaver)
    world.sign_out(leaver)
    until(lambda: started.get(leaver).status_code, 401, within_s=BELIEVED_S)
    links = [
        share(started, alice),
        share(started, bob),
        share(started, bob, sizes=[64, 256], expires_in=86_400),
    ]
    gone = [share(started, alice)]
    for each in (*links, *gone):
        for query in ("", "?size=64", "?v=V", "?size=64&v=V"):
            started.client.get(each.path(query))
    revoke(started, alice, gone[0])
    made = People(alice, bob, (old.at, leaver.at), links, gone)
    for pair in (alice, bob):
        for query in ("", "&size=64", "&format=svg", "&size=32&format=webp"):
            made.tags.append(started.get(pair, query).headers["etag"])
    made.tags.append(started.client.get(links[0].path("?size=64")).headers["etag"])
    return made


def odd_request(dice: random.Random, who: People) -> bytes:
    """Make up a request that is at most a few steps from one that is published."""
    asker = dice.choice((who.alice, who.alice, who.bob))
    by_link = dice.random() < LINKS
    target = odd_link(dice, who.links, who.gone) if by_link else _target(dice, who, asker)
    lines = [f"{_method(dice)} {target} HTTP/1.1", "Host: edge"]
    lines += _identity(dice, who, asker)
    if dice.random() < 0.3:
        lines.append(f"If-None-Match: {_tag(dice, who)}")
    lines += dice.sample(_MORE, dice.choice((0, 0, 0, 0, 1, 2)))
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


_MORE = (
    "Range: bytes=0-9",
    "Range: bytes=5-2,0-0,-1",
    'If-Range: "1-1"',
    "If-Modified-Since: Thu, 31 Dec 2099 23:59:59 GMT",
    "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
    'If-Match: "1-1"',
    "If-Match: *",
    "Accept: image/avif",
    "Accept-Encoding: gzip, br",
    "X-Forwarded-Host: evil.example",
    "X-Forwarded-For: 10.0.0.1",
    "X-Original-URL: /auth/user",
    "X-Rewrite-URL: /auth/user",
    "X-Accel-Redirect: /etc/passwd",
    "X-HTTP-Method-Override: DELETE",
    "Content-Length: 0",
    "Sec-Fetch-Site: cross-site",
    "Sec-Fetch-Site: same-origin",
    "Sec-Fetch-Mode: navigate",
    "Origin: https://evil.example",
    "X-Request-ID: |\\x",
    "Upgrade: h2c",
)


def _method(dice: random.Random) -> str:
    return dice.choice(("GET",) * 30 + ("HEAD", "HEAD", "OPTIONS", "DELETE", "PURGE"))


def _target(dice: random.Random, who: People, asker: Pair) -> str:
    path = dice.choice(
        ("/emoticon/",) * 60
        + (
            *(
                "/emoticon",
                "/emoticon%2f",
                "/emoticon%2F",
                "//emoticon/",
                "/./emoticon/",
                "/emoticon//",
            ),
            *(
                "/x/../emoticon/",
                "/%65moticon/",
                "/Emoticon/",
                "/emoticon/.",
                "/emoticon/;x",
                "/emoticon/%00",
            ),
            *(
                "http://edge/emoticon/",
                "/lease/none/",
                "/.problem/400",
                "/emoticon/..%2f..%2fetc%2fpasswd",
            ),
        )
    )
    name = dice.choice((asker.username,) * 50 + _names(who, asker))
    parts = [f"username={name}"]
    if dice.random() < 0.5:
        parts.append(f"size={dice.choice(_SIZES)}")
    if dice.random() < 0.5:
        parts.append(f"format={dice.choice(_FORMATS)}")
    if dice.random() < 0.1:
        parts.append(
            dice.choice(
                (*parts, "username=" + who.bob.username, "x=1", "", "size=64", "format=png")
            )
        )
    if dice.random() < 0.1:
        dice.shuffle(parts)
    return (
        path
        + dice.choice(("?",) * 20 + ("??", "", "?&"))
        + "&".join(parts)
        + dice.choice(("",) * 20 + ("&", "#x"))
    )


_SIZES = (
    *("64",) * 4,
    *("32",) * 3,
    "128",
    "16",
    "512",
    "15",
    "513",
    "064",
    "+64",
    "64.0",
    "6%34",
    "0",
    "",
    "-1",
    "9" * 9,
)
_FORMATS = (
    *("png",) * 4,
    *("svg",) * 3,
    *("webp",) * 3,
    "auto",
    "PNG",
    "pn%67",
    "",
    "exe",
    "../png",
    "svg%00.png",
)


def _names(who: People, asker: Pair) -> tuple[str, ...]:
    own, other = asker.username, (who.bob if asker is who.alice else who.alice).username
    return (
        *(
            other,
            "",
            own.upper(),
            own.capitalize(),
            quote(own[0]) + own[1:],
            f"%{ord(own[0]):02x}{own[1:]}",
        ),
        *(
            "..",
            "../" + other,
            f"{own}%00",
            f"{own}~64.png",
            f"{own}/../{other}",
            f"{own}+",
            "a" * 40,
            f"{own}%0a",
        ),
    )


def _identity(dice: random.Random, who: People, asker: Pair) -> list[str]:
    token = dice.choice(
        (asker.at,) * 20 + (_changed(dice, asker.at), dice.choice(who.dead), "a.b.c", "")
    )
    other = (who.bob if asker is who.alice else who.alice).at
    bearer = f"Authorization: Bearer {token}"
    cookie = f"Cookie: {COOKIE}={token}"
    return dice.choice(
        ([bearer],) * 50
        + ([cookie],) * 20
        + (
            [],
            [bearer.replace("Bearer", "bEARER")],
            [bearer.replace(" B", "  B")],
            [bearer.replace("r ", "r  ", 1)],
            [bearer.replace("r ", "r\t", 1)],
            [f"{bearer} x"],
            [f"{bearer},"],
            [bearer, bearer],
            [bearer, cookie],
            [bearer, f"Cookie: {COOKIE}={other}"],
            [bearer, "Cookie: a=b"],
            [f"Authorization: Basic {token}", cookie],
            ["Authorization:", cookie],
            [f"Cookie: a=b; {COOKIE}={token}; c=d"],
            [f"Cookie: a=b;{COOKIE}={token}"],
            [f"Cookie: {COOKIE} = {token}"],
            [f"Cookie: {COOKIE}={token}; {COOKIE}={token}"],
            [f"Cookie: {COOKIE}={token}; {COOKIE}={other}"],
            [cookie, f"Cookie: {COOKIE}={other}"],
            [f"Cookie: \xa0{COOKIE}={token}; {COOKIE}={other}"],
            [f"Cookie: x{COOKIE}={token}"],
            [f'Cookie: {COOKIE}="{token}"'],
        )
    )


def _changed(dice: random.Random, token: str) -> str:
    at = dice.randrange(len(token))
    return dice.choice(
        (
            token[:at] + dice.choice("Aa0-_.~/=%") + token[at + 1 :],
            token[:at] + token[at + 1 :],
            token[:at],
            token + "=",
            token + ".x",
            "." + token,
            token.replace(".", "..", 1),
        )
    )


def _tag(dice: random.Random, who: People) -> str:
    tag = dice.choice(who.tags)
    return dice.choice(
        (tag,) * 6
        + (
            f"W/{tag}",
            "*",
            '"1-1"',
            f'"1-1", {tag}',
            tag.strip('"'),
            f" {tag} ",
            "W/*",
            "",
            f"{tag},",
            tag.upper(),
        )
    )


def compare(started: Front, count: int, seed: int = 0) -> Counter[int]:
    """Send so many requests to both, and return how often nginx answered with which status.

    Raises AssertionError with the request at the first difference that matters.
    """
    port = urlsplit(started.world.nodes[0].url).port
    assert port is not None
    dice, statuses, who = random.Random(seed), Counter[int](), people(started)  # noqa: S311 - repeatable
    with closing(Line(started.nginx.port)) as nginx, closing(Line(port)) as service:
        for number in range(count):
            if number % 20_000 == 19_999:
                who = people(started)  # before the tokens end
            request = odd_request(dice, who)
            # The service first: what it publishes is there when nginx is asked.
            expected = service.ask(request)
            for _ in range(2):
                got = nginx.ask(request)
                if got.status in REFUSALS and got.status != expected.status:
                    assert b"problem+json" in b"".join(got.headers), request
                else:
                    assert got == expected, (request, got, expected)
            statuses[got.status] += 1
    return statuses


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as home, front(Path(home)) as one:
        print(compare(one, int(sys.argv[1]), int(sys.argv[2]) if sys.argv[2:] else 0))  # noqa: T201
