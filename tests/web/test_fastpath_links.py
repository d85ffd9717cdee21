"""What the fast path answers of share links, what it leaves to the route, and when it stops."""

import json
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from tests.web.browser import ACCESS
from tests.web.conftest import PASSWORD, Person, bearer
from tests.web.doors import Door, open_door
from tests.web.exchanges import Header, Request, exchange

from emoticon.domain.services import Services
from emoticon.settings import Settings

REQUESTS = 1500


@dataclass(frozen=True)
class Share:
    """A link: where its picture is, and what pictures it shows now."""

    id: str
    place: str
    version: bytes

    def request(self, query: bytes = b"", kind: str = "png", *headers: Header) -> Request:
        """Return a request for its picture; in the query, V stands for the version."""
        query = query.replace(b"V", self.version)
        return Request(path=f"{self.place}.{kind}", query=query, headers=headers)


async def shared(person: Person, **wish: Any) -> Share:
    """Make a link."""
    answer = await person.client.post("/emoticon/links", json=wish, headers=bearer(person.token))
    assert answer.status_code == 201
    made = answer.json()
    return Share(made["id"], made["url"].removesuffix(".png"), made["version"].encode())


@pytest.fixture
async def door(settings: Settings, services: Services) -> AsyncGenerator[Door]:
    async with open_door(settings, services) as opened:
        yield opened


@pytest.fixture
async def link(person: Person) -> Share:
    return await shared(person)


@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize("kind", ["png", "svg", "webp"])
@pytest.mark.parametrize("query", [b"", b"size=64", b"v=V", b"size=64&v=V"])
async def test_every_header_is_the_route_s_in_its_order(
    door: Door, link: Share, method: str, kind: str, query: bytes
) -> None:
    named = (b"x-request-id", b"one-of-these")
    request = replace(link.request(query, kind, named), method=method)
    by_route, hit = await door.ask(request)
    assert (by_route.status, hit) == (200, False)
    by_edge, hit = await door.ask(request)
    assert (by_edge, hit) == (by_route, True)
    assert (by_edge.body == b"") == (method == "HEAD")
    tag = by_edge.header(b"etag") or b""
    conditional = link.request(query, kind, named, (b"if-none-match", tag))
    by_edge, hit = await door.ask(conditional)
    assert (by_edge.status, hit) == (304, True)
    by_route, hit = await door.ask(replace(conditional, query=b"x=&" + conditional.query))
    assert (by_route, hit) == (by_edge, False)


async def test_only_the_url_of_a_version_says_that_the_picture_lasts(
    door: Door, link: Share
) -> None:
    for _ in range(2):
        plain, _ = await door.ask(link.request())
        lasting, _ = await door.ask(link.request(b"v=V"))
        assert b"immutable" not in (plain.header(b"cache-control") or b"")
        assert b"immutable" in (lasting.header(b"cache-control") or b"")
        assert plain.body == lasting.body


@pytest.mark.parametrize(
    "headers",
    [
        ((b"authorization", b"Bearer x"),),
        ((b"authorization", b"Basic x"), (b"sec-fetch-site", b"cross-site")),
        ((b"cookie", ACCESS.encode() + b"=x"),),
        ((b"origin", b"https://evil.example"), (b"referer", b"https://evil.example")),
    ],
)
async def test_who_asks_has_no_say(door: Door, link: Share, headers: tuple[Header, ...]) -> None:
    first, _ = await door.ask(link.request())
    again, by_edge = await door.ask(link.request(b"", "png", *headers))
    assert by_edge
    assert again.without(b"x-request-id") == first.without(b"x-request-id")


@pytest.mark.parametrize(
    "query",
    [
        *(b"v=V&size=128", b"size=128&", b"size=128&x=1", b"size=128&size=128", b"v=", b"size="),
        *(b"size=128&v=", b"&", b"size=12%38", b"v=0123456789ab", b"size=128v=V", b"V=V"),
    ],
)
async def test_every_other_query_goes_to_the_route(door: Door, link: Share, query: bytes) -> None:
    for each in (b"", b"size=128", b"v=V", b"size=128&v=V"):
        await door.ask(link.request(each))
    _, by_edge = await door.ask(link.request(query))
    assert not by_edge


async def test_of_another_spelling_of_the_path_nothing_is_known(door: Door, link: Share) -> None:
    await door.ask(link.request())
    path = f"{link.place}.png"
    for other in (f"{path}/", f"{path}x", path.replace("/e/", "/e//"), path[:-5], f"{path}\n"):
        answer, by_edge = await door.ask(Request(path=other))
        assert (answer.status, by_edge) == (404, False)


async def test_the_token_of_a_link_is_no_access_token(
    door: Door, person: Person, link: Share
) -> None:
    for query in (b"", b"v=V"):
        await door.ask(link.request(query))
    token = link.place.rpartition("/")[2].encode()
    for name in (link.version, person.username.encode()):
        for header in (
            (b"authorization", b"Bearer " + token),
            (b"cookie", ACCESS.encode() + b"=" + token),
        ):
            answer, by_edge = await door.ask(Request(query=b"username=" + name, headers=(header,)))
            assert (answer.status, by_edge) == (401, False)


async def by_revocation(person: Person, link: Share) -> None:
    answer = await person.client.delete(f"/emoticon/links/{link.id}", headers=bearer(person.token))
    assert answer.status_code == 204


async def by_leaving(person: Person, _link: Share) -> None:
    answer = await person.client.request(
        "DELETE", "/auth/user", json={"password": PASSWORD}, headers=bearer(person.token)
    )
    assert answer.status_code == 204


End = Callable[[Person, Share], Awaitable[None]]


@pytest.mark.parametrize("end", [by_revocation, by_leaving], ids=lambda end: end.__name__)
async def test_a_link_that_has_ended_is_not_found_at_the_very_next_request(
    door: Door, person: Person, link: Share, end: End
) -> None:
    queries = (b"", b"size=64", b"v=V", b"size=64&v=V")
    for query in queries * 2:
        _, by_edge = await door.ask(link.request(query))
    assert by_edge
    await end(person, link)
    for query in queries:
        for more in ((), ((b"if-none-match", b"*"),)):
            answer, by_edge = await door.ask(link.request(query, "png", *more))
            assert (answer.status, by_edge) == (404, False)
            assert answer.header(b"cache-control") == b"no-store"
            assert json.loads(answer.body)["code"] == "unknown_link"


async def test_the_end_of_one_link_leaves_the_others(
    door: Door, person: Person, link: Share
) -> None:
    other = await shared(person)
    for each in (link, other):
        await door.ask(each.request())
    await by_revocation(person, link)
    assert [(await door.ask(other.request()))[0].status for _ in range(2)] == [200, 200]
    assert (await door.ask(other.request()))[1]


async def test_a_link_that_expires_is_published_without_a_version_only(
    door: Door, person: Person
) -> None:
    link = await shared(person, expires_in=3600)
    for query, published in ((b"", True), (b"size=64", True), (b"v=V", False)):
        first, _ = await door.ask(link.request(query))
        again, by_edge = await door.ask(link.request(query))
        assert (first.status, by_edge) == (200, published)
        assert again.without(b"x-request-id") == first.without(b"x-request-id")
    soon = await shared(person, expires_in=60)
    for _ in range(2):
        _, by_edge = await door.ask(soon.request())
        assert not by_edge


async def test_the_fast_path_says_what_the_route_says(
    settings: Settings, services: Services, person: Person
) -> None:
    links = [await shared(person), await shared(person, sizes=[64, 128]), await shared(person)]
    blind = replace(services, publishing=replace(services.publishing, asked=None))
    chance, statuses = random.Random(6), Counter[tuple[int, bool]]()  # noqa: S311 - the same in each run
    async with open_door(settings, services) as fast, open_door(settings, blind) as slow:
        tags = [(await exchange(slow.app, link.request())).header(b"etag") for link in links]
        await by_revocation(person, links[2])
        for _ in range(REQUESTS):
            request = odd(chance, chance.choice([*links, *links[:2]]), tags[0] or b"")
            by_edge, hit = await fast.ask(request)
            by_route = await exchange(slow.app, request)
            assert by_edge.without(b"x-request-id") == by_route.without(b"x-request-id"), request
            statuses[by_edge.status, hit] += 1
    assert {status for status, hit in statuses if hit} == {200, 304}
    assert {status for status, hit in statuses if not hit} >= {200, 304, 404, 405, 413}
    assert sum(count for (_, hit), count in statuses.items() if hit) > REQUESTS // 8


def odd(chance: random.Random, link: Share, tag: bytes) -> Request:
    """Return a request that is at most a few steps from one that is published."""
    parts = [
        *chance.choice([*[[]] * 4, *[[b"size=64"]] * 4, [b"size=128"], [b"size=065"], [b"size=9"]]),
        *chance.choice([*[[]] * 4, *[[b"v=V"]] * 4, [b"v=ffffffffffff"], [b"v="], [b"x=1"]]),
    ]
    if chance.random() < 0.1:
        chance.shuffle(parts)
        parts += parts[:1]
    headers: list[Header] = []
    if chance.random() < 0.3:
        value = chance.choice([tag, tag, b"*", b"W/" + tag, tag[:-1], b'"1-1", ' + tag, b""])
        headers.append((b"if-none-match", value))
    headers += chance.sample(_MORE, chance.choice([0, 0, 1, 2]))
    request = link.request(
        b"&".join(parts), chance.choice(["png"] * 5 + ["svg", "webp", "PNG", "gif"]), *headers
    )
    path = request.path
    if chance.random() < 0.15:
        at = chance.randrange(len(path))
        path = path[:at] + chance.choice(["", "a", "/", "~", "é"]) + path[at + 1 :]
    method = chance.choice(["GET"] * 12 + ["HEAD", "HEAD", "POST", "PUT"])
    return replace(request, path=path, method=method)


_MORE: list[Header] = [
    (b"authorization", b"Bearer x"),
    (b"authorization", b"Bearer x"),
    (b"cookie", ACCESS.encode() + b"=x"),
    (b"sec-fetch-site", b"cross-site"),
    (b"range", b"bytes=0-9"),
    (b"accept", b"image/avif"),
    (b"content-length", b"0"),
    (b"content-length", b"99999999"),
    (b"if-modified-since", b"Thu, 31 Dec 2037 23:55:55 GMT"),
    (b"if-none-match", b"*"),
]
