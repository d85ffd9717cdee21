"""The HTTP contract of sign-in, and of the tokens that it gives."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest
from httpx2 import AsyncClient
from tests.web.conftest import (
    PASSWORD,
    Person,
    assert_problem,
    bearer,
    new_name,
    refreshed,
    served,
    sign_in,
    sign_up,
    status_of,
)

from emoticon.domain.models import Claims
from emoticon.domain.services import Services

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
MULTIPART = {"Content-Type": "multipart/form-data; boundary=x"}


def multipart(**fields: str) -> bytes:
    parts = [
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + "--x--\r\n").encode()


@pytest.mark.parametrize("path", ["/auth/sign-in", "/auth/sign-in/"])
async def test_sign_in_answers_two_tokens_that_nobody_keeps(
    client: AsyncClient, person: Person, path: str
) -> None:
    form = {"grant_type": "password", "username": person.username, "password": PASSWORD}
    answer = await client.post(path, data=form)
    assert answer.status_code == 200
    pair = answer.json()
    assert pair.keys() == {
        "access_token",
        "token_type",
        "expires_in",
        "refresh_token",
        "refresh_expires_in",
    }
    assert (pair["token_type"], pair["expires_in"]) == ("bearer", 600)
    assert pair["refresh_expires_in"] == 14 * 86400
    assert "set-cookie" not in answer.headers
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"


async def test_sign_in_takes_a_multipart_form(client: AsyncClient, person: Person) -> None:
    body = multipart(username=person.username, password=PASSWORD)
    answer = await client.post("/auth/sign-in", content=body, headers=MULTIPART)
    assert answer.status_code == 200


@pytest.mark.parametrize("spelling", [str.upper, str.title, lambda name: "ｐ" + name[1:]])
async def test_the_name_is_found_in_every_spelling(
    client: AsyncClient, person: Person, spelling: Callable[[str], str]
) -> None:
    found = await sign_in(client, spelling(person.username))
    answer = await client.get("/auth/user", headers=found.headers)
    assert answer.json()["username"] == person.username


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("{}", "wrong password"),
        ("{}", ""),
        ("{}", PASSWORD + " "),
        ("{}", PASSWORD.upper()),
        ("nobody-of-this-name", PASSWORD),
        ("nobody-of-this-name", ""),
        ("", PASSWORD),
        ("x" * 33, PASSWORD),
        ("x" * 1000, PASSWORD),
        ("{}\0", PASSWORD),
        ("{}\r\nX: y", PASSWORD),
        ("\ufffe", "\0"),
        ("' or 1=1 --", "' or 1=1 --"),
    ],
)
async def test_whatever_does_not_fit_gets_the_same_answer(
    client: AsyncClient, person: Person, username: str, password: str
) -> None:
    reference = await client.post(
        "/auth/sign-in", data={"username": "nobody", "password": "nothing"}
    )
    answer = await client.post(
        "/auth/sign-in", data={"username": username.format(person.username), "password": password}
    )
    assert_problem(answer, 401, "wrong_credentials")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["detail"] == "Incorrect username or password"
    differing = {"x-request-id"}
    assert answer.content == reference.content
    assert {k: v for k, v in answer.headers.items() if k not in differing} == {
        k: v for k, v in reference.headers.items() if k not in differing
    }


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (FORM, b""),
        (FORM, b"username=alice"),
        (FORM, b"password=x"),
        (FORM, b"username=a&username=b&password=x"),
        (FORM, b"username=a&password=x&password=y"),
        (FORM, b"grant_type=foo&username=a&password=x"),
        (FORM, b"username=a&password=" + b"x" * 257),
        (FORM, b"username=a&password=" + b"x" * 60_000),
        (FORM, b"&".join(b"a%d=1" % number for number in range(5000))),
        (MULTIPART, b""),
        (MULTIPART, b"--y\r\n\r\n"),
        (MULTIPART, multipart(username="a")),
        ({"Content-Type": "multipart/form-data"}, multipart(username="a", password="b")),
        (
            MULTIPART,
            b'--x\r\nContent-Disposition: form-data; name="username"; filename="f"\r\n\r\na\r\n--x--\r\n',
        ),
    ],
)
async def test_a_body_that_is_no_sign_in_is_refused(
    client: AsyncClient, headers: dict[str, str], body: bytes
) -> None:
    answer = await client.post("/auth/sign-in", content=body, headers=headers)
    assert answer.status_code in {400, 422}
    assert_problem(answer, answer.status_code, answer.json()["code"])


@pytest.mark.parametrize(
    "content_type",
    ["application/json", "text/plain", "application/x-www-form-urlencoded;charset=utf-7", ""],
)
async def test_sign_in_takes_forms_only(client: AsyncClient, content_type: str) -> None:
    answer = await client.post(
        "/auth/sign-in",
        content=b'{"username":"a","password":"b"}',
        headers={"Content-Type": content_type},
    )
    assert_problem(answer, 415, "unsupported_media_type")


async def test_bytes_that_are_no_utf8_are_only_a_wrong_password(
    client: AsyncClient, person: Person
) -> None:
    body = f"username={person.username}&password=%ff%c0%ae".encode()
    answer = await client.post("/auth/sign-in", content=body, headers=FORM)
    assert_problem(answer, 401, "wrong_credentials")


async def test_a_new_token_replaces_the_older_ones_at_once(
    client: AsyncClient, person: Person
) -> None:
    newer = await sign_in(client, person.username)
    answer = await client.get("/auth/user", headers=person.headers)
    assert_problem(answer, 401, "session_superseded")
    assert answer.headers["www-authenticate"] == 'Bearer error="invalid_token"'
    assert await status_of(client, newer.token) == 200


async def test_of_twenty_sign_ins_at_once_one_token_stays_valid(client: AsyncClient) -> None:
    person = await sign_up(client, new_name())
    signed_in = await asyncio.gather(*(sign_in(client, person.username) for _ in range(20)))
    everyone = [*signed_in, person]
    statuses = [await status_of(client, one.token) for one in everyone]
    assert sorted(statuses) == [200] + [401] * 20
    exchanged = [(await refreshed(client, one.refresh_token)).status_code for one in everyone]
    assert exchanged == statuses, "the refresh tokens share the fate of their access tokens"


async def test_without_a_token_the_challenge_names_no_error(client: AsyncClient) -> None:
    answer = await client.get("/auth/user")
    assert_problem(answer, 401, "not_authenticated")
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.json()["detail"] == "Not authenticated"


@pytest.mark.parametrize("value", ["Basic YTpi", "Token x", "", "x"])
async def test_another_scheme_is_no_token(client: AsyncClient, value: str) -> None:
    answer = await client.get("/auth/user", headers={"Authorization": value})
    assert_problem(answer, 401, "not_authenticated")


@pytest.mark.parametrize(
    "value",
    ["Bearer", "Bearer  ", "bearer x y", "Bearer\tX", "Bearer x", "Bearer  {}", "Bearer {},{}"],
)
async def test_a_malformed_bearer_is_an_invalid_token(
    client: AsyncClient, person: Person, value: str
) -> None:
    headers = {"Authorization": value.replace("{}", person.token)}
    answer = await client.get("/auth/user", headers=headers)
    assert_problem(answer, 401, "invalid_token")
    assert answer.json()["detail"] == "Could not validate token"


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer"])
async def test_the_scheme_has_no_case(client: AsyncClient, person: Person, scheme: str) -> None:
    headers = {"Authorization": f"{scheme} {person.token}"}
    assert (await client.get("/auth/user", headers=headers)).status_code == 200


async def test_two_authorization_headers_are_refused_in_both_orders(
    client: AsyncClient, person: Person
) -> None:
    good, bad = f"Bearer {person.token}", "Bearer x"
    for pair in ((good, bad), (bad, good), (good, good), (good, "Basic YTpi")):
        answer = await client.get("/auth/user", headers=[("Authorization", one) for one in pair])
        assert_problem(answer, 401, "invalid_token")


async def test_a_token_anywhere_else_is_not_looked_at(client: AsyncClient, person: Person) -> None:
    answer = await client.get("/auth/user", params={"access_token": person.token})
    assert_problem(answer, 401, "not_authenticated")


def forged(services: Services, account_id: int, *, version: int) -> str:
    now_s = services.accounts.tokens.clock.now_ms() // 1000
    claims = Claims(account_id, "gone", "0" * 32, version, now_s, now_s + 60)
    return services.accounts.tokens.signer.sign(claims)


async def test_the_token_of_no_account_is_invalid(client: AsyncClient, services: Services) -> None:
    """Signed with the right key: what is left of an account that was deleted."""
    answer = await client.get("/auth/user", headers=bearer(forged(services, 2**40, version=1)))
    assert_problem(answer, 401, "invalid_token")


async def test_a_token_from_the_future_of_its_account_is_invalid(
    client: AsyncClient, services: Services, person: Person
) -> None:
    """As after the database was set back to a backup."""
    user = (await client.get("/auth/user", headers=person.headers)).json()
    token = forged(services, user["id"], version=99)
    answer = await client.get("/auth/user", headers=bearer(token))
    assert_problem(answer, 401, "invalid_token")


async def test_one_sign_in_more_than_the_queue_is_told_when_to_come_back(tmp_path: Path) -> None:
    async with served(tmp_path, hash_queue=1) as client:
        form = {"username": "nobody", "password": "nothing"}
        answers = await asyncio.gather(
            *(client.post("/auth/sign-in", data=form) for _ in range(40))
        )
    busy = [answer for answer in answers if answer.status_code == 503]
    assert busy
    assert {answer.status_code for answer in answers} == {401, 503}
    for answer in busy:
        assert_problem(answer, 503, "hashing_busy")
