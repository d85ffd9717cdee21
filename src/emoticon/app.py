"""The ASGI application: middleware, routes and the services behind them. Importing it has no effect."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from types import ModuleType
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.telemetry import TelemetryConfig
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from emoticon import __version__
from emoticon.domain.services import Services
from emoticon.settings import Settings, load_settings
from emoticon.telemetry import configure_logging
from emoticon.web import (
    accounts,
    dicebear,
    dnmonster,
    emoticons,
    errors,
    gravatar,
    health,
    keys,
    links,
    looks,
    metrics,
    originals,
    public,
    sessions,
    styles,
    visibility,
)
from emoticon.web.access_log import AccessLog
from emoticon.web.addresses import ClientAddress
from emoticon.web.deps import PROBLEM_SCHEMA
from emoticon.web.fastpath import FastPath
from emoticon.web.middleware import LARGE_BODIES, Boundary
from emoticon.web.requests import Requests
from emoticon.wiring import open_services

_ABOUT = (
    "Every account has an emoticon: private by default, drawn or uploaded, fast as a static file."
)

# The framework's own would send queries and addresses, and continue the traces of strangers; see web/tracing.py.
_NO_TELEMETRY: TelemetryConfig = {
    "tracing": False,
    "metrics": False,
    "logs": False,
    "operation_spans": False,
    "auto_configure": False,
}


def create_app(settings: Settings | None = None, opened: Services | None = None) -> FastAPI:
    """Return the application.

    Args:
        settings: from the environment by default, so that this is a factory for any ASGI server.
        opened: services that the caller has opened and will close; else they live as long as the app.
    """
    knobs = settings or load_settings()
    requests = Requests()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with AsyncExitStack() as stack:
            services = opened
            if services is None:
                configure_logging(knobs.log_level, knobs.log_format)
                services = await stack.enter_async_context(open_services(knobs))
            app.state.services = services
            fast_path.publishing = services.publishing
            app.state.figures = await stack.enter_async_context(
                metrics.collecting(
                    services,
                    requests,
                    data_dir=knobs.data_dir,
                    shared_dir=knobs.metrics_dir if knobs.metrics_token else None,
                )
            )
            yield

    app = _Application(
        title="Emoticon",
        version=__version__,
        description=_ABOUT,
        lifespan=lifespan,
        redirect_slashes=False,  # a redirect would trust the Host header
        docs_url=None,
        redoc_url=None,
        telemetry=_NO_TELEMETRY,
    )
    fast_path = app.fast_path
    address = ClientAddress(knobs.trusted_proxies)
    app.state.client_address = address
    token = knobs.metrics_token
    app.state.metrics_token = None if token is None else token.get_secret_value()
    access_log = AccessLog(knobs.access_log_share, knobs.slow_request_ms, address)
    app.add_middleware(
        Boundary, requests=requests, access_log=access_log, large_bodies=LARGE_BODIES
    )
    if knobs.access_log_share:
        fast_path.access_log = access_log
    if knobs.tracing == "on":
        # Imported only here: a service that is not traced does not pay for it.
        from emoticon.web.tracing import Traced  # noqa: PLC0415 - as said

        app.add_middleware(Traced, address=address)
    nouns: tuple[ModuleType, ...] = (
        accounts,
        sessions,
        emoticons,
        looks,
        links,
        visibility,
        styles,
        keys,
        health,
        metrics,
    )
    if knobs.uploads == "on":
        nouns += (originals,)
    if knobs.public_generator == "on":
        # The framework looks for a route in their order, and this one is for many.
        nouns = (public, *nouns, dnmonster, dicebear, gravatar)
    errors.install(app, [*app.routes, *(route for noun in nouns for route in noun.router.routes)])
    for noun in nouns:
        app.include_router(noun.router)
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]  # FastAPI's documented hook
    return app


class _Application(FastAPI):
    """FastAPI with the fast path around all of it, its own middleware included."""

    def __init__(self, **about: Any) -> None:
        super().__init__(**about)
        self.fast_path = FastPath(super().__call__)

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.fast_path(scope, receive, send)


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
