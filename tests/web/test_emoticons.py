"""The HTTP contract of the emoticon."""

import asyncio
import struct

import pytest
from httpx2 import AsyncClient
from tests.web.conftest import Person, assert_problem, sign_up

PNG = b"\x89PNG\r\n\x1a\n"
MAGIC = {"png": PNG, "svg": b"<svg", "webp": b"RIFF", "avif": b"\0\0\0"}


def png_size(body: bytes) -> tuple[int, int]:
    assert body.startswith(PNG)
    width, height = struct.unpack(">II", body[16:24])
    return width, height


@pytest.mark.parametrize("path", ["/emoticon/", "/emoticon"])
async def test_the_own_emoticon_is_a_private_png_of_128_px(
    client: AsyncClient, person: Person, path: str
) -> None:
    answer = await client.get(path, params={"username": person.username}, headers=person.headers)
    assert answer.status_code == 200
    assert png_size(answer.content) == (128, 128)
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["content-length"] == str(len(answer.content))
    assert answer.headers["cache-control"] == "private, no-cache"
    assert answer.headers["vary"] == "Authorization, Cookie"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"].startswith('"')
    assert "location" not in answer.headers


async def test_it_is_the_same_each_time_and_differs_between_people(
    client: AsyncClient, person: Person
) -> None:
    first, second = await person.emoticon(), await person.emoticon()
    other = await (await sign_up(client)).emoticon()
    assert first.content == second.content
    assert first.headers["etag"] == second.headers["etag"]
    assert first.content != other.content
    assert first.headers["etag"] != other.headers["etag"]


@pytest.mark.parametrize("size", [16, 17, 77, 128, 511, 512])
async def test_any_size_in_bounds_is_drawn_exactly(person: Person, size: int) -> None:
    answer = await person.emoticon({"size": size})
    assert png_size(answer.content) == (size, size)


@pytest.mark.parametrize(
    "size",
    [
        "0",
        "15",
        "513",
        "-1",
        "1e9",
        "NaN",
        "9" * 20,
        "128.0",
        "0128",
        "+128",
        " 128",
        "١٢٨",
        "",
        "12a",
        "0x80",
        "1_0",
    ],
)
async def test_any_other_size_is_refused(person: Person, size: str) -> None:
    assert_problem(await person.emoticon({"size": size}), 422, "invalid_input")


@pytest.mark.parametrize("picture_format", ["png", "svg", "webp", "avif"])
async def test_each_format_is_what_it_says(person: Person, picture_format: str) -> None:
    answer = await person.emoticon({"format": picture_format})
    media_type = "image/svg+xml" if picture_format == "svg" else f"image/{picture_format}"
    assert answer.headers["content-type"] == media_type
    assert answer.content.startswith(MAGIC[picture_format])


async def test_svg_may_do_nothing_when_it_is_opened(person: Person) -> None:
    answer = await person.emoticon({"format": "svg"})
    assert answer.headers["content-security-policy"] == (
        "default-src 'none'; style-src 'unsafe-inline'; sandbox"
    )


@pytest.mark.parametrize("picture_format", ["exe", "../../x", "svg\0.png", "PNG", "", "jpeg"])
async def test_any_other_format_is_refused(person: Person, picture_format: str) -> None:
    assert_problem(await person.emoticon({"format": picture_format}), 422, "invalid_input")


async def test_accept_has_no_say_unless_asked(person: Person) -> None:
    answer = await person.emoticon(headers={"Accept": "image/webp"})
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["vary"] == "Authorization, Cookie"


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("image/avif,image/webp,image/apng,image/*,*/*;q=0.8", "image/webp"),
        ("image/avif", "image/avif"),
        ("image/svg+xml", "image/svg+xml"),
        ("*/*", "image/png"),
        ("application/xml", "image/png"),
    ],
)
async def test_auto_negotiates_and_says_so(person: Person, accept: str, media_type: str) -> None:
    answer = await person.emoticon({"format": "auto"}, {"Accept": accept})
    assert answer.headers["content-type"] == media_type
    assert answer.headers["vary"] == "Authorization, Cookie, Accept"


async def test_a_client_that_has_the_picture_gets_304_without_body(person: Person) -> None:
    etag = (await person.emoticon()).headers["etag"]
    for value in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = await person.emoticon(headers={"If-None-Match": value})
        assert answer.status_code == 304
        assert answer.content == b""
        assert answer.headers["etag"] == etag
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["vary"] == "Authorization, Cookie"
        assert "content-type" not in answer.headers


async def test_a_client_that_has_another_picture_gets_this_one(person: Person) -> None:
    etag = (await person.emoticon()).headers["etag"]
    since = "Thu, 31 Dec 2037 23:55:55 GMT"
    for value in ('"other"', etag.strip('"'), etag[:-2] + '"', "", '"', "x" * 4000):
        answer = await person.emoticon(headers={"If-None-Match": value, "If-Modified-Since": since})
        assert answer.status_code == 200


async def test_nobody_gets_304_without_a_token(client: AsyncClient, person: Person) -> None:
    etag = (await person.emoticon()).headers["etag"]
    answer = await client.get(
        "/emoticon/", params={"username": person.username}, headers={"If-None-Match": etag}
    )
    assert_problem(answer, 401, "not_authenticated")


async def test_a_name_in_another_case_is_the_same_account(person: Person) -> None:
    own = await person.emoticon()
    assert (await person.emoticon({"username": person.username.upper()})).content == own.content


@pytest.mark.parametrize(
    "name", ["nobody-at-all", "", "x" * 4000, "\0", "../", "%61", "a\r\nX-Evil: 1", "<b>"]
)
async def test_another_name_is_forbidden_whether_it_exists_or_not(
    client: AsyncClient, person: Person, name: str
) -> None:
    other = await sign_up(client)
    foreign = await person.emoticon({"username": other.username})
    answer = await person.emoticon({"username": name})
    assert_problem(answer, 403, "not_yours")
    assert answer.json()["detail"] == "Incorrect username"
    assert answer.content == foreign.content
    assert "x-evil" not in answer.headers


async def test_no_name_is_forbidden_too(client: AsyncClient, person: Person) -> None:
    assert_problem(await client.get("/emoticon/", headers=person.headers), 403, "not_yours")


async def test_of_a_name_that_stands_twice_the_last_counts(
    client: AsyncClient, person: Person
) -> None:
    for names, status in (("x", person.username), 200), ((person.username, "x"), 403):
        query = "&".join(f"username={name}" for name in names)
        answer = await client.get(f"/emoticon/?{query}", headers=person.headers)
        assert answer.status_code == status


async def test_what_is_not_a_parameter_has_no_influence(person: Person) -> None:
    plain = await person.emoticon()
    odd = await person.emoticon(
        {"utm": "x", "style": "__proto__", "seed": "y"},
        {
            "X-Forwarded-Host": "evil.example",
            "X-Original-URL": "/x",
            "X-HTTP-Method-Override": "DELETE",
        },
    )
    assert odd.content == plain.content
    assert odd.headers["etag"] == plain.headers["etag"]
    assert "evil" not in str(odd.headers)


async def test_a_range_is_answered_with_the_whole(person: Person) -> None:
    whole = await person.emoticon()
    answer = await person.emoticon(headers={"Range": "bytes=0-9", "If-Range": '"old"'})
    assert answer.status_code == 200
    assert answer.content == whole.content


async def test_a_superseded_token_gets_no_picture_and_no_304(
    client: AsyncClient, person: Person
) -> None:
    etag = (await person.emoticon()).headers["etag"]
    form = {"username": person.username, "password": "seven green boats at noon"}
    assert (await client.post("/auth/sign-in", data=form)).status_code == 200
    for headers in ({}, {"If-None-Match": etag}, {"If-None-Match": "*"}):
        assert_problem(await person.emoticon(headers=headers), 401, "session_superseded")


async def test_two_hundred_at_once_get_the_same_new_picture(person: Person) -> None:
    answers = await asyncio.gather(*(person.emoticon({"size": 300}) for _ in range(200)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
