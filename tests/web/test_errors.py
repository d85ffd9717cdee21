"""Facts about answers that say no."""

from collections.abc import Iterator

import pytest
from httpx2 import ASGITransport, AsyncClient
from tests.web.conftest import Person, assert_problem

from emoticon.app import create_app
from emoticon.domain import errors
from emoticon.domain.services import Services
from emoticon.settings import Settings
from emoticon.web.errors import STATUS


def all_errors(base: type[errors.EmoticonError]) -> Iterator[type[errors.EmoticonError]]:
    yield base
    for derived in base.__subclasses__():
        yield from all_errors(derived)


def test_every_error_of_the_domain_has_a_status_and_a_code_of_its_own() -> None:
    found = list(all_errors(errors.EmoticonError))
    assert set(found) == set(STATUS)
    assert len({error.code for error in found}) == len(found)


def test_the_tree_in_the_docstring_is_the_tree() -> None:
    assert errors.__doc__ is not None
    for error in all_errors(errors.EmoticonError):
        assert error.__name__ in errors.__doc__


@pytest.mark.parametrize(
    ("error", "status", "headers"),
    [
        (errors.NotAuthenticated(), 401, {"www-authenticate": "Bearer"}),
        (errors.WrongCredentials(), 401, {"www-authenticate": "Bearer"}),
        (errors.InvalidGrant(), 401, {"www-authenticate": "Bearer"}),
        (errors.InvalidToken(), 401, {"www-authenticate": 'Bearer error="invalid_token"'}),
        (errors.SessionSuperseded(), 401, {"www-authenticate": 'Bearer error="invalid_token"'}),
        (errors.SessionEnded(), 401, {"www-authenticate": 'Bearer error="invalid_token"'}),
        (errors.TwoIdentities(), 400, {}),
        (errors.CrossSite(), 403, {}),
        (errors.WrongPassword(), 403, {}),
        (errors.UnknownSession(), 404, {}),
        (errors.UnknownAccount(), 404, {}),
        (errors.TooManyAttempts(retry_after_s=17), 429, {"retry-after": "17"}),
        (errors.FloorsStale(), 503, {"retry-after": "1"}),
        (errors.BulletinUnavailable(retry_after_s=3), 503, {"retry-after": "3"}),
    ],
)
async def test_an_error_says_what_a_client_can_do(
    settings: Settings,
    services: Services,
    error: errors.EmoticonError,
    status: int,
    headers: dict[str, str],
) -> None:
    app = create_app(settings, services)

    @app.get("/refusing")
    async def refusing() -> None:
        raise error

    transport = ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url="http://service.test") as client,
    ):
        answer = await client.get("/refusing")
    assert_problem(answer, status, error.code)
    assert answer.json()["detail"] == error.default_detail
    assert {name: answer.headers[name] for name in headers} == headers


@pytest.mark.parametrize(
    "path",
    ["/", "/unknown", "/emoticonXYZ", "/.env", "/metrics", "/auth", "/auth/user/x", "//", "/%00"],
)
async def test_an_unknown_path_is_not_found(client: AsyncClient, path: str) -> None:
    assert_problem(await client.get(path), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("POST", "/emoticon/", "GET, HEAD"),
        ("PUT", "/emoticon", "GET, HEAD"),
        ("OPTIONS", "/auth/user", "DELETE, GET, HEAD"),
        ("TRACE", "/auth/user/", "DELETE, GET, HEAD"),
        ("DELETE", "/livez", "GET, HEAD"),
        ("GET", "/auth/sign-up", "POST"),
        ("HEAD", "/auth/sign-in", "POST"),
        ("FOO", "/auth/sign-in", "POST"),
        ("GET", "/auth/refresh", "POST"),
        ("HEAD", "/auth/refresh/", "POST"),
        ("GET", "/auth/sign-out", "POST"),
        ("PUT", "/auth/sign-out/", "POST"),
        ("GET", "/auth/revoke", "POST"),
        ("POST", "/auth/password", "PUT"),
        ("GET", "/auth/password/", "PUT"),
        ("POST", "/auth/sessions", "DELETE, GET, HEAD"),
        ("DELETE", "/auth/sessions/", "GET, HEAD"),
        ("GET", "/auth/sessions/0123", "DELETE"),
        ("POST", "/auth/sessions/0123/", "DELETE"),
        ("GET", "/auth/sessions/%3F", "DELETE"),
        ("POST", "/.well-known/jwks.json", "GET, HEAD"),
    ],
)
async def test_another_method_is_told_which_are_allowed(
    client: AsyncClient, method: str, path: str, allowed: str
) -> None:
    answer = await client.request(method, path)
    assert answer.status_code == 405
    assert answer.headers["allow"] == allowed
    if method != "HEAD":
        assert_problem(answer, 405, "method_not_allowed")


async def test_a_preflight_allows_nothing_to_another_origin(client: AsyncClient) -> None:
    headers = {"Origin": "https://evil.example", "Access-Control-Request-Method": "GET"}
    answer = await client.options("/auth/user", headers=headers)
    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize(
    "path",
    [
        *("/livez", "/readyz", "/auth/user", "/auth/user/", "/auth/sessions", "/auth/sessions/"),
        *("/emoticon/", "/emoticon", "/openapi.json", "/none", "/.well-known/jwks.json"),
    ],
)
async def test_head_is_get_without_the_body(client: AsyncClient, person: Person, path: str) -> None:
    parameters = {"username": person.username}
    get = await client.get(path, params=parameters, headers=person.headers)
    head = await client.head(path, params=parameters, headers=person.headers)
    assert head.content == b""
    assert head.status_code == get.status_code
    changing = {"x-request-id"}
    assert {k: v for k, v in head.headers.items() if k not in changing} == {
        k: v for k, v in get.headers.items() if k not in changing
    }


async def test_a_defect_is_answered_without_its_cause(
    settings: Settings, services: Services
) -> None:
    app = create_app(settings, services)

    @app.get("/defect")
    async def defect() -> None:
        message = "the secret cause"
        raise RuntimeError(message)

    @app.get("/bare")
    async def bare() -> None:
        raise errors.EmoticonError

    transport = ASGITransport(app, raise_app_exceptions=False)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url="http://service.test") as client,
    ):
        answer = await client.get("/defect")
        assert_problem(answer, 500, "internal_error")
        assert "secret cause" not in answer.text
        assert_problem(await client.get("/bare"), 500, "error")
