"""The path of dnmonster, for its clients: only the host of their URLs changes."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from emoticon.domain.dropins import dnmonster
from emoticon.web.public_answers import (
    DESCRIBED,
    SEED,
    SIZE,
    Public,
    PublicRoute,
    described,
    drawn,
    preflight,
)

router = APIRouter(tags=["public generator"], route_class=PublicRoute)

PATH = "/monster/{id:path}"
router.options(PATH, include_in_schema=False)(preflight)


@router.get(
    PATH,
    summary="As dnmonster: a monster",
    response_class=Response,
    responses=DESCRIBED,
    openapi_extra=described(size=SIZE),
)
async def monster(
    request: Request,
    public: Public,
    name: Annotated[str, Path(alias="id", json_schema_extra=SEED)],
) -> Response:
    """Answer a PNG of 20 pixels, or of the size nearest to the one that is asked for."""
    size = request.query_params.get("size", "")
    return await drawn(request, public, dnmonster.wish(public.catalogue, name, size))
