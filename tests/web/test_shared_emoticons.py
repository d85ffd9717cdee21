"""The HTTP contract of the pictures that share links show."""

import pytest
from httpx2 import AsyncClient
from sqlalchemy import update
from tests.servers import opened
from tests.web.browser import Browser
from tests.web.conftest import Person, assert_problem, bearer, new_name, sign_in, sign_up
from tests.web.sharing import (
    LASTING,
    SHORT,
    SVG_POLICY,
    ask,
    fresh_query,
    plain,
    share,
)

from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.tables import links
from emoticon.settings import Settings

LICENCE = '</credits>; rel="license"'


async def test_anybody_who_has_the_url_sees_what_its_owner_sees(
    client: AsyncClient, person: Person
) -> None:
    url = (await ask(person)).json()["url"]
    own = await person.emoticon()
    for _ in range(2):  # the second time it may be the edge that answers
        answer = await client.get(url)
        assert answer.status_code == 200
        assert answer.content == own.content
        assert plain(answer) == {
            "cache-control": SHORT,
            "etag": own.headers["etag"],
            "link": LICENCE,
            "cross-origin-resource-policy": "cross-origin",
            "content-length": str(len(own.content)),
            "content-type": "image/png",
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
        }


@pytest.mark.parametrize("kind", ["png", "svg", "webp", "avif"])
async def test_each_format_and_size_is_shown(person: Person, kind: str) -> None:
    shared = await share(person)
    for query in ("size=64", f"size=64&{fresh_query()}"):
        answer = await shared.get(query, kind=kind)
        own = await person.emoticon({"size": 64, "format": kind})
        assert answer.content == own.content
        assert answer.headers["content-type"] == own.headers["content-type"]
        assert answer.headers.get("content-security-policy") == (
            SVG_POLICY if kind == "svg" else None
        )


async def test_with_the_version_of_the_look_browsers_may_keep_it(person: Person) -> None:
    shared = await share(person)
    for query in (f"v={shared.version}", f"size=64&v={shared.version}", f"v={shared.version}&n=1"):
        for _ in range(2):
            assert (await shared.get(query)).headers["cache-control"] == LASTING
    for query in ("v=", f"v={'0' * 12}", f"v={shared.version.upper()}X", f"v={shared.version}&v=0"):
        assert (await shared.get(query)).headers["cache-control"] == SHORT


async def test_who_has_the_picture_gets_304(person: Person) -> None:
    shared = await share(person)
    etag = (await shared.get()).headers["etag"]
    for query, caching in (
        ("", SHORT),
        (fresh_query(), SHORT),
        (f"v={shared.version}", LASTING),
        (f"v={shared.version}&{fresh_query()}", LASTING),
    ):
        for value in (etag, f'W/{etag}, "x"', "*"):
            answer = await shared.get(query, headers={"If-None-Match": value})
            assert (answer.status_code, answer.content) == (304, b"")
            assert answer.headers["etag"] == etag
            assert answer.headers["cache-control"] == caching
        other = await shared.get(query, headers={"If-None-Match": '"x"'})
        assert other.status_code == 200


@pytest.mark.parametrize("query", ["", "n=1"])
async def test_head_says_what_get_says(person: Person, query: str) -> None:
    shared = await share(person)
    get, head = await shared.get(query), await shared.get(query, method="HEAD")
    assert (head.status_code, head.content) == (200, b"")
    assert plain(head) == plain(get)


async def test_who_asks_has_no_say(client: AsyncClient, person: Person) -> None:
    shared = await share(person)
    wanted = await shared.get()
    browser = Browser(client)
    await browser.sign_up(new_name())
    other = await sign_up(client)
    for headers in (
        browser.cookie,
        other.headers,
        {**other.headers, **browser.cookie},
        bearer("x"),
        {"Authorization": "Basic x", "Cookie": "__Host-emoticon=x; __Host-emoticon=y"},
        {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example", **browser.cookie},
    ):
        for query in ("", fresh_query()):
            answer = await shared.get(query, headers=headers)
            assert (answer.status_code, answer.content) == (200, wanted.content)
            assert "set-cookie" not in answer.headers
            assert "vary" not in answer.headers
            assert answer.headers["cache-control"] == SHORT


async def test_a_link_survives_whatever_happens_to_the_tokens_of_its_owner(
    client: AsyncClient, person: Person
) -> None:
    shared = await share(person)
    newer = await sign_in(client, person.username)
    await client.delete("/auth/sessions", headers=newer.headers)
    for query in ("", fresh_query()):
        assert (await shared.get(query)).status_code == 200


@pytest.mark.parametrize(
    "query",
    [
        *("size=", "size=0", "size=15", "size=513", "size=0128", "size=%2B128", "size=128.0"),
        *("size=-1", "size=1e2", "size=%D9%A1%D9%A2%D9%A8", f"size={'9' * 1000}", "size=64&size="),
    ],
)
async def test_any_other_size_is_no_link(person: Person, query: str) -> None:
    shared = await share(person)
    assert_problem(await shared.get(query), 404, "unknown_link")


async def test_a_size_that_the_link_does_not_allow_is_no_link(person: Person) -> None:
    shared = await share(person, sizes=[32, 64])
    for _ in range(2):
        assert (await shared.get("size=32")).status_code == 200
        assert (await shared.get()).content == (await shared.get("size=64")).content
        assert_problem(await shared.get("size=128"), 404, "unknown_link")


async def test_of_a_size_that_stands_twice_the_last_counts(person: Person) -> None:
    shared = await share(person)
    wanted = await shared.get("size=64")
    for query in ("size=32&size=64", f"size=64&{fresh_query()}", f"v=x&size=64&{fresh_query()}"):
        assert (await shared.get(query)).content == wanted.content


@pytest.mark.parametrize(
    "kind", ["PNG", "jpg", "png/", "exe", "svg%00.png", "", "png.svg", "%70ng"]
)
async def test_any_other_format_is_not_there(person: Person, kind: str) -> None:
    shared = await share(person)
    assert (await shared.get(kind=kind)).status_code == 404


async def test_another_spelling_of_the_token_is_no_link(person: Person) -> None:
    shared = await share(person)
    token, encoded = shared.token, f"%{ord(shared.token[0]):02x}{shared.token[1:]}"
    assert (await shared.get()).status_code == 200
    for path in (
        f"/e/{encoded}.png",
        f"/%65/{token}.png",
        f"/e/{token}=.png",
        f"/e/{token[:-1]}.png",
        f"/e/{token}A.png",
        f"/e/{token.swapcase()}.png",
        f"/e/{token} .png",
        f"/e/{token};x.png",
    ):
        assert_problem(await person.client.get(path), 404, "unknown_link")
    for path in (f"/e/{token}", f"//e/{token}.png", f"/E/{token}.png", f"/e//{token}.png", "/e/"):
        assert_problem(await person.client.get(path), 404, "not_found")


async def test_a_link_that_expires_is_kept_no_longer_than_it_is_good(
    settings: Settings, person: Person
) -> None:
    shared = await share(person, expires_in=3600)
    for query in ("", f"v={shared.version}"):
        for _ in range(2):
            assert (await shared.get(query)).headers["cache-control"] == SHORT
    soon = await share(person, expires_in=60)
    kept_s = int((await soon.get()).headers["cache-control"].removeprefix("private, max-age="))
    assert 0 <= kept_s <= 60
    async with opened(settings.database) as engine, writing(engine) as connection:
        await connection.execute(
            update(links).where(links.c.id == soon.id).values(expires_at=links.c.created_at)
        )
    assert_problem(await soon.get(), 404, "unknown_link")


async def test_the_links_of_who_leaves_are_gone(client: AsyncClient, person: Person) -> None:
    shared = await share(person)
    assert (await shared.get()).status_code == 200
    body = {"password": "seven green boats at noon"}
    answer = await client.request("DELETE", "/auth/user", json=body, headers=person.headers)
    assert answer.status_code == 204
    for query in ("", fresh_query()):
        assert_problem(await shared.get(query), 404, "unknown_link")
