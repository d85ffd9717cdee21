"""The public generator: a picture of any look for anybody, by its URL alone."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.exceptions import HTTPException

from emoticon.domain.errors import UnknownStyle
from emoticon.domain.models import Format
from emoticon.domain.pictures import DEFAULT_PX
from emoticon.web.deps import problems
from emoticon.web.public_answers import (
    DESCRIBED,
    EXACT_SIZE,
    SEED,
    STYLE,
    Public,
    PublicRoute,
    described,
    drawn,
    preflight,
)

router = APIRouter(tags=["public generator"], route_class=PublicRoute)

PATH = "/a/{style}/{seed}.{format}"
router.options(PATH, include_in_schema=False)(preflight)


@router.get(
    PATH,
    summary="A picture of any look",
    response_class=Response,
    responses={**DESCRIBED, **problems(404)},
    openapi_extra=described(size=EXACT_SIZE),
)
async def look(
    request: Request,
    public: Public,
    style: Annotated[str, Path(json_schema_extra=STYLE)],
    seed: Annotated[str, Path(json_schema_extra=SEED)],
    picture_format: Annotated[Format, Path(alias="format")],
) -> Response:
    """Answer the picture. All further parameters are options of the style: `?eyesVariant=happy,wink&rotate=10`."""
    size = request.query_params.get("size", str(DEFAULT_PX))
    options = [pair for pair in request.query_params.multi_items() if pair[0] != "size"]
    try:
        wish = public.wish(style, seed, size, picture_format, options)
    except UnknownStyle as error:
        raise HTTPException(404, error.detail) from None
    return await drawn(request, public, wish)
