"""What pages of other sites cannot do with somebody's cookies, nor to their own (cross-site request forgery)."""

from typing import Any

import pytest
from httpx2 import AsyncClient
from tests.web.browser import ACCESS, REFRESH, Browser, cookies_of
from tests.web.conftest import BASE_URL, PASSWORD, Person, assert_problem, new_name, status_of

NEW = "eight green boats at noon"
OWN = [
    {"Origin": BASE_URL, "Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "same-origin"},
    {"Sec-Fetch-Site": "none"},
    {"Origin": BASE_URL},
    {"Origin": "https://service.test"},
]
OTHER = [
    {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": ""},
    {"Sec-Fetch-Site": "Same-Origin"},
    {"Sec-Fetch-Site": "same-origin, cross-site"},
    {"Origin": BASE_URL, "Sec-Fetch-Site": "cross-site"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": ""},
    {"Origin": f"{BASE_URL}:8080"},
    {"Origin": f"{BASE_URL}.evil.example"},
    {"Origin": "http://sub.service.test"},
    {"Origin": "http://xservice.test"},
    {"Origin": "http://service.tes"},
    {"Origin": "http://SERVICE.TEST"},
    {"Origin": "http://service.test@evil.example"},
    {"Origin": "http://evil.example@service.test"},
    {"Origin": "http://evil.example/service.test"},
    {"Origin": "http://[service.test"},
    {"Origin": "http://[::1]"},
    {"Origin": "service.test"},
    {"Origin": "http:service.test"},
    {"Origin": "http://"},
    {"Origin": f"https://evil.example {BASE_URL}"},
]
SILENT: dict[str, str] = {}
WRITES: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/auth/sign-out", {}),
    ("POST", "/auth/refresh", {}),
    ("PUT", "/auth/password", {"json": {"current_password": PASSWORD, "new_password": NEW}}),
    ("DELETE", "/auth/user", {"json": {"password": PASSWORD}}),
    ("DELETE", "/auth/sessions", {}),
    ("DELETE", "/auth/sessions/0123456789abcdef0123456789abcdef", {}),
]


@pytest.fixture
async def browser(client: AsyncClient) -> Browser:
    browser = Browser(client)
    assert (await browser.sign_up(new_name())).status_code == 201
    return browser


def credentials(name: str, **more: str) -> dict[str, str]:
    return {"username": name, "password": PASSWORD, **more}


@pytest.mark.parametrize("page", [*OTHER, SILENT])
async def test_a_cookie_writes_only_for_pages_of_the_own_site(
    client: AsyncClient, browser: Browser, page: dict[str, str]
) -> None:
    before = dict(browser.jar)
    browser.page = page
    for method, path, sent in WRITES:
        answer = await browser.send(method, path, **sent)
        assert_problem(answer, 403, "cross_site")
        assert "set-cookie" not in answer.headers
    assert await status_of(client, before[ACCESS]) == 200
    refreshed = await client.post("/auth/refresh", data={"refresh_token": before[REFRESH]})
    assert refreshed.status_code == 200


@pytest.mark.parametrize("page", OWN)
@pytest.mark.parametrize("write", WRITES[:-1], ids=lambda write: write[1])
async def test_pages_of_the_own_site_write(
    browser: Browser, page: dict[str, str], write: tuple[str, str, dict[str, Any]]
) -> None:
    browser.page = page
    method, path, sent = write
    answer = await browser.send(method, path, **sent)
    assert answer.status_code in {200, 204}, answer.text


@pytest.mark.parametrize(
    "content_type",
    ["application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "text/plain"],
)
async def test_no_kind_of_form_of_another_site_comes_through(
    browser: Browser, content_type: str
) -> None:
    browser.page = {"Origin": "https://evil.example", "Content-Type": content_type}
    for method, path, _ in WRITES:
        answer = await browser.send(method, path, content=b"--x--\r\n")
        assert answer.status_code in {403, 415, 422}
        assert_problem(answer, answer.status_code, answer.json()["code"])
    assert (await browser.send("GET", "/auth/user")).status_code == 200


@pytest.mark.parametrize("page", [*OTHER, SILENT])
@pytest.mark.parametrize("route", ["sign-in", "sign-up"])
async def test_no_other_page_signs_somebody_in_by_cookie(
    client: AsyncClient, person: Person, page: dict[str, str], route: str
) -> None:
    """Else they would go on in an account of the attacker's (login CSRF)."""
    browser = Browser(client, page=page)
    sign = browser.sign_in if route == "sign-in" else browser.sign_up
    answer = await sign(person.username if route == "sign-in" else new_name())
    assert_problem(answer, 403, "cross_site")
    assert "set-cookie" not in answer.headers
    assert await status_of(client, person.token) == 200


@pytest.mark.parametrize("page", OWN)
async def test_pages_of_the_own_site_sign_in_by_cookie(
    client: AsyncClient, person: Person, page: dict[str, str]
) -> None:
    answer = await Browser(client, page=page).sign_in(person.username)
    assert answer.status_code == 200
    assert cookies_of(answer).keys() == {ACCESS, REFRESH}


@pytest.mark.parametrize("page", OTHER)
async def test_no_other_page_signs_in_for_tokens_either(
    client: AsyncClient, person: Person, page: dict[str, str]
) -> None:
    """It could not read them, but it would sign the owner out."""
    for answer in (
        await client.post("/auth/sign-in", data=credentials(person.username), headers=page),
        await client.post("/auth/sign-up", json=credentials(new_name()), headers=page),
    ):
        assert_problem(answer, 403, "cross_site")
    assert await status_of(client, person.token) == 200


async def test_what_is_no_browser_signs_in_for_tokens(client: AsyncClient, person: Person) -> None:
    answer = await client.post("/auth/sign-in", data=credentials(person.username))
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "fetch",
    [
        {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "iframe"},
        {"Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "embed"},
        {},
    ],
)
async def test_no_other_site_embeds_what_a_cookie_opens(
    browser: Browser, fetch: dict[str, str]
) -> None:
    name = (await browser.send("GET", "/auth/user")).json()["username"]
    browser.page = {"Sec-Fetch-Site": "cross-site", **fetch}
    for path in ("/emoticon/", "/emoticon", "/auth/user", "/auth/sessions"):
        answer = await browser.send("GET", path, params={"username": name})
        assert_problem(answer, 403, "cross_site")
        head = await browser.send("HEAD", path, params={"username": name})
        assert head.status_code == 403


@pytest.mark.parametrize(
    "page",
    [
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"},
        {
            "Sec-Fetch-Site": "cross-site",
            "Sec-Fetch-Mode": "navigate",
            "Sec-Fetch-Dest": "document",
        },
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"},
        {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
        SILENT,
    ],
)
async def test_links_and_the_own_pages_show_what_a_cookie_opens(
    browser: Browser, page: dict[str, str]
) -> None:
    name = (await browser.send("GET", "/auth/user")).json()["username"]
    browser.page = page
    answer = await browser.send("GET", "/emoticon/", params={"username": name})
    assert answer.status_code == 200


@pytest.mark.parametrize("page", [*OTHER, SILENT])
async def test_a_token_needs_no_page(
    client: AsyncClient, person: Person, page: dict[str, str]
) -> None:
    headers = {**person.headers, **page}
    assert (await client.get("/auth/user", headers=headers)).status_code == 200
    answer = await client.post("/auth/refresh", data={"refresh_token": person.refresh_token})
    headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
    assert (await client.post("/auth/sign-out", headers=headers)).status_code == 204
