"""Routes of accounts."""

from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from emoticon.web import cookies, tokens
from emoticon.web.deps import FromCaller, FromOrigin, UseServices, body_of, json_body, problems
from emoticon.web.schemas import (
    CookieAnswer,
    Credentials,
    Farewell,
    NewPassword,
    TokenAnswer,
    User,
)

router = APIRouter(tags=["accounts"])


@router.post("/auth/sign-up/", include_in_schema=False, status_code=201)
@router.post(
    "/auth/sign-up",
    status_code=201,
    summary="Make an account",
    responses=problems(400, 403, 409, 413, 415, 422, 429, 503),
    openapi_extra=body_of(Credentials, "application/json"),
)
async def sign_up(
    request: Request, response: Response, use: UseServices, origin: FromOrigin
) -> TokenAnswer | CookieAnswer:
    """Make an account and sign in to it. The name is stored in lower case."""
    body = await json_body(request, Credentials)
    by_cookie = body.session == "cookie"
    tokens.require_fitting_page(request, by_cookie=by_cookie)
    pair = await use.accounts.sign_up(body.username, body.password, origin)
    return tokens.answer(response, pair, by_cookie=by_cookie)


@router.get("/auth/user/", include_in_schema=False)
@router.get(
    "/auth/user", summary="The account of the token", responses=problems(400, 401, 403, 503)
)
async def user(response: Response, caller: FromCaller) -> User:
    """Answer whose token this is."""
    account = caller.account
    response.headers["Cache-Control"] = "private, no-store"
    return User(
        id=account.id,
        username=account.username,
        visibility=account.visibility,
        created_at=datetime.fromtimestamp(account.created_at / 1000, UTC),
    )


@router.put("/auth/password/", include_in_schema=False)
@router.put(
    "/auth/password",
    summary="Change the password",
    responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra=body_of(NewPassword, "application/json"),
)
async def change_password(
    request: Request,
    response: Response,
    use: UseServices,
    caller: FromCaller,
    origin: FromOrigin,
) -> TokenAnswer | CookieAnswer:
    """Replace the password. All sessions end, and the answer has the tokens of a new one."""
    body = await json_body(request, NewPassword)
    pair = await use.accounts.change_password(
        caller.identity, body.current_password, body.new_password, origin
    )
    return tokens.answer(response, pair, by_cookie=caller.by_cookie)


@router.delete("/auth/user/", include_in_schema=False, status_code=204)
@router.delete(
    "/auth/user",
    status_code=204,
    summary="Delete the account",
    responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra=body_of(Farewell, "application/json"),
)
async def leave(
    request: Request,
    response: Response,
    use: UseServices,
    caller: FromCaller,
    origin: FromOrigin,
) -> None:
    """Delete the account of the token for good. Its name is held back for some time."""
    body = await json_body(request, Farewell)
    await use.accounts.leave(caller.identity, body.password, origin)
    response.headers["Cache-Control"] = "no-store"
    if caller.by_cookie:
        cookies.clear(response)
