"""Routes of emoticons."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response

from emoticon.domain.models import Format, Picture
from emoticon.web.deps import FromCaller, UseServices, problems
from emoticon.web.negotiation import matches, negotiate
from emoticon.web.schemas import EmoticonQuery

router = APIRouter(tags=["emoticons"])

PATHS = ("/emoticon/", "/emoticon")
CACHING = "private, no-cache"
VARIES = "Authorization, Cookie"
SVG_POLICY = "default-src 'none'; style-src 'unsafe-inline'; sandbox"

_DRAWN: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The picture",
        "content": {
            kind.media_type: {"schema": {"type": "string", "format": "binary"}} for kind in Format
        },
    },
    304: {"description": "The client has this picture already"},
}


@router.get("/emoticon", include_in_schema=False)
@router.get(
    "/emoticon/",
    summary="The caller's own emoticon",
    response_class=Response,
    responses={**_DRAWN, **problems(400, 401, 403, 422, 503)},
)
async def own_emoticon(
    request: Request,
    use: UseServices,
    caller: FromCaller,
    wish: Annotated[EmoticonQuery, Query()],
) -> Response:
    """Answer the picture. A client that sends its entity tag back in If-None-Match gets 304 instead."""
    varies = VARIES
    if wish.format == "auto":
        chosen = negotiate(request.headers.get("accept", ""))
        varies += ", Accept"
    else:
        chosen = Format(wish.format)
    picture = await use.emoticons.own(caller.account, wish.username, wish.size, chosen)
    if wish.format != "auto":
        use.publishing.publish(caller.token, caller.identity, wish.username, picture)
    headers = {"Cache-Control": CACHING, "ETag": picture.etag, "Vary": varies}
    if matches(request.headers.getlist("if-none-match"), picture.etag):
        return Response(status_code=304, headers=headers)
    return _answer(picture, headers)


def _answer(picture: Picture, headers: dict[str, str]) -> Response:
    if picture.format is Format.SVG:
        headers["Content-Security-Policy"] = SVG_POLICY
    return Response(picture.body, headers=headers, media_type=picture.format.media_type)
