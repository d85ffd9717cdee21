"""What the fast path answers, what it leaves to the application, and when it stops."""

import json
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from httpx2 import AsyncClient
from tests.accounts import ManualClock
from tests.web.browser import ACCESS
from tests.web.conftest import PASSWORD, Person, bearer, refreshed, sign_in, sign_up
from tests.web.doors import Door, open_door
from tests.web.exchanges import Header, Request

from emoticon.domain.floors import Floors
from emoticon.domain.services import Services
from emoticon.settings import Settings


@pytest.fixture
async def door(settings: Settings, services: Services) -> AsyncGenerator[Door]:
    async with open_door(settings, services) as opened:
        yield opened


def wanted(person: Person, wish: str = "", *more: Header, **changes: Any) -> Request:
    """Return a request for the own emoticon in the one form that the edge knows."""
    query = f"username={person.username}{wish}".encode()
    headers = ((b"authorization", f"Bearer {person.token}".encode()), *more)
    return replace(Request(query=query, headers=headers), **changes)


async def test_the_second_request_is_answered_by_the_edge(door: Door, person: Person) -> None:
    first, by_edge = await door.ask(wanted(person))
    assert (first.status, by_edge) == (200, False)
    second, by_edge = await door.ask(wanted(person))
    assert by_edge
    assert second.without(b"x-request-id") == first.without(b"x-request-id")
    assert second.header(b"x-request-id") != first.header(b"x-request-id")


@pytest.mark.parametrize("path", ["/emoticon/", "/emoticon"])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
@pytest.mark.parametrize(
    "wish", ["", "&size=64", "&format=svg", "&format=png", "&size=64&format=webp"]
)
async def test_every_header_is_the_route_s_in_its_order(
    door: Door, person: Person, path: str, method: str, wish: str
) -> None:
    named = (b"x-request-id", b"one-of-these")
    request = wanted(person, wish, named, path=path, method=method)
    by_route, _ = await door.ask(request)
    by_edge, hit = await door.ask(request)
    assert hit
    assert by_edge == by_route
    assert (by_edge.body == b"") == (method == "HEAD")
    conditional = wanted(
        person, wish, named, (b"if-none-match", by_edge.header(b"etag") or b""), path=path
    )
    by_edge, hit = await door.ask(conditional)
    assert (by_edge.status, hit) == (304, True)
    by_route, hit = await door.ask(replace(conditional, query=b"x=&" + conditional.query))
    assert (by_route, hit) == (by_edge, False)


@pytest.mark.parametrize(
    "changes",
    [
        {"query": b""},
        {"query": b"username=%s"},
        {"query": b"size=128&username=%s"},
        {"query": b"username=%s&username=%s"},
        {"query": b"username=%s&format=png&size=128"},
        {"query": b"username=%s&size=%%31%%32%%38"},
        {"query": b"username=%s&"},
        {"query": b"username=%s&utm=x"},
        {"query": b"username=%s&format=auto"},
        {"path": "/emoticon//"},
        {"method": "POST"},
        {"method": "OPTIONS"},
        {"headers": ()},
        {"headers": ((b"authorization", b"bearer TOKEN"),)},
        {"headers": ((b"authorization", b"Bearer TOKEN"), (b"authorization", b"Bearer TOKEN"))},
        {"headers": ((b"authorization", b"Bearer TOKEN"), (b"content-length", b"3"))},
        {"headers": ((b"authorization", b"Bearer TOKEN"), (b"transfer-encoding", b"chunked"))},
        {"headers": ((b"authorization", b"Bearer TOKEN"), (b"cookie", ACCESS.encode() + b"=x"))},
        {"headers": ((b"authorization", b"Bearer TOKEN"), *((b"if-none-match", b"*"),) * 2)},
        {"headers": ((b"authorization", b"Bearer TOKEN"), (b"x-padding", b"x" * 17_000))},
        {"headers": ((b"authorization", b"Bearer TOKEN"), *((b"x-padding", b""),) * 100)},
    ],
    ids=lambda changes: str(changes)[:60],
)
async def test_everything_else_goes_to_the_application(
    door: Door, person: Person, changes: dict[str, Any]
) -> None:
    request = wanted(person)
    for _ in range(2):
        await door.ask(request)
    if "query" in changes and changes["query"] != b"username=%s":
        name = person.username.encode()
        query = changes["query"].replace(b"%s", name).replace(b"%%", b"%")
        changes = {"query": query}
    elif "query" in changes:
        changes = {"query": b"username=%70" + person.username.encode()[1:]}
    elif "headers" in changes:
        token = person.token.encode()
        changes = {
            "headers": tuple(
                (key, value.replace(b"TOKEN", token)) for key, value in changes["headers"]
            )
        }
    _, by_edge = await door.ask(replace(request, **changes))
    assert not by_edge


async def test_negotiated_pictures_are_never_published(door: Door, person: Person) -> None:
    accept = (b"accept", b"image/webp")
    for _ in range(2):
        answer, by_edge = await door.ask(wanted(person, "&format=auto", accept))
        assert (answer.status, by_edge) == (200, False)
    _, by_edge = await door.ask(wanted(person, "&format=webp", accept))
    assert not by_edge


async def test_a_name_in_another_case_is_published_for_itself(door: Door, person: Person) -> None:
    await door.ask(wanted(person))
    upper = replace(wanted(person), query=b"username=" + person.username.upper().encode())
    first, by_edge = await door.ask(upper)
    assert not by_edge
    second, by_edge = await door.ask(upper)
    assert by_edge
    assert second.body == first.body


async def test_another_name_or_token_is_never_given_the_picture(
    door: Door, client: AsyncClient, person: Person
) -> None:
    other = await sign_up(client)
    for each in (person, other):
        await door.ask(wanted(each))
    for query, headers, status in (
        (wanted(person).query, wanted(other).headers, 403),
        (wanted(person).query, (), 401),
        (wanted(person).query, ((b"authorization", b"Bearer x"),), 401),
    ):
        answer, by_edge = await door.ask(Request(query=query, headers=headers))
        assert (answer.status, by_edge) == (status, False)


@pytest.mark.parametrize(
    ("cookie", "by_edge"),
    [
        ("{access}={token}", True),
        ("theme=dark; {access}={token}; a=b", True),
        ("theme=dark;{access}={token}", False),
        ('{access}="{token}"', False),
        ("{access}={token}; {access}={token}", False),
        ("{access}={token}; {access}=x", False),
        ("x{access}={token}", False),
        ("theme=dark", False),
    ],
)
@pytest.mark.parametrize("site", ["", "same-origin", "none", "same-site", "cross-site"])
async def test_a_cookie_does_as_well_unless_another_site_asks(
    door: Door, person: Person, cookie: str, site: str, by_edge: bool
) -> None:
    await door.ask(wanted(person))
    value = cookie.format(access=ACCESS, token=person.token).encode()
    headers = [(b"cookie", value)] + ([(b"sec-fetch-site", site.encode())] if site else [])
    answer, hit = await door.ask(wanted(person, headers=tuple(headers)))
    assert hit == (by_edge and site != "cross-site")
    if site == "cross-site":
        assert answer.status in {401, 403}


async def test_a_cookie_that_means_nothing_here_does_no_harm(door: Door, person: Person) -> None:
    await door.ask(wanted(person))
    _, by_edge = await door.ask(wanted(person, "", (b"cookie", b"theme=dark; a=b")))
    assert by_edge


async def test_a_body_of_no_bytes_is_none(door: Door, person: Person) -> None:
    await door.ask(wanted(person))
    _, by_edge = await door.ask(wanted(person, "", (b"content-length", b"0")))
    assert by_edge


async def by_sign_in(person: Person) -> None:
    await sign_in(person.client, person.username)


async def by_refresh(person: Person) -> None:
    assert (await refreshed(person.client, person.refresh_token)).status_code == 200


async def by_sign_out(person: Person) -> None:
    answer = await person.client.post("/auth/sign-out", headers=bearer(person.token))
    assert answer.status_code == 204


async def by_new_password(person: Person) -> None:
    body = {"current_password": PASSWORD, "new_password": "nine red kites at dawn"}
    answer = await person.client.put("/auth/password", json=body, headers=bearer(person.token))
    assert answer.status_code == 200


async def by_leaving(person: Person) -> None:
    answer = await person.client.request(
        "DELETE", "/auth/user", json={"password": PASSWORD}, headers=bearer(person.token)
    )
    assert answer.status_code == 204


ENDS = [by_sign_in, by_refresh, by_sign_out, by_new_password, by_leaving]


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
async def test_a_token_that_has_ended_is_refused_at_the_very_next_request(
    door: Door, person: Person, end: Callable[[Person], Awaitable[None]]
) -> None:
    for wish in ("", "&size=64"):
        for _ in range(2):
            answer, by_edge = await door.ask(wanted(person, wish))
    assert by_edge
    etag = answer.header(b"etag") or b""
    await end(person)
    for wish in ("", "&size=64"):
        for more in ((), ((b"if-none-match", etag),), ((b"if-none-match", b"*"),)):
            answer, by_edge = await door.ask(wanted(person, wish, *more))
            assert (answer.status, by_edge) == (401, False)
            assert json.loads(answer.body)["status"] == 401


async def test_nothing_is_answered_while_nobody_knows_what_has_ended(
    settings: Settings, services: Services, person: Person
) -> None:
    published = services.publishing
    never_refreshed = Floors(ManualClock(), life_s=600, stale_s=5)
    stale = replace(published, floors=never_refreshed)
    for publishing, expected in ((published, True), (stale, False)):
        async with open_door(settings, replace(services, publishing=publishing)) as door:
            await door.ask(wanted(person))
            answer, by_edge = await door.ask(wanted(person))
            assert (answer.status, by_edge) == (200, expected)
