"""The HTTP contract of visibility, and of pictures by name."""

from pathlib import Path

import pytest
from httpx2 import AsyncClient, Response
from tests.web.browser import Browser
from tests.web.conftest import PASSWORD, Person, assert_problem, new_name, served, sign_up
from tests.web.sharing import SVG_POLICY, plain

CACHING = "public, max-age=60"


async def choose(
    person: Person, visibility: object, path: str = "/emoticon/visibility"
) -> Response:
    return await person.client.put(path, json={"visibility": visibility}, headers=person.headers)


async def shown(client: AsyncClient, name: str, query: str = "", kind: str = "png") -> Response:
    return await client.get(f"/u/{name}.{kind}{query}")


@pytest.fixture
async def public(person: Person) -> Person:
    assert (await choose(person, "public")).status_code == 200
    return person


@pytest.fixture
async def neutral(client: AsyncClient) -> Response:
    """What a name gets that nobody has."""
    return await shown(client, new_name())


@pytest.mark.parametrize("path", ["/emoticon/visibility", "/emoticon/visibility/"])
async def test_the_choice_is_answered_with_the_account(
    client: AsyncClient, person: Person, path: str
) -> None:
    before = (await client.get("/auth/user", headers=person.headers)).json()
    for visibility in ("public", "private"):
        answer = await choose(person, visibility, path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "private, no-store"
        assert answer.json() == before | {"visibility": visibility}
        after = await client.get("/auth/user", headers=person.headers)
        assert after.json() == answer.json()


@pytest.mark.parametrize("visibility", ["", "PUBLIC", "friends", None, True, 1, ["public"]])
async def test_there_is_no_third_choice(person: Person, visibility: object) -> None:
    assert_problem(await choose(person, visibility), 422, "invalid_input")


async def test_nobody_chooses_without_a_token(client: AsyncClient) -> None:
    answer = await client.put("/emoticon/visibility", json={"visibility": "public"})
    assert_problem(answer, 401, "not_authenticated")


async def test_a_public_emoticon_is_for_everybody(client: AsyncClient, public: Person) -> None:
    own = await public.emoticon()
    answer = await shown(client, public.username)
    assert answer.status_code == 200
    assert answer.content == own.content
    assert plain(answer) == {
        "cache-control": CACHING,
        "etag": own.headers["etag"],
        "link": '</credits>; rel="license"',
        "cross-origin-resource-policy": "cross-origin",
        "content-length": str(len(own.content)),
        "content-type": "image/png",
        "x-content-type-options": "nosniff",
        "referrer-policy": "no-referrer",
    }


@pytest.mark.parametrize("kind", ["png", "svg", "webp", "avif"])
async def test_each_format_and_size_is_shown(
    client: AsyncClient, public: Person, kind: str
) -> None:
    answer = await shown(client, public.username.upper(), "?size=64", kind)
    own = await public.emoticon({"size": 64, "format": kind})
    assert answer.content == own.content
    assert answer.headers["content-type"] == own.headers["content-type"]
    assert answer.headers.get("content-security-policy") == (SVG_POLICY if kind == "svg" else None)


async def test_who_has_the_picture_gets_304(client: AsyncClient, public: Person) -> None:
    url = f"/u/{public.username}.png"
    etag = (await client.get(url)).headers["etag"]
    answer = await client.get(url, headers={"If-None-Match": etag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert (answer.headers["etag"], answer.headers["cache-control"]) == (etag, CACHING)


async def test_head_says_what_get_says(client: AsyncClient, public: Person) -> None:
    url = f"/u/{public.username}.svg"
    get, head = await client.get(url), await client.head(url)
    assert (head.status_code, head.content) == (200, b"")
    assert plain(head) == plain(get)


async def test_who_asks_has_no_say(client: AsyncClient, public: Person) -> None:
    wanted = await shown(client, public.username)
    browser = Browser(client)
    await browser.sign_up(new_name())
    foreign = {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    for headers in ({"Authorization": "Bearer x"}, {**foreign, **browser.cookie}):
        answer = await client.get(f"/u/{public.username}.png", headers=headers)
        assert (answer.status_code, answer.content) == (200, wanted.content)
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize(
    "name",
    [
        *(
            "nobody-at-all",
            "a.b",
            "x" * 33,
            "x" * 4000,
            ".",
            "..png",
            "%00",
            "%ff",
            "%2e%2e",
            "a%20",
        ),
        *("%D1%8F", "%F0%9F%98%80", "null", "a%0d%0aX-Evil:%201", "'", "*", "emoticon", "<b>"),
    ],
)
async def test_e06_a_name_that_nobody_has_or_can_have_is_answered_alike(
    client: AsyncClient, neutral: Response, name: str
) -> None:
    answer = await shown(client, name)
    assert (answer.status_code, answer.content) == (200, neutral.content)
    assert plain(answer) == plain(neutral)


async def test_e06_who_is_private_again_or_has_left_is_answered_as_nobody(
    client: AsyncClient, public: Person, neutral: Response
) -> None:
    private = await sign_up(client)
    await choose(public, "private")
    gone = await sign_up(client)
    await choose(gone, "public")
    body = {"password": PASSWORD}
    left = await client.request("DELETE", "/auth/user", json=body, headers=gone.headers)
    assert left.status_code == 204
    for person in (private, public, gone):
        answer = await shown(client, person.username)
        assert (answer.status_code, answer.content) == (200, neutral.content)
        assert plain(answer) == plain(neutral)


async def test_the_neutral_picture_is_drawn_in_any_size_and_format(
    client: AsyncClient, neutral: Response
) -> None:
    assert (await shown(client, "nobody", "?size=64")).content != neutral.content
    assert (await shown(client, "nobody", kind="svg")).content.startswith(b"<svg")


@pytest.mark.parametrize("query", ["?size=0", "?size=513", "?size=0128", "?size=", "?size=1e2"])
async def test_any_other_size_is_refused_whoever_it_is(
    client: AsyncClient, public: Person, query: str
) -> None:
    for name in (public.username, "nobody", "%00"):
        assert_problem(await shown(client, name, query), 422, "invalid_input")


@pytest.mark.parametrize("kind", ["PNG", "exe", "jpg", "%70n"])
async def test_any_other_format_is_refused_whoever_it_is(
    client: AsyncClient, public: Person, kind: str
) -> None:
    for name in (public.username, "nobody"):
        assert_problem(await shown(client, name, kind=kind), 422, "invalid_input")


async def test_an_address_gets_so_many_pictures_a_minute_whoever_is_asked_for(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, limits="on", address_drawings=3) as client:
        person = await sign_up(client)
        await choose(person, "public")
        for name in (person.username, "nobody", "%00"):
            assert (await shown(client, name)).status_code == 200
        for name in (person.username, "nobody", "%00"):
            assert_problem(await shown(client, name), 429, "too_many_attempts")
        assert (await person.emoticon()).status_code == 200
