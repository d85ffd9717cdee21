"""Routes of accounts."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from emoticon.web.deps import Caller, FromOrigin, UseServices, body_of, json_body, problems
from emoticon.web.schemas import Credentials, TokenAnswer, User

router = APIRouter(tags=["accounts"])


@router.post("/auth/sign-up/", include_in_schema=False, status_code=201)
@router.post(
    "/auth/sign-up",
    status_code=201,
    summary="Make an account",
    responses=problems(400, 403, 409, 413, 415, 422, 503),
    openapi_extra=body_of(Credentials, "application/json"),
)
async def sign_up(
    request: Request, response: Response, use: UseServices, origin: FromOrigin
) -> TokenAnswer:
    """Make an account and sign in to it. The name is stored in lower case."""
    body = await json_body(request, Credentials)
    token = await use.accounts.sign_up(body.username, body.password, origin)
    response.headers["Cache-Control"] = "no-store"
    return TokenAnswer.of(token)


@router.get("/auth/user/", include_in_schema=False)
@router.get("/auth/user", summary="The account of the token", responses=problems(401, 503))
async def user(response: Response, caller: Caller) -> User:
    """Answer whose token this is."""
    response.headers["Cache-Control"] = "private, no-store"
    return User(
        id=caller.id,
        username=caller.username,
        visibility=caller.visibility,
        created_at=datetime.fromtimestamp(caller.created_at / 1000, UTC),
    )
