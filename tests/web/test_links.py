"""The HTTP contract of share links."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from httpx2 import AsyncClient
from tests.web.conftest import Person, assert_problem, bearer, served, sign_up
from tests.web.sharing import (
    ask,
    fresh_query,
    revoke,
    share,
)


async def listed(person: Person) -> list[dict[str, Any]]:
    answer = await person.client.get("/emoticon/links", headers=person.headers)
    assert answer.status_code == 200
    found: list[dict[str, Any]] = answer.json()["links"]
    return found


@pytest.mark.parametrize("path", ["/emoticon/links", "/emoticon/links/"])
async def test_a_new_link_says_all_about_itself_and_nobody_keeps_it(
    client: AsyncClient, person: Person, path: str
) -> None:
    body = {"label": "forum", "expires_in": 3600, "sizes": [64, 32, 64]}
    answer = await client.post(path, json=body, headers=person.headers)
    assert answer.status_code == 201
    assert answer.headers["cache-control"] == "no-store"
    link = answer.json()
    assert link.keys() == {"id", "label", "sizes", "created_at", "expires_at", "url", "version"}
    assert (link["label"], link["sizes"]) == ("forum", [32, 64])
    created_at, expires_at = (
        datetime.fromisoformat(link[name]) for name in ("created_at", "expires_at")
    )
    assert expires_at - created_at == timedelta(hours=1)
    listing = await client.get(path, headers=person.headers)
    assert listing.json() == {"links": [link]}
    assert listing.headers["cache-control"] == "private, no-store"


async def test_a_link_without_wishes_is_for_ever_and_for_any_size(person: Person) -> None:
    link = (await ask(person)).json()
    assert (link["label"], link["sizes"], link["expires_at"]) == ("", [], None)
    assert await listed(person) == [link]


@pytest.mark.parametrize(
    "body",
    [
        {"label": "x" * 101},
        {"label": 7},
        {"label": None},
        {"expires_in": 59},
        {"expires_in": 31_536_001},
        {"expires_in": 10**30},
        {"expires_in": "60"},
        {"expires_in": 60.5},
        {"expires_in": True},
        {"sizes": [15]},
        {"sizes": [513]},
        {"sizes": ["64"]},
        {"sizes": [True]},
        {"sizes": 64},
        {"sizes": None},
        {"sizes": [64] * 17},
    ],
)
async def test_a_link_that_cannot_be_is_refused(person: Person, body: dict[str, object]) -> None:
    assert_problem(await ask(person, body), 422, "invalid_input")
    assert await listed(person) == []


async def test_a_number_is_taken_in_every_spelling_that_json_has(person: Person) -> None:
    body = b'{"expires_in": 6e1, "sizes": [64.0, 640E-1]}'
    headers = {**person.headers, "Content-Type": "application/json"}
    answer = await person.client.post("/emoticon/links", content=body, headers=headers)
    assert answer.status_code == 201
    assert answer.json()["sizes"] == [64]


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e400", "9" * 5000, "[1]"])
async def test_what_is_no_number_of_seconds_is_refused(person: Person, number: str) -> None:
    headers = {**person.headers, "Content-Type": "application/json"}
    body = f'{{"expires_in": {number}}}'
    answer = await person.client.post("/emoticon/links", content=body, headers=headers)
    assert_problem(answer, 422, "invalid_input")


async def test_a_label_of_two_lines_is_refused_by_a_rule_of_its_own(person: Person) -> None:
    assert_problem(await ask(person, {"label": "a\nb"}), 422, "invalid_link")


async def test_a_link_is_asked_for_in_json(client: AsyncClient, person: Person) -> None:
    answer = await client.post("/emoticon/links", data={"label": "x"}, headers=person.headers)
    assert_problem(answer, 415, "unsupported_media_type")


async def test_one_link_too_many_is_told_until_another_is_revoked(tmp_path: Path) -> None:
    async with served(tmp_path, account_links=1) as client:
        person = await sign_up(client)
        shared = await share(person)
        assert_problem(await ask(person), 409, "too_many_links")
        assert (await revoke(shared)).status_code == 204
        await share(person)


async def test_where_nobody_may_have_links_it_is_told(tmp_path: Path) -> None:
    async with served(tmp_path, account_links=0) as client:
        answer = await ask(await sign_up(client))
    assert_problem(answer, 409, "too_many_links")
    assert answer.json()["detail"] == "Nobody may have links here"


async def test_a_revoked_link_is_gone_at_once_and_for_ever(person: Person) -> None:
    shared = await share(person)
    for query in ("", f"v={shared.version}", "size=64", fresh_query()):
        assert (await shared.get(query)).status_code == 200
    answer = await revoke(shared)
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["cache-control"] == "no-store"
    for query in ("", f"v={shared.version}", "size=64", fresh_query()):
        assert_problem(await shared.get(query), 404, "unknown_link")
    assert_problem(await revoke(shared), 404, "unknown_link")
    assert await listed(person) == []


async def test_a_slash_at_the_end_of_a_revocation_makes_no_difference(person: Person) -> None:
    shared = await share(person)
    path = f"/emoticon/links/{shared.id}/"
    assert (await person.client.delete(path, headers=person.headers)).status_code == 204


async def test_nobody_revokes_or_lists_the_link_of_another(
    client: AsyncClient, person: Person
) -> None:
    shared = await share(person)
    other = await sign_up(client)
    path = f"/emoticon/links/{shared.id}"
    assert_problem(await client.delete(path, headers=other.headers), 404, "unknown_link")
    assert await listed(other) == []
    assert (await shared.get(fresh_query())).status_code == 200


@pytest.mark.parametrize("link_id", ["x", "0" * 31, "F" * 32, "0" * 33, "%00", "..%2f..", "é"])
async def test_what_is_no_id_is_no_link(person: Person, link_id: str) -> None:
    answer = await person.client.delete(f"/emoticon/links/{link_id}", headers=person.headers)
    assert answer.status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/emoticon/links"),
        ("POST", "/emoticon/links"),
        ("DELETE", f"/emoticon/links/{'0' * 32}"),
    ],
)
async def test_links_are_managed_with_a_token_only(
    client: AsyncClient, person: Person, method: str, path: str
) -> None:
    shared = await share(person)
    for headers in ({}, bearer(shared.token), {"Cookie": f"__Host-emoticon={shared.token}"}):
        answer = await client.request(method, path, headers=headers)
        assert answer.status_code in {401, 403}
