"""The HTTP contract of the end of sessions: one, that of a token, all; and of the list of those that are open."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient
from tests.web.conftest import (
    Person,
    assert_problem,
    bearer,
    refreshed,
    served,
    sign_in,
    sign_up,
    status_of,
)

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
UNKNOWN = "0123456789abcdef0123456789abcdef"


async def open_sessions(person: Person) -> list[dict[str, Any]]:
    answer = await person.client.get("/auth/sessions", headers=person.headers)
    assert answer.status_code == 200, answer.text
    sessions: list[dict[str, Any]] = answer.json()["sessions"]
    return sessions


async def assert_over(client: AsyncClient, person: Person) -> None:
    answer = await client.get("/auth/user", headers=person.headers)
    assert answer.status_code == 401
    assert answer.json()["code"] in {"session_ended", "session_superseded"}
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert_problem(await refreshed(client, person.refresh_token), 401, "invalid_grant")


@pytest.mark.parametrize("path", ["/auth/sign-out", "/auth/sign-out/"])
async def test_sign_out_ends_both_tokens_at_once(
    client: AsyncClient, person: Person, path: str
) -> None:
    answer = await client.post(path, headers=person.headers)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    assert "set-cookie" not in answer.headers
    assert "clear-site-data" not in answer.headers
    await assert_over(client, person)


async def test_signing_out_again_is_refused_as_any_dead_token_is(
    client: AsyncClient, person: Person
) -> None:
    await client.post("/auth/sign-out", headers=person.headers)
    answer = await client.post("/auth/sign-out", headers=person.headers)
    assert_problem(answer, 401, "session_ended")


async def test_a_link_signs_nobody_out(client: AsyncClient, person: Person) -> None:
    for method in ("GET", "HEAD"):
        answer = await client.request(method, "/auth/sign-out", headers=person.headers)
        assert answer.status_code == 405
        assert answer.headers["allow"] == "POST"
    assert await status_of(client, person.token) == 200


async def test_signing_out_leaves_other_accounts_alone(client: AsyncClient, person: Person) -> None:
    other = await sign_up(client)
    await client.post("/auth/sign-out", headers=person.headers)
    assert await status_of(client, other.token) == 200


@pytest.mark.parametrize("path", ["/auth/revoke", "/auth/revoke/"])
@pytest.mark.parametrize(
    "hint", [{}, {"token_type_hint": "access_token"}, {"token_type_hint": "?"}]
)
@pytest.mark.parametrize("kind", ["token", "refresh_token"])
async def test_either_token_can_be_revoked_without_another_proof(
    client: AsyncClient, person: Person, path: str, hint: dict[str, str], kind: str
) -> None:
    answer = await client.post(path, data={"token": getattr(person, kind), **hint})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["cache-control"] == "no-store"
    await assert_over(client, person)


async def test_a_refresh_token_that_was_used_up_ends_its_session_when_it_is_revoked(
    client: AsyncClient, person: Person
) -> None:
    pair = (await refreshed(client, person.refresh_token)).json()
    await client.post("/auth/revoke", data={"token": person.refresh_token})
    assert await status_of(client, pair["access_token"]) == 401


async def test_revoke_says_of_nothing_whether_it_was_a_token(
    client: AsyncClient, person: Person
) -> None:
    """RFC 7009 section 2.2: unknown and dead tokens are no error."""
    superseded = await sign_up(client)
    await sign_in(client, superseded.username)
    reference = await client.post("/auth/revoke", data={"token": (await sign_up(client)).token})
    dead = [superseded.token, superseded.refresh_token]
    garbage = ["x", "A" * 76, "a.b.c", "x" * 10_000, "\0", "🙂", person.token[:-1] + "~"]
    for token in [*dead, *dead, *garbage]:
        answer = await client.post("/auth/revoke", data={"token": token})
        assert (answer.status_code, answer.content) == (200, b"")
        differing = {"x-request-id"}
        assert {k: v for k, v in answer.headers.items() if k not in differing} == {
            k: v for k, v in reference.headers.items() if k not in differing
        }
    assert await status_of(client, person.token) == 200


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        (FORM, b"", 422),
        (FORM, b"token=", 422),
        (FORM, b"token=a&token=b", 422),
        (FORM, b"token=a&token_type_hint=a&token_type_hint=b", 422),
        ({"Content-Type": "application/json"}, b'{"token": "a"}', 415),
        ({}, b"token=a", 415),
    ],
)
async def test_a_body_that_names_no_token_is_refused(
    client: AsyncClient, headers: dict[str, str], body: bytes, status: int
) -> None:
    answer = await client.post("/auth/revoke", content=body, headers=headers)
    assert_problem(answer, status, answer.json()["code"])


async def test_a_token_in_the_address_is_not_revoked(client: AsyncClient, person: Person) -> None:
    answer = await client.post("/auth/revoke", params={"token": person.token})
    assert_problem(answer, 415, "unsupported_media_type")
    answer = await client.get("/auth/revoke", params={"token": person.token})
    assert_problem(answer, 405, "method_not_allowed")
    assert await status_of(client, person.token) == 200


@pytest.mark.parametrize("path", ["/auth/sessions", "/auth/sessions/"])
async def test_the_owner_sees_where_they_are_signed_in(client: AsyncClient, path: str) -> None:
    person = await sign_up(client)
    agent = {"User-Agent": "A browser \x1b[31m <b>"}
    await client.post("/auth/refresh", data={"refresh_token": person.refresh_token}, headers=agent)
    again = await sign_in(client, person.username)
    answer = await client.get(path, headers=again.headers)
    assert answer.headers["cache-control"] == "private, no-store"
    (session,) = answer.json()["sessions"]
    assert session.keys() == {
        *("id", "created_at", "last_used_at", "expires_at"),
        *("user_agent", "address", "current"),
    }
    assert session["current"] is True
    assert session["address"] == "127.0.0.1"
    assert session["user_agent"].startswith("python-httpx")
    times = [datetime.fromisoformat(session[f"{name}_at"]) for name in ("created", "expires")]
    assert 0 <= (datetime.now(UTC) - times[0]).total_seconds() < 60
    assert (times[1] - times[0]).days == 30


async def test_no_more_than_one_session_is_open_by_default(client: AsyncClient) -> None:
    person = await sign_up(client)
    first = (await open_sessions(person))[0]["id"]
    again = await sign_in(client, person.username)
    assert [session["id"] for session in await open_sessions(again)] != [first]
    assert len(await open_sessions(again)) == 1


async def test_of_many_sessions_the_one_used_last_comes_first_and_one_is_the_current(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, token_policy="many-sessions") as client:
        first = await sign_up(client, "ann")
        second = await sign_in(client, "ann")
        shown = await open_sessions(first)
        assert [session["current"] for session in shown] == [False, True]
        shown = await open_sessions(second)
        assert [session["current"] for session in shown] == [True, False]
        pair = (await refreshed(client, first.refresh_token)).json()
        shown = await open_sessions(Person(client, "ann", pair["access_token"], ""))
        assert [session["current"] for session in shown] == [True, False]


@pytest.mark.parametrize("slash", ["", "/"])
async def test_one_session_can_be_ended_from_another(tmp_path: Path, slash: str) -> None:
    async with served(tmp_path, token_policy="many-sessions") as client:
        first, second = await sign_up(client, "ann"), await sign_in(client, "ann")
        lost = next(one for one in await open_sessions(second) if not one["current"])
        path = f"/auth/sessions/{lost['id']}{slash}"
        answer = await client.delete(path, headers=second.headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["cache-control"] == "no-store"
        await assert_over(client, first)
        assert await status_of(client, second.token) == 200
        again = await client.delete(path, headers=second.headers)
        assert_problem(again, 404, "unknown_session")


async def test_the_own_session_can_be_ended_by_its_id(client: AsyncClient, person: Person) -> None:
    (session,) = await open_sessions(person)
    answer = await client.delete(f"/auth/sessions/{session['id']}", headers=person.headers)
    assert answer.status_code == 204
    await assert_over(client, person)


async def test_the_session_of_another_is_not_there(client: AsyncClient, person: Person) -> None:
    other = await sign_up(client)
    (session,) = await open_sessions(other)
    foreign = await client.delete(f"/auth/sessions/{session['id']}", headers=person.headers)
    unknown = await client.delete(f"/auth/sessions/{UNKNOWN}", headers=person.headers)
    assert_problem(foreign, 404, "unknown_session")
    assert foreign.content == unknown.content
    assert await status_of(client, other.token) == 200
    assert (await refreshed(client, other.refresh_token)).status_code == 200


@pytest.mark.parametrize(
    "session_id",
    [
        *("1", "x", UNKNOWN[:-1], UNKNOWN + "0", UNKNOWN.upper(), "%00", "%F0%9F%99%82", "..%2e"),
        *("01234567-89ab-cdef-0123-456789abcdef", "'%20or%201=1", "x" * 5000, UNKNOWN + "%0A"),
    ],
)
async def test_an_id_of_another_form_is_not_there(
    client: AsyncClient, person: Person, session_id: str
) -> None:
    answer = await client.delete(f"/auth/sessions/{session_id}", headers=person.headers)
    assert_problem(answer, 404, "unknown_session")
    assert await status_of(client, person.token) == 200


async def test_a_session_without_an_id_is_not_all_of_them(
    client: AsyncClient, person: Person
) -> None:
    answer = await client.delete("/auth/sessions/", headers=person.headers)
    assert_problem(answer, 405, "method_not_allowed")
    assert await status_of(client, person.token) == 200


async def test_signing_out_everywhere_ends_all_sessions(tmp_path: Path) -> None:
    async with served(tmp_path, token_policy="many-sessions") as client:
        people = [await sign_up(client, "ann"), *[await sign_in(client, "ann") for _ in range(3)]]
        other = await sign_up(client, "bob")
        answer = await client.delete("/auth/sessions", headers=people[1].headers)
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["cache-control"] == "no-store"
        for person in people:
            await assert_over(client, person)
        assert await status_of(client, other.token) == 200
        assert await status_of(client, (await sign_in(client, "ann")).token) == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/auth/sign-out"),
        ("GET", "/auth/sessions"),
        ("DELETE", "/auth/sessions"),
        ("DELETE", f"/auth/sessions/{UNKNOWN}"),
        ("DELETE", "/auth/sessions/x"),
    ],
)
async def test_without_a_token_nothing_is_told_or_ended(
    client: AsyncClient, method: str, path: str
) -> None:
    assert_problem(await client.request(method, path), 401, "not_authenticated")
    answer = await client.request(method, path, headers=bearer("x"))
    assert_problem(answer, 401, "invalid_token")
