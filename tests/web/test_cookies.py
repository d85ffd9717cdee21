"""The HTTP contract of sessions by cookie, and of a cookie beside a token."""

from pathlib import Path

import pytest
from httpx2 import AsyncClient, Response
from tests.web.browser import ACCESS, REFRESH, Browser, cookies_of
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


@pytest.fixture
async def browser(client: AsyncClient) -> Browser:
    """Somebody new, signed in by cookie."""
    browser = Browser(client)
    assert (await browser.sign_up(new_name())).status_code == 201
    return browser


async def user(browser: Browser) -> str:
    answer = await browser.send("GET", "/auth/user")
    assert answer.status_code == 200, answer.text
    name: str = answer.json()["username"]
    return name


def assert_cookies(answer: Response, status: int = 200) -> None:
    """Both cookies are as strict as they can be, and no script ever sees what is in them."""
    assert answer.status_code == status, answer.text
    assert answer.json() == {
        "token_type": "cookie",
        "expires_in": 600,
        "refresh_expires_in": 14 * 86400,
    }
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["pragma"] == "no-cache"
    cookies = cookies_of(answer)
    assert cookies.keys() == {ACCESS, REFRESH}
    expected = {ACCESS: ("/", "lax", "600"), REFRESH: ("/auth/refresh", "strict", "1209600")}
    for name, (path, same_site, max_age) in expected.items():
        cookie = cookies[name]
        assert cookie["secure"]
        assert cookie["httponly"]
        assert cookie["domain"] == ""
        assert (cookie["path"], cookie["samesite"], cookie["max-age"]) == (path, same_site, max_age)
        assert cookie.value not in answer.text


def assert_goodbye(answer: Response) -> None:
    """Both cookies go, with the attributes without which a browser would keep them, and the pictures that it kept."""
    assert (answer.status_code, answer.content) == (204, b"")
    assert answer.headers["clear-site-data"] == '"cache"'
    cookies = cookies_of(answer)
    assert {(name, cookie["path"]) for name, cookie in cookies.items()} == {
        (ACCESS, "/"),
        (REFRESH, "/auth/refresh"),
    }
    for cookie in cookies.values():
        assert (cookie.value, cookie["max-age"]) == ("", "0")
        assert cookie["secure"]


async def test_a_sign_up_by_cookie_is_a_session(client: AsyncClient) -> None:
    browser, name = Browser(client), new_name()
    assert_cookies(await browser.sign_up(name), 201)
    assert await user(browser) == name


async def test_a_sign_in_by_cookie_is_a_session(client: AsyncClient, person: Person) -> None:
    browser = Browser(client)
    assert_cookies(await browser.sign_in(person.username))
    assert await user(browser) == person.username
    assert await status_of(client, person.token) == 401, "as after any other sign-in"


async def test_a_sign_in_is_a_new_session_whatever_cookies_were_there(
    client: AsyncClient, browser: Browser, person: Person
) -> None:
    """Else somebody could plant a session of their own beforehand (session fixation)."""
    planted = dict(browser.jar)
    planter = await user(browser)
    assert_cookies(await browser.sign_in(person.username))
    assert not set(planted.values()) & set(browser.jar.values())
    assert await user(browser) == person.username
    assert await user(Browser(client, jar=planted)) == planter
    odd = Browser(client, jar={ACCESS: "planted", REFRESH: "planted"})
    assert_cookies(await odd.sign_in(person.username))
    assert await user(odd) == person.username


@pytest.mark.parametrize("path", ["/auth/refresh", "/auth/refresh/"])
async def test_a_refresh_by_cookie_sets_the_next_cookies(
    client: AsyncClient, browser: Browser, path: str
) -> None:
    before = dict(browser.jar)
    assert_cookies(await browser.send("POST", path))
    assert not set(before.values()) & set(browser.jar.values())
    assert await user(browser)
    assert await status_of(client, before[ACCESS]) == 401


async def test_a_second_tab_gets_the_same_refresh_cookie(browser: Browser) -> None:
    before = browser.jar[REFRESH]
    await browser.send("POST", "/auth/refresh")
    successor = browser.jar[REFRESH]
    browser.jar[REFRESH] = before
    assert_cookies(await browser.send("POST", "/auth/refresh"))
    assert browser.jar[REFRESH] == successor


async def test_a_refresh_cookie_that_is_no_good_sets_no_cookie(browser: Browser) -> None:
    browser.jar[REFRESH] = "A" * 76
    answer = await browser.send("POST", "/auth/refresh")
    assert_problem(answer, 401, "invalid_grant")
    assert "set-cookie" not in answer.headers


async def test_the_access_cookie_refreshes_nothing_and_the_refresh_cookie_opens_nothing(
    client: AsyncClient, browser: Browser
) -> None:
    access = Browser(client, jar={ACCESS: browser.jar[ACCESS]})
    assert_problem(await access.send("POST", "/auth/refresh"), 401, "not_authenticated")
    refresh = Browser(client, jar={REFRESH: browser.jar[REFRESH]})
    assert_problem(await refresh.send("GET", "/auth/user"), 401, "not_authenticated")
    swapped = Browser(client, jar={ACCESS: browser.jar[REFRESH], REFRESH: browser.jar[ACCESS]})
    assert_problem(await swapped.send("GET", "/auth/user"), 401, "invalid_token")
    assert_problem(await swapped.send("POST", "/auth/refresh"), 401, "invalid_grant")


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/auth/sign-out"), ("DELETE", "/auth/sessions")]
)
async def test_signing_out_takes_the_cookies_away_and_ends_what_they_said(
    client: AsyncClient, browser: Browser, method: str, path: str
) -> None:
    before = dict(browser.jar)
    assert_goodbye(await browser.send(method, path))
    assert browser.jar == {}
    assert await status_of(client, before[ACCESS]) == 401
    assert_problem(await refreshed(client, before[REFRESH]), 401, "invalid_grant")


async def test_ending_the_own_session_takes_the_cookies_away_and_another_one_does_not(
    tmp_path: Path,
) -> None:
    async with served(tmp_path, token_policy="many-sessions") as client:
        browser, other = Browser(client), Browser(client)
        await browser.sign_up("ann")
        await other.sign_in("ann")
        listed = (await browser.send("GET", "/auth/sessions")).json()["sessions"]
        ids = {session["current"]: session["id"] for session in listed}
        answer = await browser.send("DELETE", f"/auth/sessions/{ids[False]}")
        assert answer.status_code == 204
        assert "set-cookie" not in answer.headers
        assert "clear-site-data" not in answer.headers
        assert_problem(await other.send("GET", "/auth/user"), 401, "session_ended")
        assert_goodbye(await browser.send("DELETE", f"/auth/sessions/{ids[True]}"))


async def test_a_new_password_by_cookie_sets_new_cookies(
    client: AsyncClient, browser: Browser
) -> None:
    before = browser.jar[ACCESS]
    body = {"current_password": PASSWORD, "new_password": "eight green boats at noon"}
    assert_cookies(await browser.send("PUT", "/auth/password", json=body))
    assert await user(browser)
    assert await status_of(client, before) == 401


async def test_leaving_by_cookie_takes_the_cookies_away(browser: Browser) -> None:
    assert_goodbye(await browser.send("DELETE", "/auth/user", json={"password": PASSWORD}))


async def test_a_wrong_password_leaves_the_cookies(browser: Browser) -> None:
    answer = await browser.send("DELETE", "/auth/user", json={"password": "wrong"})
    assert_problem(answer, 403, "wrong_password")
    assert "set-cookie" not in answer.headers
    assert await user(browser)


async def test_the_emoticon_is_shown_by_cookie(browser: Browser) -> None:
    name = await user(browser)
    answer = await browser.send("GET", "/emoticon/", params={"username": name})
    assert answer.content.startswith(b"\x89PNG")
    assert answer.headers["vary"] == "Authorization, Cookie"
    again = {"If-None-Match": answer.headers["etag"]}
    answer = await browser.send("GET", "/emoticon/", again, params={"username": name})
    assert answer.status_code == 304
    await browser.client.post("/auth/sign-in", data={"username": name, "password": PASSWORD})
    answer = await browser.send("GET", "/emoticon/", again, params={"username": name})
    assert_problem(answer, 401, "session_superseded")


@pytest.mark.parametrize("value", ["x", "Cookie", "", "both", "COOKIE"])
async def test_another_word_than_token_or_cookie_is_refused(
    client: AsyncClient, person: Person, value: str
) -> None:
    form = {"username": person.username, "password": PASSWORD, "session": value}
    for answer in (
        await client.post("/auth/sign-in", data=form),
        await client.post("/auth/sign-up", json={**form, "username": new_name()}),
    ):
        assert_problem(answer, 422, "invalid_input")
        assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("value", ["x", "", "a.b.c", '"x"', "x" * 4000, "%00", "A" * 76])
async def test_a_cookie_that_is_no_token_is_refused(client: AsyncClient, value: str) -> None:
    answer = await Browser(client, jar={ACCESS: value}).send("GET", "/auth/user")
    assert_problem(answer, 401, "invalid_token")


@pytest.mark.parametrize(
    "header",
    ["x=y", "{0}", "emoticon={0}", "__host-emoticon={0}", "x__Host-emoticon={0}", "=", ";"],
)
async def test_a_cookie_of_another_name_is_not_looked_at(
    client: AsyncClient, browser: Browser, header: str
) -> None:
    answer = await client.get("/auth/user", headers={"Cookie": header.format(browser.jar[ACCESS])})
    assert_problem(answer, 401, "not_authenticated")


async def test_two_cookies_of_one_name_are_refused_unless_they_are_the_same(
    client: AsyncClient, browser: Browser
) -> None:
    other = Browser(client)
    await other.sign_up(new_name())
    mine, theirs = (f"{ACCESS}={one.jar[ACCESS]}" for one in (browser, other))
    for pair in ((mine, theirs), (theirs, mine), (mine, f"{ACCESS}=x"), (mine, f"{ACCESS}=")):
        for headers in ([("Cookie", "; ".join(pair))], [("Cookie", one) for one in pair]):
            answer = await client.get("/auth/user", headers=headers)
            assert_problem(answer, 401, "invalid_token")
    answer = await client.get("/auth/user", headers={"Cookie": f"{mine};x=y; {mine}"})
    assert answer.status_code == 200
    twice = f"{REFRESH}={browser.jar[REFRESH]}; {REFRESH}={other.jar[REFRESH]}"
    answer = await client.post("/auth/refresh", headers={**browser.page, "Cookie": twice})
    assert_problem(answer, 401, "invalid_token")


async def test_a_token_and_a_cookie_of_one_account_are_one_caller(tmp_path: Path) -> None:
    """The token counts: it was sent on purpose, and no page of another site can have sent it."""
    async with served(tmp_path, token_policy="many-sessions") as client:
        browser = Browser(client, page={"Sec-Fetch-Site": "cross-site"})
        person = await sign_up(client, "ann")
        browser.jar[ACCESS] = (await sign_in(client, "ann")).token
        for token in (person.token, browser.jar[ACCESS]):
            assert (await browser.send("GET", "/auth/user", bearer(token))).status_code == 200
        answer = await browser.send("POST", "/auth/sign-out", person.headers)
        assert answer.status_code == 204
        assert "set-cookie" not in answer.headers, "the session of the cookie goes on"
        assert await status_of(client, person.token) == 401
        assert await status_of(client, browser.jar[ACCESS]) == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/auth/user"), ("POST", "/auth/sign-out"), ("DELETE", "/auth/sessions")],
)
async def test_a_token_and_a_cookie_of_different_accounts_are_nobody(
    client: AsyncClient, browser: Browser, person: Person, method: str, path: str
) -> None:
    answer = await browser.send(method, path, person.headers)
    assert_problem(answer, 400, "two_identities")
    assert await status_of(client, person.token) == 200
    assert await user(browser)


async def test_a_cookie_that_is_no_good_says_nothing_beside_a_good_token(
    browser: Browser, person: Person
) -> None:
    stale = browser.jar[ACCESS]
    await browser.send("POST", "/auth/sign-out")
    for value in (stale, "x", ""):
        browser.jar[ACCESS] = value
        answer = await browser.send("GET", "/auth/user", person.headers)
        assert answer.json()["username"] == person.username


async def test_a_good_cookie_does_not_help_a_token_that_is_no_good(browser: Browser) -> None:
    answer = await browser.send("GET", "/auth/user", bearer("x"))
    assert_problem(answer, 401, "invalid_token")


async def test_another_scheme_beside_a_cookie_is_not_looked_at(browser: Browser) -> None:
    answer = await browser.send("GET", "/auth/user", {"Authorization": "Basic YTpi"})
    assert answer.status_code == 200
