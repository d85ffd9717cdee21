"""Browsers that carry a cookie along: what pages of other sites can make them do."""

import json
from collections.abc import Mapping
from http.cookies import Morsel, SimpleCookie
from urllib.parse import urlsplit

import pytest
from httpx2 import Response
from tests.attacks.forging import claims_of
from tests.attacks.world import PASSWORD, Node, World, new_name, refused, same

ACCESS, REFRESH = "__Host-emoticon", "__Secure-emoticon-refresh"
OWN = {"Sec-Fetch-Site": "same-origin"}
FOREIGN: list[dict[str, str]] = [
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
    {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"},
    {"Sec-Fetch-Site": "cross-site", "Origin": "OWN"},
    {"Sec-Fetch-Site": "unheard-of"},
    {"Sec-Fetch-Site": ""},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Origin": "OWN.evil.example"},
    {"Origin": "http://evil.example@HOST"},
    {"Origin": "http://[x"},
    {"Origin": "HOST"},
    {"Origin": ""},
]
SILENT: dict[str, str] = {}
BODIES = {
    "application/x-www-form-urlencoded": b"username=a&password=b&refresh_token=c&token=d",
    "text/plain": b'{"password": "a", "current_password": "a", "new_password": "b", "x": "="}',
    "multipart/form-data; boundary=x": b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\nb\r\n--x--',
    "application/json": b'{"password": "a", "current_password": "a", "new_password": "b"}',
    "": b"",
}
WRITES = [
    ("POST", "/auth/sign-out"),
    ("PUT", "/auth/password"),
    ("DELETE", "/auth/user"),
    ("DELETE", "/auth/sessions"),
    ("DELETE", "/auth/sessions/00000000000000000000000000000000"),
]


def morsels(answer: Response) -> dict[str, Morsel[str]]:
    """Return the cookies that an answer sets."""
    jars = [SimpleCookie(line) for line in answer.headers.get_list("set-cookie")]
    return {name: morsel for jar in jars for name, morsel in jar.items()}


def told(headers: Mapping[str, str], node: Node) -> dict[str, str]:
    """Return headers with the node's own origin and host put in."""
    host = urlsplit(node.url).netloc
    return {
        name: value.replace("OWN", node.url).replace("HOST", host)
        for name, value in headers.items()
    }


class Browser:
    """A person at one node, signed in by cookie."""

    def __init__(self, node: Node, username: str, headers: Mapping[str, str] = OWN) -> None:
        self.node, self.username = node, username
        form = {"username": username, "password": PASSWORD, "session": "cookie"}
        self.answer = node.send("POST", "/auth/sign-in", data=form, headers=told(headers, node))
        assert self.answer.status_code == 200, self.answer.text
        self.access, self.refresh = (morsels(self.answer)[name].value for name in (ACCESS, REFRESH))

    def send(
        self, method: str, path: str, headers: Mapping[str, str], kind: str = "", body: bytes = b""
    ) -> Response:
        """Send a request with the cookies that a browser would send along."""
        cookies = f"{ACCESS}={self.access}"
        if path.startswith("/auth/refresh"):
            cookies += f"; {REFRESH}={self.refresh}"
        given = {**told(headers, self.node), "Cookie": cookies}
        if kind:
            given["Content-Type"] = kind
        return self.node.send(method, path, headers=given, content=body)

    def alive(self) -> bool:
        """Say whether the session is as it was."""
        return self.send("GET", "/auth/user", OWN).status_code == 200


@pytest.fixture
def browser(world: World) -> Browser:
    return Browser(world.nodes[-1], world.sign_up(node=world.nodes[-1]).username)


def test_w01_cookies_are_for_this_host_and_for_no_script(browser: Browser) -> None:
    access, refresh = (morsels(browser.answer)[name] for name in (ACCESS, REFRESH))
    for cookie in (access, refresh):
        assert cookie["httponly"]
        assert cookie["secure"]
        assert not cookie["domain"]
        assert 0 < int(cookie["max-age"]) <= 30 * 86400
    assert (access["path"], access["samesite"].lower()) == ("/", "lax")
    assert (refresh["path"], refresh["samesite"].lower()) == ("/auth/refresh", "strict")
    assert browser.access not in browser.answer.text
    assert browser.refresh not in browser.answer.text
    assert browser.answer.headers["cache-control"] == "no-store"


def test_w01_a_refresh_token_is_taken_from_its_own_cookie_only(browser: Browser) -> None:
    for cookies in (f"{ACCESS}={browser.refresh}", f"{REFRESH}={browser.refresh}"):
        headers = {**OWN, "Cookie": cookies}
        refused(browser.node.send("GET", "/auth/user", headers=headers), 401)
    headers = {**OWN, "Cookie": f"{REFRESH}={browser.access}"}
    refused(browser.node.send("POST", "/auth/refresh", headers=headers), 401, "invalid_grant")
    assert browser.alive()


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("kind", BODIES)
def test_w02_no_other_sites_page_can_write(
    browser: Browser, headers: dict[str, str], kind: str
) -> None:
    for method, path in WRITES:
        answer = browser.send(method, path, headers, kind, BODIES[kind])
        refused(answer, 403, "cross_site")
        assert "set-cookie" not in answer.headers
    refused(browser.send("POST", "/auth/refresh", headers), 403, "cross_site")
    assert browser.alive()


@pytest.mark.parametrize("kind", BODIES)
def test_w03_a_browser_that_does_not_say_where_it_comes_from_is_not_believed(
    browser: Browser, kind: str
) -> None:
    for method, path in WRITES:
        refused(browser.send(method, path, SILENT, kind, BODIES[kind]), 403, "cross_site")
    refused(browser.send("POST", "/auth/refresh", SILENT), 403, "cross_site")
    referer = {"Referer": f"{browser.node.url}/"}
    refused(browser.send("POST", "/auth/sign-out", referer), 403, "cross_site")
    assert browser.alive()


@pytest.mark.parametrize("headers", [OWN, {"Sec-Fetch-Site": "none"}, {"Origin": "OWN"}])
def test_w03_a_page_of_the_service_itself_is(browser: Browser, headers: dict[str, str]) -> None:
    answer = browser.send("POST", "/auth/refresh", headers)
    assert answer.status_code == 200
    browser.access, browser.refresh = (morsels(answer)[name].value for name in (ACCESS, REFRESH))
    assert browser.send("POST", "/auth/sign-out", headers).status_code == 204
    assert not browser.alive()


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize("carrier", ["cookie", "token"])
def test_w04_no_other_sites_page_can_sign_somebody_in(
    world: World, headers: dict[str, str], carrier: str
) -> None:
    name, node = world.sign_up().username, world.nodes[0]
    form = {"username": name, "password": PASSWORD, "session": carrier}
    new = {**form, "username": new_name()}
    given = told(headers, node)
    for answer in (
        node.send("POST", "/auth/sign-in", data=form, headers=given),
        node.send("POST", "/auth/sign-in", files={"x": b""}, data=form, headers=given),
        node.send("POST", "/auth/sign-up", json=new, headers=given),
    ):
        assert "set-cookie" not in answer.headers
        assert "access_token" not in answer.text
        assert answer.status_code in {400, 403}
    refused(node.send("POST", "/auth/sign-in", data=form, headers=given), 403, "cross_site")


def test_w04_cookies_are_given_to_pages_of_the_service_only(world: World) -> None:
    form = {"username": world.sign_up().username, "password": PASSWORD, "session": "cookie"}
    answer = world.send("POST", "/auth/sign-in", data=form)
    refused(answer, 403, "cross_site")
    assert "set-cookie" not in answer.headers


def test_w04_a_request_for_two_people_is_refused(world: World) -> None:
    node = world.nodes[0]
    browser, other = Browser(node, world.sign_up(node=node).username), world.sign_up(node=node)
    headers = {**OWN, "Cookie": f"{ACCESS}={browser.access}"}
    answer = node.send("POST", "/auth/sign-out", at=other.at, headers=headers)
    refused(answer, 400, "two_identities")
    assert browser.alive()
    assert node.status(other.at) == 200


def test_w07_a_session_that_was_there_before_is_not_carried_on(world: World) -> None:
    node = world.nodes[0]
    thief = Browser(node, world.sign_up(node=node).username)
    name = world.sign_up(node=node).username
    form = {"username": name, "password": PASSWORD, "session": "cookie"}
    fixed = [thief.access, "f" * 32, f"{thief.access}; sid={'f' * 32}"]
    for planted in fixed:
        headers = {**OWN, "Cookie": f"{ACCESS}={planted}; {REFRESH}={thief.refresh}"}
        answer = node.send("POST", "/auth/sign-in", data=form, headers=headers)
        assert answer.status_code == 200
        given = {name: morsel.value for name, morsel in morsels(answer).items()}
        assert given[ACCESS] != thief.access
        assert given[REFRESH] != thief.refresh
        claims = claims_of(given[ACCESS])
        assert claims["sid"] not in {claims_of(thief.access)["sid"], "f" * 32}
        assert claims["user"]["username"] == name
    assert thief.alive()
    assert json.loads(thief.send("GET", "/auth/user", OWN).content)["username"] == thief.username


def test_w07_two_cookies_of_one_name_are_nobody(browser: Browser) -> None:
    other = Browser(browser.node, browser.username)  # ends the first
    for cookies in (
        f"{ACCESS}={browser.access}; {ACCESS}={other.access}",
        f"{ACCESS}={other.access}; {ACCESS}={browser.access}",
        f"{ACCESS}={other.access}; {ACCESS}=",
    ):
        headers = {**OWN, "Cookie": cookies}
        refused(browser.node.send("GET", "/auth/user", headers=headers), 401, "invalid_token")


def test_w08_what_is_private_is_not_left_in_the_browser(browser: Browser) -> None:
    for path in ("/auth/user", "/auth/sessions"):
        answer = browser.send("GET", path, OWN)
        assert "no-store" in answer.headers["cache-control"]
    picture = browser.send("GET", f"/emoticon/?username={browser.username}", OWN)
    assert picture.headers["cache-control"] == "private, no-cache"
    goodbye = browser.send("POST", "/auth/sign-out", OWN)
    assert goodbye.status_code == 204
    assert goodbye.headers["clear-site-data"] == '"cache"'
    gone = morsels(goodbye)
    assert {name: (gone[name].value, gone[name]["max-age"]) for name in (ACCESS, REFRESH)} == {
        ACCESS: ("", "0"),
        REFRESH: ("", "0"),
    }
    etag = {**OWN, "If-None-Match": picture.headers["etag"]}
    refused(browser.send("GET", f"/emoticon/?username={browser.username}", etag), 401)


@pytest.mark.parametrize("mode", ["no-cors", "cors", "websocket", None])
def test_w09_no_other_site_can_embed_a_picture(browser: Browser, mode: str | None) -> None:
    foreign = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Dest": "image"}
    if mode is not None:
        foreign["Sec-Fetch-Mode"] = mode
    refusals = [
        browser.send(method, f"/emoticon/?username={name}", foreign)
        for name in (browser.username, "nobody-at-all", "")
        for method in ("GET", "GET")
    ]
    refused(refusals[0], 403, "cross_site")
    assert same(*refusals)  # and it cannot tell who is signed in
    for path in ("/auth/user", "/auth/sessions"):
        refused(browser.send("GET", path, foreign), 403, "cross_site")
    for fetched in (OWN, {"Sec-Fetch-Site": "none"}, SILENT):
        answer = browser.send("GET", f"/emoticon/?username={browser.username}", fetched)
        assert answer.status_code == 200
