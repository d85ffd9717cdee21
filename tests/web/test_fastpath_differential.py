"""The fast path and the route give the same answers to thousands of odd requests."""

import random
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

import pytest
from httpx2 import AsyncClient
from starlette.types import ASGIApp
from tests.web.browser import ACCESS
from tests.web.conftest import Person, sign_in, sign_up
from tests.web.exchanges import Answer, Header, Request, exchange

from emoticon.app import create_app
from emoticon.domain.services import Services
from emoticon.settings import Settings

REQUESTS = 6000
WISHES = [b"", b"&size=64", b"&format=svg", b"&size=96&format=webp", b"&size=128&format=png"]
REQUEST_ID = b"x-request-id"


@dataclass(frozen=True)
class World:
    """Two applications over the same services, one without its fast path, and who may ask them."""

    fast: ASGIApp
    slow: ASGIApp
    people: list[Person]
    dead: Person
    etags: list[bytes]
    owners: dict[bytes, str]
    """Whose picture a body is."""


@pytest.fixture(scope="module")
async def world(
    settings: Settings, services: Services, speaker: AsyncClient
) -> AsyncGenerator[World]:
    people = [await sign_up(speaker) for _ in range(3)]
    dead = people[2]
    async with AsyncExitStack() as stack:
        blind = replace(services.publishing, asked=None)
        apps = [
            create_app(settings, services),
            create_app(settings, replace(services, publishing=blind)),
        ]
        for app in apps:
            await stack.enter_async_context(app.router.lifespan_context(app))
        etags, owners = [], {}
        for person in people:
            for wish in WISHES:
                answer = await exchange(apps[0], canonical(person, wish))
                etags.append(answer.header(b"etag") or b"")
                owners[answer.body] = person.username
        people[2] = await sign_in(speaker, dead.username)
        for wish in WISHES:
            await exchange(apps[0], canonical(people[2], wish))
        yield World(apps[0], apps[1], people, dead, etags, owners)


def canonical(person: Person, wish: bytes) -> Request:
    headers = (b"host", b"service.test"), (b"authorization", b"Bearer " + person.token.encode())
    return Request(query=b"username=" + person.username.encode() + wish, headers=headers)


class Mischief:
    """Makes requests that are canonical but for a few changes."""

    def __init__(self, world: World, seed: int) -> None:
        self._world = world
        self._chance = random.Random(seed)  # noqa: S311 - the same in each run
        self._changes = [
            *(self._method, self._path, self._name, self._parameters, self._parameters),
            *(self._token, self._scheme, self._doubled, self._cookie, self._only_cookie),
            *(self._if_none_match, self._if_none_match, self._other_headers, self._length),
            *(self._many_headers, self._request_id),
        ]

    def request(self) -> Request:
        """Return the next one; a third have no change at all."""
        chance = self._chance
        request = canonical(chance.choice(self._world.people), chance.choice(WISHES))
        for change in chance.sample(self._changes, chance.choice([0, 1, 1, 2, 3])):
            request = change(request)
        return request

    def _somebody(self) -> Person:
        return self._chance.choice([*self._world.people, self._world.dead])

    def _add(self, request: Request, *headers: Header) -> Request:
        given = list(request.headers)
        for header in headers:
            given.insert(self._chance.randrange(len(given) + 1), header)
        return replace(request, headers=tuple(given))

    def _method(self, request: Request) -> Request:
        method = self._chance.choice(
            ["HEAD", "HEAD", "HEAD", "POST", "PUT", "OPTIONS", "get", "BREW"]
        )
        return replace(request, method=method)

    def _path(self, request: Request) -> Request:
        paths = ["/emoticon", "/emoticon", "/emoticon//", "/Emoticon/", "/emoticon/x", "/", "//"]
        return replace(request, path=self._chance.choice(paths))

    def _name(self, request: Request) -> Request:
        own = request.query.partition(b"&")[0].removeprefix(b"username=")
        other = self._somebody().username.encode()
        name = self._chance.choice(
            [
                *(own.upper(), own.title(), own[:-1], own + b"0", b"", other, other.upper()),
                *(b"%70" + own[1:], own + b"%00", own + b"+", own + b"\xff", b"..", b"a" * 40),
            ]
        )
        return replace(request, query=request.query.replace(own, name, 1))

    def _parameters(self, request: Request) -> Request:
        parts = request.query.split(b"&")
        more = [
            *(b"size=64", b"size=064", b"size=6%34", b"size=", b"size=9999", b"size=-1", b"size"),
            *(b"format=webp", b"format=auto", b"format=PNG", b"format=gif", b"format=", b"utm=x"),
            *(b"username=" + self._somebody().username.encode(), b"", b"=", b"Size=64", b"a;b"),
        ]
        kind = self._chance.randrange(4)
        if kind == 0:
            self._chance.shuffle(parts)
        elif kind == 1:
            parts.remove(self._chance.choice(parts))
        else:
            parts.insert(self._chance.randrange(len(parts) + 1), self._chance.choice(more))
        return replace(request, query=b"&".join(parts))

    def _token(self, request: Request) -> Request:
        token = self._somebody().token.encode()
        token = self._chance.choice(
            [token, token, self._world.dead.token.encode(), token[:-1], token + b"=", b"", b"x"]
        )
        rest = tuple(header for header in request.headers if header[0] != b"authorization")
        return self._add(replace(request, headers=rest), (b"authorization", b"Bearer " + token))

    def _scheme(self, request: Request) -> Request:
        forms = [
            b"bearer %s",
            b"BEARER %s",
            b"Bearer  %s",
            b"Bearer %s ",
            b"Bearer\t%s",
            b"Basic %s",
        ]
        form = self._chance.choice([*forms, b"%s", b"Bearer %s\xa0", b"Bearer %s, Bearer %s"])
        token = self._somebody().token.encode()
        value = form.replace(b"%s", token)
        rest = tuple(header for header in request.headers if header[0] != b"authorization")
        return self._add(replace(request, headers=rest), (b"authorization", value))

    def _doubled(self, request: Request) -> Request:
        name, value = self._chance.choice(request.headers)
        if name == b"authorization" and self._chance.random() < 0.5:
            value = b"Bearer " + self._somebody().token.encode()
        return self._add(request, (name, value))

    def _cookie(self, request: Request) -> Request:
        access, token = ACCESS.encode(), self._somebody().token.encode()
        other = self._somebody().token.encode()
        value = self._chance.choice(
            [
                *(
                    b"theme=dark",
                    access + b"=" + token,
                    b"a=b; " + access + b"=" + token + b"; c=d",
                ),
                access + b"=" + token + b"; " + access + b"=" + other,
                access + b"=" + token + b";" + access + b"=" + token,
                access + b"=" + token + b"; \xa0" + access + b"=" + other,
                *(access + b"=", access, access + b"-x=" + token, b"x" + access + b"=" + token),
                *(access + b' = "' + token + b'"', access.lower() + b"=" + token, b"", b";;=;"),
            ]
        )
        headers = [(b"cookie", value)]
        if self._chance.random() < 0.2:
            headers.append((b"cookie", access + b"=" + other))
        site = self._chance.choice(
            [b"", b"same-origin", b"cross-site", b"none", b"same-site", b"x", b"Cross-Site"]
        )
        if site:
            headers.append((b"sec-fetch-site", site))
        if self._chance.random() < 0.3:
            headers += [(b"sec-fetch-mode", b"navigate"), (b"sec-fetch-dest", b"document")]
        return self._add(request, *headers)

    def _only_cookie(self, request: Request) -> Request:
        token = dict(request.headers).get(b"authorization", b"").removeprefix(b"Bearer ")
        rest = [header for header in request.headers if header[0] != b"authorization"]
        cookie = ACCESS.encode() + b"=" + token
        if self._chance.random() < 0.3:
            return self._cookie(replace(request, headers=tuple(rest)))
        rest.append((b"cookie", self._chance.choice([cookie, b"a=b; " + cookie + b"; c=d"])))
        site = self._chance.choice([b"", b"same-origin", b"cross-site", b"same-site"])
        rest += [(b"sec-fetch-site", site)] if site else []
        return replace(request, headers=tuple(rest))

    def _if_none_match(self, request: Request) -> Request:
        own, other = self._chance.choices(self._world.etags, k=2)
        value = self._chance.choice(
            [
                *(own, b"W/" + own, b"*", b" * ", other + b", " + own, other + b",W/" + own, b""),
                *(own.upper(), own[:-1], own.strip(b'"'), own + b"x", b"w/" + own, b"W/ " + own),
                *(
                    own + b" ",
                    own + own,
                    b'"a,b", ' + own,
                    b'"',
                    b"x" * 3000,
                    b"*, " + own,
                    b"\xff",
                ),
            ]
        )
        return self._add(request, (b"if-none-match", value))

    def _other_headers(self, request: Request) -> Request:
        pool = [
            *((b"range", b"bytes=0-9"), (b"accept", b"image/webp"), (b"if-range", b'"x"')),
            (b"if-modified-since", b"Thu, 31 Dec 2037 23:55:55 GMT"),
            *((b"x-http-method-override", b"DELETE"), (b"host", b"evil.example")),
            *((b"origin", b"http://evil.example"), (b"expect", b"100-continue"), (b"te", b"x")),
            *((b"connection", b"close"), (b"upgrade", b"h2c"), (b"x-original-url", b"/")),
        ]
        return self._add(request, *self._chance.sample(pool, 3))

    def _length(self, request: Request) -> Request:
        length, body = (
            self._chance.choice(
                [
                    *((b"content-length", b"0"), (b"transfer-encoding", b"chunked")),
                    *((b"content-length", b"3"), (b"content-length", b"99999999")),
                    *((b"content-length", b"00"), (b"content-length", b"x")),
                ]
            ),
            self._chance.choice([b"", b"abc"]),
        )
        return replace(self._add(request, length), body=body)

    def _many_headers(self, request: Request) -> Request:
        count, size = self._chance.choice([(97, 5), (98, 5), (99, 5), (1, 15_000), (1, 17_000)])
        return self._add(request, *([(b"x-padding", b"x" * size)] * count))

    def _request_id(self, request: Request) -> Request:
        given = [b"abc-1", b"a" * 64, b"a" * 65, b"", b"a b", b"a\xe9", b"<script>"]
        return self._add(request, (REQUEST_ID, self._chance.choice(given)))


def comparable(request: Request, answer: Answer) -> Answer:
    """Take the request id away if it was made up here; it has to be there all the same."""
    given = answer.header(REQUEST_ID)
    assert given is not None
    if given in dict(request.headers).values():
        return answer
    assert len(given) == 16
    return answer.without(REQUEST_ID)


@pytest.mark.parametrize("seed", range(3))
async def test_the_fast_path_says_what_the_route_says(
    world: World, services: Services, seed: int
) -> None:
    asked = services.publishing.asked
    assert asked is not None
    mischief, statuses = Mischief(world, seed), Counter[tuple[int, bool]]()
    names = {
        token.encode(): person.username
        for person in world.people
        for token in (person.token, f"Bearer {person.token}")
    }
    for _ in range(REQUESTS // 3):
        request = mischief.request()
        before = asked.hits
        fast = await exchange(world.fast, request)
        hit = asked.hits > before
        slow = await exchange(world.slow, request)
        assert comparable(request, fast) == comparable(request, slow), request
        statuses[fast.status, hit] += 1
        if fast.body in world.owners:
            owner = world.owners[fast.body]
            carried = b"\n".join(value for _, value in request.headers)
            assert any(owner == name for token, name in names.items() if token in carried)
    assert {status for status, hit in statuses if hit} == {200, 304}
    assert {status for status, hit in statuses if not hit} >= {
        200,
        304,
        400,
        401,
        403,
        404,
        405,
        413,
        422,
        431,
    }
    assert sum(count for (_, hit), count in statuses.items() if hit) > REQUESTS // 12
