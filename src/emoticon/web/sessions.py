"""Routes of sessions."""

from fastapi import APIRouter, Request, Response

from emoticon.web.deps import FORM_TYPES, FromOrigin, UseServices, body_of, form_body, problems
from emoticon.web.schemas import SignInForm, TokenAnswer

router = APIRouter(tags=["sessions"])


@router.post("/auth/sign-in/", include_in_schema=False)
@router.post(
    "/auth/sign-in",
    summary="Sign in",
    responses=problems(400, 401, 413, 415, 422, 503),
    openapi_extra=body_of(SignInForm, *FORM_TYPES),
)
async def sign_in(
    request: Request, response: Response, use: UseServices, origin: FromOrigin
) -> TokenAnswer:
    """Open a session and answer its token. By default older tokens of the account expire at once."""
    form = await form_body(request, SignInForm)
    token = await use.sessions.sign_in(form.username, form.password, origin)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Pragma"] = "no-cache"  # RFC 6749 section 5.1
    return TokenAnswer.of(token)
