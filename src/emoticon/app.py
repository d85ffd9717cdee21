"""The ASGI application: middleware, routes and the services behind them. Importing it has no effect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from emoticon import __version__
from emoticon.domain.services import Services
from emoticon.settings import Settings, load_settings
from emoticon.telemetry import configure_logging
from emoticon.web import accounts, emoticons, errors, health, keys, metrics, sessions
from emoticon.web.addresses import ClientAddress
from emoticon.web.deps import PROBLEM_SCHEMA
from emoticon.web.middleware import Boundary
from emoticon.wiring import open_services

_ABOUT = (
    "Every account has an emoticon: private by default, drawn or uploaded, fast as a static file."
)


def create_app(settings: Settings | None = None, opened: Services | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: from the environment by default, so that this is a factory for any ASGI server.
        opened: services that the caller has opened and will close; else they live as long as the app.
    """
    knobs = settings or load_settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        if opened is not None:
            app.state.services = opened
            yield
            return
        configure_logging(knobs.log_level, knobs.log_format)
        async with open_services(knobs) as services:
            app.state.services = services
            yield

    app = FastAPI(
        title="Emoticon",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        redirect_slashes=False,  # a redirect would trust the Host header
        docs_url=None,
        redoc_url=None,
    )
    app.state.client_address = ClientAddress(knobs.trusted_proxies)
    token = knobs.metrics_token
    app.state.metrics_token = None if token is None else token.get_secret_value()
    app.add_middleware(Boundary, slow_ms=knobs.slow_request_ms)
    nouns = (accounts, sessions, emoticons, keys, health, metrics)
    errors.install(app, [*app.routes, *(route for noun in nouns for route in noun.router.routes)])
    for noun in nouns:
        app.include_router(noun.router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented hook
    return app


def _openapi(app: FastAPI) -> dict[str, Any]:
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title, version=app.version, description=app.description, routes=app.routes
        )
        schemas = document["components"]["schemas"]
        problem = dict(PROBLEM_SCHEMA)
        schemas.update(problem.pop("$defs", {}))
        schemas["Problem"] = problem
        app.openapi_schema = document
    return app.openapi_schema
