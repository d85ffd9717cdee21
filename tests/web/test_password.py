"""The HTTP contract of what asks for the password once more: a new password, and leaving."""

import asyncio
import json
from typing import Any

import pytest
from httpx2 import AsyncClient, Response
from tests.web.conftest import (
    PASSWORD,
    Person,
    assert_problem,
    bearer,
    refreshed,
    sign_in,
    sign_up,
    status_of,
)

NEW = "eight green boats at noon"
JSON = {"Content-Type": "application/json"}


async def change(
    person: Person, current: str = PASSWORD, new: str = NEW, path: str = "/auth/password"
) -> Response:
    body = {"current_password": current, "new_password": new}
    return await person.client.put(path, json=body, headers=person.headers)


async def leave(person: Person, password: str = PASSWORD, path: str = "/auth/user") -> Response:
    body = {"password": password}
    return await person.client.request("DELETE", path, json=body, headers=person.headers)


async def try_sign_in(client: AsyncClient, username: str, password: str) -> Response:
    return await client.post("/auth/sign-in", data={"username": username, "password": password})


@pytest.mark.parametrize("path", ["/auth/password", "/auth/password/"])
async def test_a_new_password_ends_all_sessions_and_begins_one(
    client: AsyncClient, person: Person, path: str
) -> None:
    answer = await change(person, path=path)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert "set-cookie" not in answer.headers
    pair = answer.json()
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 600)
    assert await status_of(client, person.token) == 401
    assert_problem(await refreshed(client, person.refresh_token), 401, "invalid_grant")
    assert await status_of(client, pair["access_token"]) == 200
    assert (await refreshed(client, pair["refresh_token"])).status_code == 200


async def test_only_the_new_password_signs_in(client: AsyncClient, person: Person) -> None:
    assert (await change(person)).status_code == 200
    old = await try_sign_in(client, person.username, PASSWORD)
    assert_problem(old, 401, "wrong_credentials")
    assert (await try_sign_in(client, person.username, NEW)).status_code == 200


@pytest.mark.parametrize("wrong", ["", "wrong password", PASSWORD.upper(), PASSWORD + " ", "\0"])
async def test_a_wrong_current_password_changes_nothing(
    client: AsyncClient, person: Person, wrong: str
) -> None:
    assert_problem(await change(person, current=wrong), 403, "wrong_password")
    assert_problem(await leave(person, wrong), 403, "wrong_password")
    assert await status_of(client, person.token) == 200
    assert (await try_sign_in(client, person.username, PASSWORD)).status_code == 200


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("short", "invalid_password"),
        ("", "invalid_password"),
        ("x" * 257, "invalid_password"),
        ("x" * 60_000, "invalid_password"),
        ("password", "weak_password"),
    ],
)
async def test_a_bad_new_password_is_refused_with_its_reason(
    client: AsyncClient, person: Person, new: str, code: str
) -> None:
    assert_problem(await change(person, new=new), 422, code)
    assert await status_of(client, person.token) == 200


async def test_the_own_name_is_no_password(client: AsyncClient) -> None:
    person = await sign_up(client, "marguerite-yourcenar")
    answer = await change(person, new="marguerite-yourcenar")
    assert_problem(answer, 422, "weak_password")


async def test_a_current_password_that_is_too_long_is_refused(person: Person) -> None:
    assert_problem(await change(person, current="x" * 257), 422, "invalid_password")
    assert_problem(await leave(person, "x" * 257), 422, "invalid_password")


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"{", b"[]", b"null", b"{}", b'"x"', b"\xff", b"[" * 60_000),
        b'{"current_password": "seven green boats at noon"}',
        b'{"new_password": "eight green boats at noon"}',
        b'{"current_password": 1, "new_password": "eight green boats at noon"}',
        b'{"current_password": null, "new_password": "eight green boats at noon"}',
        b'{"current_password": "seven green boats at noon", "new_password": ["x"]}',
        b'{"current_password": "seven green boats at noon", "new_password": "\\ud800 boats at noon"}',
        b'{"current_password": "a", "current_password": "b", "new_password": "eight green boats"}',
    ],
)
async def test_a_body_that_is_no_new_password_is_refused_and_not_repeated(
    client: AsyncClient, person: Person, body: bytes
) -> None:
    answer = await client.put("/auth/password", content=body, headers={**person.headers, **JSON})
    assert answer.status_code == 422
    assert_problem(answer, 422, answer.json()["code"])
    assert "green boats" not in answer.text
    assert await status_of(client, person.token) == 200


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b'{"password": 1}', b'{"password": null}'])
async def test_who_leaves_without_a_password_stays(
    client: AsyncClient, person: Person, body: bytes
) -> None:
    headers = {**person.headers, **JSON}
    answer = await client.request("DELETE", "/auth/user", content=body, headers=headers)
    assert_problem(answer, 422, "invalid_input")
    assert await status_of(client, person.token) == 200


@pytest.mark.parametrize(("method", "path"), [("PUT", "/auth/password"), ("DELETE", "/auth/user")])
@pytest.mark.parametrize(
    "content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data", ""]
)
async def test_both_take_json_only(
    client: AsyncClient, person: Person, method: str, path: str, content_type: str
) -> None:
    body = json.dumps({"password": PASSWORD, "current_password": PASSWORD, "new_password": NEW})
    headers = {**person.headers, "Content-Type": content_type}
    answer = await client.request(method, path, content=body, headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(("method", "path"), [("PUT", "/auth/password"), ("DELETE", "/auth/user")])
@pytest.mark.parametrize("body", [{}, {"password": "x"}, None])
async def test_who_asks_is_looked_at_before_what_is_sent(
    client: AsyncClient, method: str, path: str, body: Any
) -> None:
    assert_problem(await client.request(method, path, json=body), 401, "not_authenticated")
    answer = await client.request(method, path, json=body, headers=bearer("x"))
    assert_problem(answer, 401, "invalid_token")


async def test_of_two_changes_at_once_one_wins(client: AsyncClient, person: Person) -> None:
    answers = await asyncio.gather(
        change(person, new="eight green boats at noon"),
        change(person, new="nine yellow boats at dusk"),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 401]
    winner = next(answer for answer in answers if answer.status_code == 200).json()
    assert await status_of(client, winner["access_token"]) == 200
    tried = [
        (await try_sign_in(client, person.username, password)).status_code
        for password in (NEW, "nine yellow boats at dusk", PASSWORD)
    ]
    assert sorted(tried) == [200, 401, 401]


@pytest.mark.parametrize("path", ["/auth/user", "/auth/user/"])
async def test_who_has_left_is_unknown_at_once(
    client: AsyncClient, person: Person, path: str
) -> None:
    assert (await person.emoticon()).status_code == 200
    answer = await leave(person, path=path)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert "clear-site-data" not in answer.headers
    assert await status_of(client, person.token) == 401
    assert (await person.emoticon()).status_code == 401
    assert_problem(await refreshed(client, person.refresh_token), 401, "invalid_grant")


async def test_who_has_left_signs_in_like_nobody(client: AsyncClient, person: Person) -> None:
    await leave(person)
    answer = await try_sign_in(client, person.username, PASSWORD)
    nobody = await try_sign_in(client, "nobody-of-this-name", PASSWORD)
    assert_problem(answer, 401, "wrong_credentials")
    assert answer.content == nobody.content


async def test_the_name_of_who_has_left_is_held_back(client: AsyncClient, person: Person) -> None:
    await leave(person)
    for spelling in (person.username, person.username.upper()):
        body = {"username": spelling, "password": PASSWORD}
        answer = await client.post("/auth/sign-up", json=body)
        assert_problem(answer, 409, "username_taken")


async def test_leaving_concerns_nobody_else(client: AsyncClient, person: Person) -> None:
    other = await sign_up(client)
    await leave(person)
    assert await status_of(client, other.token) == 200
    assert await status_of(client, (await sign_in(client, other.username)).token) == 200
