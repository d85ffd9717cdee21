"""The HTTP contract of refresh: one token for the next, in a form, as JSON or in a cookie."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from httpx2 import AsyncClient, Response
from tests.accounts import ManualClock
from tests.web.conftest import (
    BASE_URL,
    PASSWORD,
    Person,
    assert_problem,
    bearer,
    new_name,
    refreshed,
    served,
    sign_in,
    sign_up,
    speaking_to,
    status_of,
)

from emoticon.domain.services import Services
from emoticon.settings import Settings

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
JSON = {"Content-Type": "application/json"}
DAY_MS = 86_400_000
PAIR = {"access_token", "token_type", "expires_in", "refresh_token", "refresh_expires_in"}


def assert_pair(answer: Response) -> None:
    """RFC 6749 section 5.1: tokens that no cache keeps."""
    assert answer.status_code == 200, answer.text
    assert answer.json().keys() == PAIR
    assert answer.headers["content-type"] == "application/json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/refresh/"])
@pytest.mark.parametrize("grant", [{}, {"grant_type": "refresh_token"}])
async def test_a_refresh_token_in_a_form_is_exchanged(
    client: AsyncClient, person: Person, path: str, grant: dict[str, str]
) -> None:
    answer = await client.post(path, data={**grant, "refresh_token": person.refresh_token})
    assert_pair(answer)
    pair = answer.json()
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 600)
    assert pair["refresh_expires_in"] == 14 * 86400
    assert pair["refresh_token"] != person.refresh_token
    user = await client.get("/auth/user", headers=bearer(pair["access_token"]))
    assert user.json()["username"] == person.username


async def test_a_refresh_token_in_a_multipart_form_is_exchanged(
    client: AsyncClient, person: Person
) -> None:
    body = (
        '--x\r\nContent-Disposition: form-data; name="refresh_token"\r\n\r\n'
        f"{person.refresh_token}\r\n--x--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=x"}
    assert_pair(await client.post("/auth/refresh", content=body, headers=headers))


@pytest.mark.parametrize("grant", [{}, {"grant_type": "refresh_token"}])
async def test_a_refresh_token_in_json_is_exchanged(
    client: AsyncClient, person: Person, grant: dict[str, str]
) -> None:
    body = {**grant, "refresh_token": person.refresh_token}
    assert_pair(await client.post("/auth/refresh", json=body))


async def test_the_older_access_token_is_replaced_at_once(
    client: AsyncClient, person: Person
) -> None:
    assert await status_of(client, person.token) == 200
    pair = (await refreshed(client, person.refresh_token)).json()
    answer = await client.get("/auth/user", headers=person.headers)
    assert_problem(answer, 401, "session_superseded")
    assert await status_of(client, pair["access_token"]) == 200


@pytest.mark.parametrize("policy", ["one-session", "many-sessions"])
async def test_under_other_policies_a_refresh_leaves_the_access_token_alone(
    tmp_path: Path, policy: str
) -> None:
    async with served(tmp_path, token_policy=policy) as client:
        person = await sign_up(client, "ann")
        pair = (await refreshed(client, person.refresh_token)).json()
        assert await status_of(client, person.token) == 200
        assert await status_of(client, pair["access_token"]) == 200


async def test_within_the_grace_the_same_successor_comes_again(
    client: AsyncClient, person: Person
) -> None:
    """For an answer that was lost, and for a second tab."""
    first = await refreshed(client, person.refresh_token)
    again = await refreshed(client, person.refresh_token)
    as_json = await client.post("/auth/refresh", json={"refresh_token": person.refresh_token})
    assert_pair(again)
    successors = {answer.json()["refresh_token"] for answer in (first, again, as_json)}
    assert len(successors) == 1
    for answer in (first, again, as_json):
        assert await status_of(client, answer.json()["access_token"]) == 200


async def test_twenty_at_once_get_the_same_successor(client: AsyncClient, person: Person) -> None:
    answers = await asyncio.gather(*(refreshed(client, person.refresh_token) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1
    for answer in answers:
        assert await status_of(client, answer.json()["access_token"]) == 200


async def test_without_a_grace_a_token_that_was_used_ends_the_session(tmp_path: Path) -> None:
    async with served(tmp_path, refresh_grace_s=0) as client:
        person = await sign_up(client, "ann")
        pair = (await refreshed(client, person.refresh_token)).json()
        assert_problem(await refreshed(client, person.refresh_token), 401, "invalid_grant")
        assert_problem(await refreshed(client, pair["refresh_token"]), 401, "invalid_grant")
        assert await status_of(client, pair["access_token"]) == 401


async def test_a_token_two_generations_old_ends_the_session(
    client: AsyncClient, person: Person
) -> None:
    second = (await refreshed(client, person.refresh_token)).json()
    third = (await refreshed(client, second["refresh_token"])).json()
    assert_problem(await refreshed(client, person.refresh_token), 401, "invalid_grant")
    assert_problem(await refreshed(client, third["refresh_token"]), 401, "invalid_grant")
    answer = await client.get("/auth/user", headers=bearer(third["access_token"]))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'


async def test_the_refresh_token_of_a_session_that_was_replaced_harms_the_new_one_not(
    client: AsyncClient, person: Person
) -> None:
    newer = await sign_in(client, person.username)
    assert_problem(await refreshed(client, person.refresh_token), 401, "invalid_grant")
    assert await status_of(client, newer.token) == 200
    assert (await refreshed(client, newer.refresh_token)).status_code == 200


async def test_a_session_that_was_not_used_for_long_is_over(
    settings: Settings, services: Services, person: Person
) -> None:
    clock = ManualClock(services.sessions.tokens.clock.now_ms() + 13 * DAY_MS)
    late = replace(services.sessions, tokens=replace(services.sessions.tokens, clock=clock))
    async with speaking_to(settings, replace(services, sessions=late)) as client:
        pair = (await refreshed(client, person.refresh_token)).json()
        clock.ms += 14 * DAY_MS + 1
        assert_problem(await refreshed(client, pair["refresh_token"]), 401, "invalid_grant")


async def test_a_session_is_over_after_thirty_days_however_much_it_is_used(
    settings: Settings, services: Services, person: Person
) -> None:
    clock = ManualClock(services.sessions.tokens.clock.now_ms() + 13 * DAY_MS)
    late = replace(services.sessions, tokens=replace(services.sessions.tokens, clock=clock))
    async with speaking_to(settings, replace(services, sessions=late)) as client:
        pair = (await refreshed(client, person.refresh_token)).json()
        clock.ms += 13 * DAY_MS
        pair = (await refreshed(client, pair["refresh_token"])).json()
        assert 3 * 86400 < pair["refresh_expires_in"] <= 4 * 86400
        clock.ms += 5 * DAY_MS
        assert_problem(await refreshed(client, pair["refresh_token"]), 401, "invalid_grant")


@pytest.mark.parametrize("change", [lambda text: text[:-1], lambda text: text + "A", str.swapcase])
async def test_a_refresh_token_that_was_altered_is_refused_and_ends_nothing(
    client: AsyncClient, person: Person, change: Callable[[str], str]
) -> None:
    answer = await refreshed(client, change(person.refresh_token))
    assert_problem(answer, 401, "invalid_grant")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert (await refreshed(client, person.refresh_token)).status_code == 200


@pytest.mark.parametrize("text", ["x", "x" * 10_000, "\0", "٣" * 76, "'; --", "null", "🙂", " "])
async def test_text_that_is_no_refresh_token_gets_one_answer(
    client: AsyncClient, text: str
) -> None:
    as_form = await refreshed(client, text)
    as_json = await client.post("/auth/refresh", json={"refresh_token": text})
    reference = await refreshed(client, "A" * 76)
    for answer in (as_form, as_json):
        assert_problem(answer, 401, "invalid_grant")
        assert answer.content == reference.content


async def test_an_access_token_is_no_refresh_token(client: AsyncClient, person: Person) -> None:
    assert_problem(await refreshed(client, person.token), 401, "invalid_grant")


async def test_a_refresh_token_is_no_access_token(client: AsyncClient, person: Person) -> None:
    answer = await client.get("/auth/user", headers=bearer(person.refresh_token))
    assert_problem(answer, 401, "invalid_token")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, "x=y"),
        (FORM, "refresh_token="),
        (FORM, "refresh_token={0}&refresh_token={0}"),
        (FORM, "refresh_token=x&refresh_token={0}"),
        (FORM, "refresh_token={0}&grant_type=password"),
        (FORM, "refresh_token={0}&grant_type="),
        (FORM, "refresh_token={0}&grant_type=refresh_token&grant_type=refresh_token"),
        (JSON, "{{}}"),
        (JSON, "[]"),
        (JSON, '"{0}"'),
        (JSON, "null"),
        (JSON, "{{"),
        (JSON, '{{"refresh_token": null}}'),
        (JSON, '{{"refresh_token": 1}}'),
        (JSON, '{{"refresh_token": ""}}'),
        (JSON, '{{"refresh_token": ["{0}"]}}'),
        (JSON, '{{"refresh_token": {{"$ne": null}}}}'),
        (JSON, '{{"refresh_token": "{0}", "refresh_token": "{0}"}}'),
        (JSON, '{{"refresh_token": "{0}", "grant_type": "password"}}'),
        (JSON, '{{"refresh_token": "{0}", "grant_type": null}}'),
    ],
)
async def test_a_body_that_is_no_refresh_is_refused_and_repeats_nothing(
    client: AsyncClient, person: Person, headers: dict[str, str], body: str
) -> None:
    sent = body.format(person.refresh_token)
    answer = await client.post("/auth/refresh", content=sent, headers=headers)
    assert_problem(answer, 422, "invalid_input")
    assert person.refresh_token not in answer.text
    assert (await refreshed(client, person.refresh_token)).status_code == 200


async def test_a_lone_surrogate_is_no_refresh_token(client: AsyncClient) -> None:
    body = b'{"refresh_token": "\\ud800"}'
    answer = await client.post("/auth/refresh", content=body, headers=JSON)
    assert answer.status_code in {401, 422}
    assert_problem(answer, answer.status_code, answer.json()["code"])


@pytest.mark.parametrize("content_type", ["text/plain", "application/jsonx", "application/xml", ""])
async def test_other_content_types_are_refused(
    client: AsyncClient, person: Person, content_type: str
) -> None:
    body = json.dumps({"refresh_token": person.refresh_token})
    headers = {"Content-Type": content_type}
    answer = await client.post("/auth/refresh", content=body, headers=headers)
    assert_problem(answer, 415, "unsupported_media_type")


@pytest.mark.parametrize("headers", [{}, FORM, JSON])
async def test_without_a_token_it_is_said_where_one_is_missing(
    client: AsyncClient, headers: dict[str, str]
) -> None:
    answer = await client.post("/auth/refresh", headers=headers)
    assert_problem(answer, 401, "not_authenticated")
    assert "refresh token" in answer.json()["detail"]


async def test_a_refresh_token_anywhere_else_is_not_looked_at(
    client: AsyncClient, person: Person
) -> None:
    token = person.refresh_token
    for answer in (
        await client.post("/auth/refresh", params={"refresh_token": token}),
        await client.post("/auth/refresh", headers=bearer(token)),
        await client.post("/auth/refresh", headers={"Cookie": f"refresh_token={token}"}),
    ):
        assert_problem(answer, 401, "not_authenticated")
    for method in ("GET", "PUT", "DELETE"):
        answer = await client.request(method, "/auth/refresh", params={"refresh_token": token})
        assert_problem(answer, 405, "method_not_allowed")
        assert answer.headers["allow"] == "POST"


async def test_a_body_wins_over_the_cookie_and_is_answered_in_the_body(
    client: AsyncClient, person: Person
) -> None:
    other = await sign_up(client, new_name())
    answer = await client.post(
        "/auth/refresh",
        data={"refresh_token": person.refresh_token},
        headers={"Cookie": f"__Secure-emoticon-refresh={other.refresh_token}", "Origin": BASE_URL},
    )
    assert_pair(answer)
    user = await client.get("/auth/user", headers=bearer(answer.json()["access_token"]))
    assert user.json()["username"] == person.username
    assert await status_of(client, other.token) == 200


async def test_a_refresh_counts_against_no_limit(tmp_path: Path) -> None:
    async with served(tmp_path, limits="on", password_attempts=1, address_attempts=1) as client:
        token = (await sign_up(client, "ann")).refresh_token
        for _ in range(10):
            token = (await refreshed(client, token)).json()["refresh_token"]
        form = {"username": "ann", "password": PASSWORD}
        assert (await client.post("/auth/sign-in", data=form)).status_code == 200
