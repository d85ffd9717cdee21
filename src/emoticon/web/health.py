"""Routes for whoever keeps the service running."""

from dataclasses import asdict

from fastapi import APIRouter, Response

from emoticon.web.deps import UseServices
from emoticon.web.schemas import Alive, Check, Ready

router = APIRouter(tags=["health"])


@router.get("/livez", summary="Is the process alive?")
async def livez(response: Response) -> Alive:
    """Answer without asking anything: restart the process when this fails."""
    response.headers["Cache-Control"] = "no-store"
    return Alive()


@router.get(
    "/readyz",
    summary="Can the process serve?",
    responses={503: {"model": Ready, "description": "Not now; `checks` says why"}},
)
async def readyz(response: Response, use: UseServices) -> Ready:
    """Ask what a request needs, the database above all: send no requests while this fails."""
    checks = [Check(**asdict(health)) for health in await use.readiness.check()]
    ready = all(check.ok for check in checks)
    response.status_code = 200 if ready else 503
    response.headers["Cache-Control"] = "no-store"
    return Ready(status="ready" if ready else "not ready", checks=checks)
