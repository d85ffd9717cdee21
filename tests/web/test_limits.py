"""The HTTP contract of limits: too many attempts are refused before any work, and said so."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from httpx2 import AsyncClient, Response
from tests.web.browser import Browser
from tests.web.conftest import (
    PASSWORD,
    Person,
    assert_problem,
    new_name,
    served,
    sign_in,
    sign_up,
    speaking_to,
    status_of,
)

from emoticon.domain.services import Services
from emoticon.settings import Settings
from emoticon.wiring import open_services

WRONG = "wrong"
NEW = "eight green boats at noon"


@pytest.fixture
async def limited(tmp_path: Path) -> AsyncGenerator[AsyncClient]:
    """A service as it is by default, for one test."""
    async with served(tmp_path, limits="on") as client:
        yield client


async def try_sign_in(
    client: AsyncClient, username: str, password: str = WRONG, address: str = ""
) -> Response:
    headers = {"X-Forwarded-For": address} if address else {}
    form = {"username": username, "password": password}
    return await client.post("/auth/sign-in", data=form, headers=headers)


def assert_limited(answer: Response, window_s: int = 300) -> None:
    assert_problem(answer, 429, "too_many_attempts")
    assert answer.json()["title"] == "Too Many Requests"
    assert 1 <= int(answer.headers["retry-after"]) <= window_s
    assert "set-cookie" not in answer.headers


async def exhaust(client: AsyncClient, username: str, count: int = 5) -> None:
    for _ in range(count):
        assert (await try_sign_in(client, username)).status_code == 401


async def test_the_sixth_wrong_password_is_told_when_to_come_back(limited: AsyncClient) -> None:
    person = await sign_up(limited, "ann")
    await exhaust(limited, "ann")
    for _ in range(3):
        assert_limited(await try_sign_in(limited, "ann"))
    assert await status_of(limited, person.token) == 200, "who is signed in stays so"


async def test_while_limited_a_right_password_gets_the_same_answer(limited: AsyncClient) -> None:
    await sign_up(limited, "ann")
    await exhaust(limited, "ann")
    wrong, right = [await try_sign_in(limited, "ann", word) for word in ("wrong", PASSWORD)]
    assert_limited(right)
    assert right.content == wrong.content
    changing = {"x-request-id", "retry-after"}
    assert {k: v for k, v in right.headers.items() if k not in changing} == {
        k: v for k, v in wrong.headers.items() if k not in changing
    }


async def test_a_name_that_nobody_has_is_limited_alike(limited: AsyncClient) -> None:
    await sign_up(limited, "ann")
    await exhaust(limited, "ann")
    await exhaust(limited, "nobody-of-this-name")
    known, unknown = [await try_sign_in(limited, name) for name in ("ann", "nobody-of-this-name")]
    assert_limited(unknown)
    assert known.content == unknown.content


async def test_a_name_is_limited_in_all_its_spellings(limited: AsyncClient) -> None:
    await sign_up(limited, "ann")
    for spelling in ("ann", "ANN", "Ann", "ａnn", "aNn"):
        assert (await try_sign_in(limited, spelling)).status_code == 401
    assert_limited(await try_sign_in(limited, "anN", PASSWORD))


@pytest.mark.parametrize("name", ["bob", "ann.", "ann:", "a", "", "ann\0"])
async def test_the_limit_of_one_name_is_not_that_of_another(
    limited: AsyncClient, name: str
) -> None:
    await exhaust(limited, "ann")
    assert_limited(await try_sign_in(limited, "ann"))
    assert (await try_sign_in(limited, name)).status_code == 401


async def test_a_right_password_makes_the_wrong_ones_forgotten(limited: AsyncClient) -> None:
    await sign_up(limited, "ann")
    for _ in range(3):
        await exhaust(limited, "ann", 4)
        assert (await try_sign_in(limited, "ann", PASSWORD)).status_code == 200


async def test_right_passwords_alone_are_never_limited(limited: AsyncClient) -> None:
    await sign_up(limited, "ann")
    for _ in range(12):
        assert (await try_sign_in(limited, "ann", PASSWORD)).status_code == 200


async def test_of_forty_at_once_no_more_than_the_limit_are_looked_at(limited: AsyncClient) -> None:
    answers = await asyncio.gather(*(try_sign_in(limited, "ann") for _ in range(40)))
    assert sorted(answer.status_code for answer in answers) == [401] * 5 + [429] * 35


async def test_when_the_window_is_over_it_begins_anew(tmp_path: Path) -> None:
    async with served(tmp_path, limits="on", password_attempts=2, attempts_window_s=1) as client:
        await sign_up(client, "ann")
        async with asyncio.timeout(20):
            while (await try_sign_in(client, "ann")).status_code != 429:
                pass
            while (answer := await try_sign_in(client, "ann", PASSWORD)).status_code == 429:
                assert_limited(answer, window_s=1)
                await asyncio.sleep(0.05)
    assert answer.status_code == 200


async def test_an_address_is_limited_whatever_the_names(tmp_path: Path) -> None:
    async with served(tmp_path, limits="on", address_attempts=7) as client:
        await sign_up(client, "ann")
        for number in range(7):
            assert (await try_sign_in(client, f"name-{number}")).status_code == 401
        assert_limited(await try_sign_in(client, "ann", PASSWORD))


async def test_a_right_password_does_not_clear_its_address(tmp_path: Path) -> None:
    """Else an account of one's own would pay for guessing those of others."""
    async with served(tmp_path, limits="on", address_attempts=4) as client:
        await sign_up(client, "ann")
        for number in range(2):
            assert (await try_sign_in(client, f"name-{number}")).status_code == 401
            assert (await try_sign_in(client, "ann", PASSWORD)).status_code == 200
        assert_limited(await try_sign_in(client, "name-9"))


async def test_one_address_makes_so_many_accounts(tmp_path: Path) -> None:
    async with served(tmp_path, limits="on", address_signups=3) as client:
        for _ in range(3):
            await sign_up(client)
        body = {"username": new_name(), "password": PASSWORD}
        assert_limited(await client.post("/auth/sign-up", json=body), window_s=3600)


async def test_a_taken_name_counts_as_a_sign_up_and_a_wrong_one_does_not(tmp_path: Path) -> None:
    async with served(tmp_path, limits="on", address_signups=2) as client:
        await sign_up(client, "ann")
        for name, status in (("a/b", 422), ("admin", 422), ("ann", 409), ("ann", 429)):
            body = {"username": name, "password": PASSWORD}
            answer = await client.post("/auth/sign-up", json=body)
            assert answer.status_code == status
        assert_limited(answer, window_s=3600)


async def change(person: Person, current: str) -> Response:
    body = {"current_password": current, "new_password": NEW}
    return await person.client.put("/auth/password", json=body, headers=person.headers)


async def leave(person: Person, password: str) -> Response:
    return await person.client.request(
        "DELETE", "/auth/user", json={"password": password}, headers=person.headers
    )


async def test_a_wrong_password_counts_wherever_it_is_asked_for(limited: AsyncClient) -> None:
    person = await sign_up(limited, "ann")
    for _ in range(2):
        assert_problem(await change(person, "wrong"), 403, "wrong_password")
        assert_problem(await leave(person, "wrong"), 403, "wrong_password")
    await exhaust(limited, "ann", 1)
    for answer in (
        await change(person, "wrong"),
        await change(person, PASSWORD),
        await leave(person, PASSWORD),
        await try_sign_in(limited, "ann", PASSWORD),
    ):
        assert_limited(answer)
    assert await status_of(limited, person.token) == 200


async def test_a_right_current_password_makes_the_wrong_ones_forgotten(
    limited: AsyncClient,
) -> None:
    person = await sign_up(limited, "ann")
    await exhaust(limited, "ann", 4)
    assert (await change(person, PASSWORD)).status_code == 200
    await exhaust(limited, "ann", 4)
    assert (await try_sign_in(limited, "ann", NEW)).status_code == 200


async def test_what_is_refused_for_another_reason_counts_against_nothing(
    limited: AsyncClient,
) -> None:
    person = await sign_up(limited, "ann")
    browser = Browser(limited, page={"Origin": "https://evil.example"})
    for _ in range(6):
        assert (await browser.sign_in("ann")).status_code == 403
        assert (await try_sign_in(limited, "ann", "x" * 257)).status_code == 422
        assert (await limited.post("/auth/sign-in", data={"username": "ann"})).status_code == 422
        body = {"current_password": "wrong", "new_password": "short"}
        answer = await limited.put("/auth/password", json=body, headers=person.headers)
        assert answer.status_code == 422
    assert (await try_sign_in(limited, "ann", PASSWORD)).status_code == 200


async def test_with_limits_off_nobody_waits(tmp_path: Path) -> None:
    off = {"limits": "off", "password_attempts": 1, "address_attempts": 1, "address_signups": 1}
    async with served(tmp_path, **off) as client:
        for name in ("ann", "bob"):
            await sign_up(client, name)
        await exhaust(client, "ann", 10)
        assert (await sign_in(client, "ann")).token


@pytest.fixture
def behind_proxy(tmp_path: Path) -> Settings:
    return Settings(
        data_dir=tmp_path, password_attempts=2, trusted_proxies="192.0.2.0/24, 2001:db8:1::/48"
    )


@pytest.fixture
async def proxied(behind_proxy: Settings) -> AsyncGenerator[Services]:
    async with open_services(behind_proxy) as services:
        yield services


async def test_behind_a_trusted_proxy_each_client_has_a_limit_of_its_own(
    behind_proxy: Settings, proxied: Services
) -> None:
    async with speaking_to(behind_proxy, proxied, address="192.0.2.1") as client:
        await sign_up(client, "ann")
        for _ in range(2):
            answer = await try_sign_in(client, "ann", address="203.0.113.5")
            assert answer.status_code == 401
        assert_limited(await try_sign_in(client, "ann", PASSWORD, address="203.0.113.5"))
        made_up = "198.51.100.99, 203.0.113.5"
        assert_limited(await try_sign_in(client, "ann", PASSWORD, address=made_up))
        assert_limited(await try_sign_in(client, "ann", address="203.0.113.5, 192.0.2.7"))
        answer = await try_sign_in(client, "ann", PASSWORD, address="203.0.113.6")
        assert answer.status_code == 200, "nobody is kept out by somebody elsewhere"
        token = answer.json()["access_token"]
        listed = await client.get("/auth/sessions", headers={"Authorization": f"Bearer {token}"})
        assert [one["address"] for one in listed.json()["sessions"]] == ["203.0.113.6"]


async def test_who_is_no_trusted_proxy_names_nobody(
    behind_proxy: Settings, proxied: Services
) -> None:
    async with speaking_to(behind_proxy, proxied, address="203.0.113.9") as client:
        for number in range(2):
            answer = await try_sign_in(client, "ann", address=f"198.51.100.{number}")
            assert answer.status_code == 401
        assert_limited(await try_sign_in(client, "ann", address="198.51.100.77"))


async def test_an_ipv6_network_of_64_bits_is_one_address(
    behind_proxy: Settings, proxied: Services
) -> None:
    async with speaking_to(behind_proxy, proxied, address="2001:db8:1::1") as client:
        for number in (1, 2):
            answer = await try_sign_in(client, "ann", address=f"2001:db8:2:3:{number}::1")
            assert answer.status_code == 401
        assert_limited(await try_sign_in(client, "ann", address="[2001:db8:2:3::9]:443"))
        assert (await try_sign_in(client, "ann", address="2001:db8:2:4::1")).status_code == 401
