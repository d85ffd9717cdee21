"""The HTTP contract of sign-up and of the account."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from httpx2 import ASGITransport, AsyncClient
from tests.web.conftest import PASSWORD, Person, assert_problem, bearer, new_name, refreshed

from emoticon.app import create_app
from emoticon.domain.services import Services
from emoticon.settings import Settings

JSON = {"Content-Type": "application/json"}


async def test_sign_up_answers_two_tokens_that_nobody_keeps(client: AsyncClient) -> None:
    body = {"username": new_name(), "password": PASSWORD}
    answer = await client.post("/auth/sign-up", json=body)
    assert answer.status_code == 201
    token = answer.json()
    assert token["token_type"] == "bearer"
    assert token["expires_in"] == 600
    assert token["refresh_expires_in"] == 14 * 86400
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert "set-cookie" not in answer.headers
    user = await client.get("/auth/user", headers=bearer(token["access_token"]))
    assert user.json()["username"] == body["username"]
    assert (await refreshed(client, token["refresh_token"])).status_code == 200


async def test_the_account_shows_its_owner_what_it_is(client: AsyncClient, person: Person) -> None:
    answer = await client.get("/auth/user", headers=person.headers)
    assert answer.status_code == 200
    user = answer.json()
    assert user.keys() == {"id", "username", "visibility", "created_at"}
    assert user["id"] >= 1
    assert user["visibility"] == "private"
    age = datetime.now(UTC) - datetime.fromisoformat(user["created_at"])
    assert 0 <= age.total_seconds() < 60
    assert answer.headers["cache-control"] == "private, no-store"


@pytest.mark.parametrize("path", ["/auth/sign-up", "/auth/sign-up/"])
async def test_a_path_with_a_slash_is_the_same_path(client: AsyncClient, path: str) -> None:
    answer = await client.post(path, json={"username": new_name(), "password": PASSWORD})
    assert answer.status_code == 201


@pytest.mark.parametrize("spelling", [str, str.upper, str.title])
async def test_a_taken_name_is_refused_in_every_spelling(
    client: AsyncClient, person: Person, spelling: Callable[[str], str]
) -> None:
    body = {"username": spelling(person.username), "password": PASSWORD}
    assert_problem(await client.post("/auth/sign-up", json=body), 409, "username_taken")


async def test_of_twenty_who_want_one_name_one_gets_it(client: AsyncClient) -> None:
    name = new_name()
    spellings = [name.upper() if number % 2 else name for number in range(20)]
    answers = await asyncio.gather(
        *(
            client.post("/auth/sign-up", json={"username": spelling, "password": PASSWORD})
            for spelling in spellings
        )
    )
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 19


@pytest.mark.parametrize(
    "username",
    [
        *(
            "",
            " ",
            "x" * 33,
            "x" * 1000,
            "a\0b",
            "\ud800",
            "\ufffe",
            "\u202ea",
            "alice\u200b",
            "🙂" * 5,
        ),
        *(
            "../admin",
            "a/b",
            "a\\b",
            "..",
            "a?x=1",
            "a#b",
            "%2e",
            "a\r\nX: y",
            "<script>",
            "=cmd()",
            "аlice",
        ),
    ],
)
async def test_a_name_outside_of_the_rule_is_refused(client: AsyncClient, username: str) -> None:
    body = json.dumps({"username": username, "password": PASSWORD})
    answer = await client.post("/auth/sign-up", content=body, headers=JSON)
    assert answer.status_code == 422
    assert answer.json()["code"] in {"invalid_username", "invalid_input"}
    assert_problem(answer, 422, answer.json()["code"])


async def test_a_reserved_name_is_refused(client: AsyncClient) -> None:
    answer = await client.post("/auth/sign-up", json={"username": "Admin", "password": PASSWORD})
    assert_problem(answer, 422, "invalid_username")


@pytest.mark.parametrize(
    ("password", "code"),
    [
        ("short", "invalid_password"),
        ("x" * 257, "invalid_password"),
        ("x" * 60_000, "invalid_password"),
        ("password", "weak_password"),
        ("emoticon2026", "weak_password"),
    ],
)
async def test_a_bad_password_is_refused_with_its_reason(
    client: AsyncClient, password: str, code: str
) -> None:
    body = {"username": new_name(), "password": password}
    answer = await client.post("/auth/sign-up", json=body)
    assert_problem(answer, 422, code)


@pytest.mark.parametrize(
    "body",
    [
        *(
            b"",
            b"null",
            b"[]",
            b"{}",
            b"1",
            b"true",
            b'"x"',
            b"{",
            b'{"username": "a"',
            b"\xff\xfe{}",
            b"\0",
        ),
        b'\xef\xbb\xbf{"username": "bom-person", "password": "seven green boats at noon"}',
        '{"username": "utf16-person", "password": "seven green boats at noon"}'.encode("utf-16"),
        b"[" * 60_000,
        b'{"a":' * 10_000,
        b'{"username": ["a"], "password": "seven green boats at noon"}',
        b'{"username": {"$ne": null}, "password": "seven green boats at noon"}',
        b'{"username": 1, "password": "seven green boats at noon"}',
        b'{"username": true, "password": "seven green boats at noon"}',
        b'{"username": null, "password": "seven green boats at noon"}',
        b'{"username": "a1", "password": 12345678}',
        b'{"username": "a1", "password": "\\ud800\\ud800\\ud800"}',
        b'{"username": "a1", "username": "b1", "password": "seven green boats at noon"}',
        b'{"username": "\xff", "password": "seven green boats at noon"}',
        b'{"password": "seven green boats at noon"}',
        b'{"username": NaN, "password": 1e999}',
    ],
)
async def test_a_body_that_is_no_sign_up_is_refused(client: AsyncClient, body: bytes) -> None:
    answer = await client.post("/auth/sign-up", content=body, headers=JSON)
    assert answer.status_code == 422
    assert_problem(answer, 422, answer.json()["code"])
    assert "seven green" not in answer.text


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        *(
            "text/plain",
            "application/x-www-form-urlencoded",
            "multipart/form-data; boundary=x",
            "application/xml",
        ),
        *(
            "application/json; charset=utf-7",
            "application/json; charset=utf-16",
            "application/jsonx",
        ),
        "application/json;charset=latin-1",
    ],
)
async def test_sign_up_takes_json_in_utf8_only(
    client: AsyncClient, content_type: str | None
) -> None:
    body = json.dumps({"username": new_name(), "password": PASSWORD}).encode()
    headers = {"Content-Type": content_type} if content_type else {}
    answer = await client.post("/auth/sign-up", content=body, headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize(
    "content_type", ["application/json; charset=utf-8", 'APPLICATION/JSON;charset="UTF-8"']
)
async def test_sign_up_takes_json_that_says_utf8(client: AsyncClient, content_type: str) -> None:
    body = json.dumps({"username": new_name(), "password": PASSWORD}).encode()
    answer = await client.post(
        "/auth/sign-up", content=body, headers={"Content-Type": content_type}
    )
    assert answer.status_code == 201


async def test_other_members_have_no_effect(client: AsyncClient) -> None:
    body = {"username": new_name(), "password": PASSWORD, "id": 1, "is_admin": True, "version": 9}
    answer = await client.post("/auth/sign-up", json=body)
    assert answer.status_code == 201


async def test_an_error_names_the_field_and_never_repeats_what_was_sent(
    client: AsyncClient,
) -> None:
    body = {"username": ["x"], "password": {"secret": "hunter2 hunter2"}}
    answer = await client.post("/auth/sign-up", json=body)
    assert_problem(answer, 422, "invalid_input")
    assert [problem["loc"] for problem in answer.json()["errors"]] == [
        ["body", "username"],
        ["body", "password"],
    ]
    assert "hunter2" not in answer.text


async def test_a_service_that_is_closed_takes_no_new_accounts(
    services: Services, settings: Settings
) -> None:
    closed = replace(services, accounts=replace(services.accounts, open=False))
    app = create_app(settings, closed)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=ASGITransport(app), base_url="http://service.test") as client,
    ):
        answer = await client.post(
            "/auth/sign-up", json={"username": new_name(), "password": PASSWORD}
        )
    assert_problem(answer, 403, "signups_closed")
