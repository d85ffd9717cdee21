"""The path of Gravatar and Libravatar, for their clients: only the host of their URLs changes."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from starlette.exceptions import HTTPException

from emoticon.domain import blanks
from emoticon.domain.dropins import gravatar
from emoticon.domain.dropins.gravatar import Instead
from emoticon.domain.dropins.wishes import Wish, nearest_size
from emoticon.domain.models import Format
from emoticon.web import picture_headers
from emoticon.web.deps import problems
from emoticon.web.public_answers import (
    DAILY,
    DESCRIBED,
    SIZE,
    TEXT,
    Public,
    PublicRoute,
    described,
    drawn,
    preflight,
)

router = APIRouter(tags=["public generator"], route_class=PublicRoute)

PATH = "/avatar/{hash}"
for path in (PATH, f"{PATH}/"):
    router.options(path, include_in_schema=False)(preflight)


@router.get(f"{PATH}/", include_in_schema=False)
@router.get(
    PATH,
    summary="As Gravatar and Libravatar: a picture of an e-mail address",
    response_class=Response,
    responses={**DESCRIBED, **problems(404)},
    openapi_extra=described(s=SIZE, size=SIZE, d=TEXT, default=TEXT, f=TEXT, r=TEXT),
)
async def avatar(
    request: Request,
    public: Public,
    digest: Annotated[str, Path(alias="hash", json_schema_extra={"pattern": gravatar.HASH})],
) -> Response:
    """Answer a PNG of 80 pixels, or of the size nearest to `s`. Nobody is known, so `d` says what is to be seen."""
    given = request.query_params
    size_px = nearest_size(given.get("s") or given.get("size", ""), gravatar.DEFAULT_PX)
    default = given.get("d") or given.get("default", "")
    match gravatar.seen(public.catalogue, digest, default):
        case Instead.NOTHING:
            raise HTTPException(404, "Nobody is known by this hash")
        case Instead.BLANK:
            tags = request.headers.getlist("if-none-match")
            return picture_headers.answer(blanks.blank(size_px), DAILY, tags)
        case Instead.NEUTRAL | Instead.NEUTRAL_BEFORE:
            look = public.neutral
        case look:
            pass
    return await drawn(request, public, Wish(look, size_px, Format.PNG), DAILY)
