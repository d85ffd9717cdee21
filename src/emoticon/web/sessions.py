"""Routes of sessions."""

import re
from datetime import UTC, datetime

from fastapi import APIRouter, Request, Response

from emoticon.domain.errors import NotAuthenticated, UnknownSession
from emoticon.domain.models import Session
from emoticon.web import cookies, tokens
from emoticon.web.deps import (
    FORM_TYPES,
    FromCaller,
    FromOrigin,
    UseServices,
    body_of,
    form_body,
    form_or_json_body,
    problems,
)
from emoticon.web.schemas import (
    CookieAnswer,
    OpenSession,
    OpenSessions,
    RefreshForm,
    RevokeForm,
    SignInForm,
    TokenAnswer,
)

router = APIRouter(tags=["sessions"])

_ID = re.compile("[0-9a-f]{32}")


@router.post("/auth/sign-in/", include_in_schema=False)
@router.post(
    "/auth/sign-in",
    summary="Sign in",
    responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra=body_of(SignInForm, *FORM_TYPES),
)
async def sign_in(
    request: Request, response: Response, use: UseServices, origin: FromOrigin
) -> TokenAnswer | CookieAnswer:
    """Open a session and answer its tokens. By default older tokens of the account expire at once."""
    form = await form_body(request, SignInForm)
    by_cookie = form.session == "cookie"
    tokens.require_fitting_page(request, by_cookie=by_cookie)
    pair = await use.sessions.sign_in(form.username, form.password, origin)
    return tokens.answer(response, pair, by_cookie=by_cookie)


@router.post("/auth/refresh/", include_in_schema=False)
@router.post(
    "/auth/refresh",
    summary="Exchange a refresh token for new tokens",
    responses=problems(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=body_of(RefreshForm, *FORM_TYPES, "application/json", required=False),
)
async def refresh(
    request: Request, response: Response, use: UseServices, origin: FromOrigin
) -> TokenAnswer | CookieAnswer:
    """Answer the next pair; the refresh token that was sent is used up.

    Sent again within a few seconds it gives the same successor, later it ends the session. Without a body, the
    cookie counts.
    """
    by_cookie = not await request.body()
    if by_cookie:
        token = cookies.read(request, cookies.REFRESH)
        if token is None:
            raise NotAuthenticated("Send a refresh token, in the body or as its cookie")
        cookies.require_own_page(request)
    else:
        token = (await form_or_json_body(request, RefreshForm)).refresh_token
    pair = await use.sessions.refresh(token, origin)
    return tokens.answer(response, pair, by_cookie=by_cookie)


@router.post("/auth/sign-out/", include_in_schema=False, status_code=204)
@router.post(
    "/auth/sign-out",
    status_code=204,
    summary="Sign out",
    responses=problems(400, 401, 403, 503),
)
async def sign_out(
    response: Response, use: UseServices, caller: FromCaller, origin: FromOrigin
) -> None:
    """End the session of the token: from now on neither of its tokens is good."""
    await use.sessions.sign_out(caller.identity, origin)
    _said_goodbye(response, by_cookie=caller.by_cookie)


@router.post("/auth/revoke/", include_in_schema=False)
@router.post(
    "/auth/revoke",
    summary="Revoke a token (RFC 7009)",
    response_class=Response,
    responses=problems(400, 403, 413, 415, 422, 503),
    openapi_extra=body_of(RevokeForm, *FORM_TYPES),
)
async def revoke(request: Request, use: UseServices, origin: FromOrigin) -> Response:
    """End the session that the token belongs to. Whether there was one is not said: the answer is always 200."""
    form = await form_body(request, RevokeForm)
    await use.sessions.revoke(form.token, origin)
    return Response(headers={"Cache-Control": "no-store"})


@router.get("/auth/sessions/", include_in_schema=False)
@router.get(
    "/auth/sessions",
    summary="Where the caller is signed in",
    responses=problems(400, 401, 403, 503),
)
async def sessions(response: Response, use: UseServices, caller: FromCaller) -> OpenSessions:
    """Answer the open sessions of the account, the one used last first."""
    response.headers["Cache-Control"] = "private, no-store"
    here = caller.identity.claims.session_id
    return OpenSessions(
        sessions=[_shown(session, here) for session in await use.sessions.of(caller.account)]
    )


# Not with a slash at the end: a client that forgets the id would sign out everywhere.
@router.delete(
    "/auth/sessions",
    status_code=204,
    summary="Sign out everywhere",
    responses=problems(400, 401, 403, 503),
)
async def sign_out_everywhere(
    response: Response, use: UseServices, caller: FromCaller, origin: FromOrigin
) -> None:
    """End all sessions of the account, the caller's own included."""
    await use.sessions.sign_out_everywhere(caller.account.id, origin)
    _said_goodbye(response, by_cookie=caller.by_cookie)


@router.delete("/auth/sessions/{session_id}/", include_in_schema=False, status_code=204)
@router.delete(
    "/auth/sessions/{session_id}",
    status_code=204,
    summary="End one session",
    responses=problems(400, 401, 403, 404, 503),
)
async def end_session(
    session_id: str,
    response: Response,
    use: UseServices,
    caller: FromCaller,
    origin: FromOrigin,
) -> None:
    """End a session of the caller's own; those of others are not there."""
    if not _ID.fullmatch(session_id):
        raise UnknownSession
    await use.sessions.end(caller.identity, session_id, origin)
    here = session_id == caller.identity.claims.session_id
    _said_goodbye(response, by_cookie=caller.by_cookie and here)


def _said_goodbye(response: Response, *, by_cookie: bool) -> None:
    response.headers["Cache-Control"] = "no-store"
    if by_cookie:
        cookies.clear(response)


def _shown(session: Session, here: str) -> OpenSession:
    created_at, last_used_at, expires_at = (
        datetime.fromtimestamp(time_ms / 1000, UTC)
        for time_ms in (session.created_at, session.last_used_at, session.expires_at)
    )
    return OpenSession(
        id=session.id,
        created_at=created_at,
        last_used_at=last_used_at,
        expires_at=expires_at,
        user_agent=session.user_agent,
        address=session.address,
        current=session.id == here,
    )
