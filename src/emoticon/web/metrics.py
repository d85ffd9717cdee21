"""The route of metrics."""

import hmac

from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPBearer
from starlette.exceptions import HTTPException

from emoticon.domain.errors import InvalidToken, NotAuthenticated
from emoticon.web.deps import UseServices, bearer_token, problems

router = APIRouter(tags=["health"])


@router.get(
    "/metrics",
    summary="Figures for Prometheus, of this process",
    response_class=Response,
    dependencies=[Security(HTTPBearer(scheme_name="MetricsToken", auto_error=False))],
    responses={
        200: {"content": {"text/plain": {"schema": {"type": "string"}}}},
        **problems(401, 404),
    },
)
async def metrics(request: Request, use: UseServices) -> Response:
    """Answer in Prometheus' text format, for the token of EMOTICON_METRICS_TOKEN; 404 where none is set."""
    expected: str | None = request.app.state.metrics_token
    if expected is None:
        raise HTTPException(404, "Not Found")
    given = bearer_token(request)
    if given is None:
        raise NotAuthenticated
    if not hmac.compare_digest(given.encode(errors="replace"), expected.encode(errors="replace")):
        raise InvalidToken
    # Imported here, for it costs a start 50 ms, and many services are never asked.
    from emoticon.web import figures  # noqa: PLC0415 - as said

    return Response(
        figures.text(use), media_type=figures.MEDIA_TYPE, headers={"Cache-Control": "no-store"}
    )
