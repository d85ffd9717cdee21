"""An application whose edge is watched."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.types import ASGIApp
from tests.web.exchanges import Answer, Request, exchange

from emoticon.app import create_app
from emoticon.domain.services import Services
from emoticon.settings import Settings


class Door:
    """An application, and how often its edge has answered."""

    def __init__(self, app: ASGIApp, services: Services) -> None:
        self.app = app
        self.services = services

    @property
    def hits(self) -> int:
        """Answers of the edge."""
        assert self.services.publishing.asked is not None
        return self.services.publishing.asked.hits

    async def ask(self, request: Request) -> tuple[Answer, bool]:
        """Return the answer, and whether the edge gave it."""
        before = self.hits
        answer = await exchange(self.app, request)
        return answer, self.hits > before


@asynccontextmanager
async def open_door(settings: Settings, services: Services) -> AsyncGenerator[Door]:
    """Start an application over these services."""
    app = create_app(settings, services)
    async with app.router.lifespan_context(app):
        yield Door(app, services)
