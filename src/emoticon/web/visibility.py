"""Routes of visibility: who may see an emoticon by the name of its account."""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query, Request, Response

from emoticon.domain.models import Format
from emoticon.web.deps import FromCaller, FromOrigin, UseServices, body_of, json_body, problems
from emoticon.web.link_schemas import ChosenVisibility, PublicQuery
from emoticon.web.picture_headers import DRAWN, answer
from emoticon.web.public_answers import Public
from emoticon.web.schemas import User

router = APIRouter(tags=["emoticons"])

CACHING: Final = "public, max-age=60"


@router.put("/emoticon/visibility/", include_in_schema=False)
@router.put(
    "/emoticon/visibility",
    summary="Choose who may see the emoticon",
    responses=problems(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=body_of(ChosenVisibility, "application/json"),
)
async def choose_visibility(
    request: Request, response: Response, use: UseServices, caller: FromCaller, origin: FromOrigin
) -> User:
    """Show the emoticon at `/u/` to anybody who knows the name, or to nobody there. Share links are another matter."""
    body = await json_body(request, ChosenVisibility)
    account = await use.visibility.choose(caller.account, body.visibility, origin)
    response.headers["Cache-Control"] = "private, no-store"
    return User(
        id=account.id,
        username=account.username,
        visibility=account.visibility,
        created_at=datetime.fromtimestamp(account.created_at / 1000, UTC),
    )


@router.get(
    "/u/{username}.{format}",
    summary="The emoticon of a public account",
    response_class=Response,
    responses={**DRAWN, **problems(422, 429, 503)},
)
async def public_emoticon(
    request: Request,
    use: UseServices,
    _admitted: Public,
    username: str,
    picture_format: Annotated[Format, Path(alias="format")],
    wish: Annotated[PublicQuery, Query()],
) -> Response:
    """Answer the picture to anybody. For all other names, taken or not, it is the same neutral one.

    Counted by address, together with the pictures of the public generator.
    """
    picture = await use.visibility.public(username, wish.size, picture_format)
    return answer(picture, CACHING, request.headers.getlist("if-none-match"))
