"""The application in this process, over real stores in a temporary directory."""

import asyncio
import itertools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from httpx2 import ASGITransport, AsyncClient, Response

from emoticon.app import create_app
from emoticon.domain.services import Services
from emoticon.settings import Settings
from emoticon.wiring import open_services

BASE_URL = "http://service.test"
PASSWORD = "seven green boats at noon"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Without limits: all tests come from one address."""
    return Settings(data_dir=tmp_path_factory.mktemp("data"), limits="off")


@pytest.fixture(scope="session")
async def services(settings: Settings) -> AsyncGenerator[Services]:
    async with open_services(settings) as opened:
        yield opened


@pytest.fixture(scope="session")
async def speaker(settings: Settings, services: Services) -> AsyncGenerator[AsyncClient]:
    """Speaks to the application; an exception that would be a 500 fails the test."""
    async with speaking_to(settings, services) as client:
        yield client


@pytest.fixture
async def client(speaker: AsyncClient, services: Services) -> AsyncClient:
    """The same, once the services have heard all news: while tests without a loop run, they stand still."""
    async with asyncio.timeout(10):
        while services.sessions.identities.floors.age_s > 1:  # noqa: ASYNC110 - the poll sets no event
            await asyncio.sleep(0.01)
    return speaker


@asynccontextmanager
async def speaking_to(
    settings: Settings, services: Services, address: str = "127.0.0.1"
) -> AsyncIterator[AsyncClient]:
    """Open an application over these services, and a client of this address."""
    app = create_app(settings, services)
    transport = ASGITransport(app, client=(address, 1234))
    async with (
        app.router.lifespan_context(app),
        AsyncClient(transport=transport, base_url=BASE_URL) as client,
    ):
        yield client


@asynccontextmanager
async def served(data_dir: Path, **knobs: Any) -> AsyncIterator[AsyncClient]:
    """Open a service of its own with these settings, and a client."""
    settings = Settings(data_dir=data_dir, **{"limits": "off", **knobs})
    async with open_services(settings) as services, speaking_to(settings, services) as client:
        yield client


@dataclass
class Person:
    """An account and how its owner speaks to the service."""

    client: AsyncClient
    username: str
    token: str = field(repr=False)
    refresh_token: str = field(repr=False)

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.token)

    async def emoticon(
        self, parameters: dict[str, object] | None = None, headers: dict[str, str] | None = None
    ) -> Response:
        query = {"username": self.username, **(parameters or {})}
        return await self.client.get(
            "/emoticon/",
            params={name: str(value) for name, value in query.items()},
            headers={**self.headers, **(headers or {})},
        )


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def new_name() -> str:
    return f"person-{next(_numbers)}"


async def sign_up(client: AsyncClient, username: str | None = None) -> Person:
    name = username or new_name()
    answer = await client.post("/auth/sign-up", json={"username": name, "password": PASSWORD})
    assert answer.status_code == 201, answer.text
    pair = answer.json()
    return Person(client, name.lower(), pair["access_token"], pair["refresh_token"])


async def sign_in(client: AsyncClient, username: str, password: str = PASSWORD) -> Person:
    answer = await client.post("/auth/sign-in", data={"username": username, "password": password})
    assert answer.status_code == 200, answer.text
    pair = answer.json()
    return Person(client, username, pair["access_token"], pair["refresh_token"])


async def status_of(client: AsyncClient, token: str) -> int:
    return (await client.get("/auth/user", headers=bearer(token))).status_code


async def refreshed(client: AsyncClient, refresh_token: str) -> Response:
    return await client.post("/auth/refresh", data={"refresh_token": refresh_token})


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
    assert ("retry-after" in answer.headers) == (status in {429, 503})
