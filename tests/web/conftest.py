"""The application in this process, over real stores in a temporary directory."""

import itertools
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from emoticon.app import create_app
from emoticon.domain.services import Services
from emoticon.settings import Settings
from emoticon.wiring import open_services

PASSWORD = "seven green boats at noon"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(data_dir=tmp_path_factory.mktemp("data"))


@pytest.fixture(scope="session")
async def services(settings: Settings) -> AsyncGenerator[Services]:
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
async def client(settings: Settings, services: Services) -> AsyncGenerator[AsyncClient]:
    """Speaks to the application; an exception that would be a 500 fails the test."""
    app = create_app(settings, services)
    transport = ASGITransport(app)
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url="http://service.test") as client,
    ):
        yield client


@dataclass
class Person:
    """An account and how its owner speaks to the service."""

    client: AsyncClient
    username: str
    token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    async def emoticon(
        self, parameters: dict[str, object] | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        query = {"username": self.username, **(parameters or {})}
        return await self.client.get(
            "/emoticon/",
            params={name: str(value) for name, value in query.items()},
            headers={**self.headers, **(headers or {})},
        )


def new_name() -> str:
    return f"person-{next(_numbers)}"


async def sign_up(client: AsyncClient, username: str | None = None) -> Person:
    name = username or new_name()
    answer = await client.post("/auth/sign-up", json={"username": name, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    return Person(client, name.lower(), answer.json()["access_token"])


@pytest.fixture
async def person(client: AsyncClient) -> Person:
    """Somebody new."""
    return await sign_up(client)


def assert_problem(answer: Response, status: int, code: str) -> None:
    """Every error has this shape, is small, is never kept, and says nothing of what was sent."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.content) <= 1024
    body = answer.json()
    assert body["code"] == code
    assert body["status"] == status
    assert isinstance(body["detail"], str)
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert ("retry-after" in answer.headers) == (status == 503)
