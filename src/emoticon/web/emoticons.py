"""Routes of emoticons."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from emoticon.domain.models import Format
from emoticon.web.deps import FromCaller, UseServices, problems
from emoticon.web.negotiation import negotiate
from emoticon.web.picture_headers import DRAWN, PRIVATE, VARIES, answer
from emoticon.web.schemas import EmoticonQuery

router = APIRouter(tags=["emoticons"])

PATHS = ("/emoticon/", "/emoticon")


@router.get("/emoticon", include_in_schema=False)
@router.get(
    "/emoticon/",
    summary="The caller's own emoticon",
    response_class=Response,
    responses={**DRAWN, **problems(400, 401, 403, 422, 503)},
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
        chosen = negotiate(request.headers.get("accept", ""), scalable=caller.account.look.scalable)
        varies += ", Accept"
    else:
        chosen = Format(wish.format)
    picture = await use.emoticons.own(caller.account, wish.username, wish.size, chosen)
    if wish.format != "auto":
        use.publishing.publish(caller.token, caller.identity, wish.username, picture)
    return answer(picture, PRIVATE, request.headers.getlist("if-none-match"), varies=varies)
