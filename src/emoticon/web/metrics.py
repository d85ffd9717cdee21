"""The route of metrics, and what it needs."""

import hmac
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from emoticon.domain.errors import InvalidToken, NotAuthenticated
from emoticon.domain.services import Services
from emoticon.web.deps import bearer_token, problems
from emoticon.web.requests import Requests

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Figures for Prometheus, of all workers of this service",
    response_class=Response,
    dependencies=[Security(HTTPBearer(scheme_name="MetricsToken", auto_error=False))],
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(401, 404),
    },
)
async def metrics(request: Request) -> Response:
    """Answer in Prometheus' text format, for the token of EMOTICON_METRICS_TOKEN; 404 where none is set."""
    expected: str | None = request.app.state.metrics_token
    if expected is None:
        raise HTTPException(404, "Not Found")
    given = bearer_token(request)
    if given is None:
        raise NotAuthenticated
    if not hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace")):
        raise InvalidToken
    return Response(
        request.app.state.figures(),
        media_type="text/plain; version=0.0.4; charset=utf-8",
        headers={"Cache-Control": "no-store"},
    )


@asynccontextmanager
async def collecting(
    services: Services, requests: Requests, *, data_dir: Path, shared_dir: Path | None
) -> AsyncIterator[Callable[[], bytes]]:
    """Yield what reads the figures: of this process, or of all that share a directory."""
    # What writes them is imported only where it is used: it costs a start 50 ms, and many services are never asked.
    if shared_dir is None:

        def alone() -> bytes:
            from emoticon.web import figures, siblings  # noqa: PLC0415 - as said

            return siblings.alone(figures.collect(services, requests, data_dir))

        yield alone
        return
    from emoticon.web import figures, siblings  # noqa: PLC0415 - as said

    shared = siblings.Siblings(shared_dir, lambda: figures.collect(services, requests, data_dir))
    async with shared.joined() as of_all:
        yield of_all
