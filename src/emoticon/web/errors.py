"""Errors as RFC 9457 problem details: one table from the domain's types to statuses, one shape for all."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Route

from emoticon.domain import errors

log = structlog.get_logger(__name__)

STATUS: Mapping[type[errors.EmoticonError], int] = {
    errors.EmoticonError: 500,
    errors.InvalidInput: 422,
    errors.InvalidUsername: 422,
    errors.InvalidPassword: 422,
    errors.WeakPassword: 422,
    errors.InvalidSize: 422,
    errors.UnknownStyle: 422,
    errors.InvalidLook: 422,
    errors.InvalidLink: 422,
    errors.NoVector: 422,
    errors.InvalidPicture: 422,
    errors.UnsupportedPicture: 415,
    errors.PictureTooLarge: 413,
    errors.UsernameTaken: 409,
    errors.SignUpsClosed: 403,
    errors.NotAuthenticated: 401,
    errors.InvalidToken: 401,
    errors.SessionSuperseded: 401,
    errors.SessionEnded: 401,
    errors.InvalidGrant: 401,
    errors.WrongCredentials: 401,
    errors.TwoIdentities: 400,
    errors.CrossSite: 403,
    errors.WrongPassword: 403,
    errors.NotYours: 403,
    errors.UnknownSession: 404,
    errors.UnknownLink: 404,
    errors.TooManyLinks: 409,
    errors.UnknownAccount: 404,
    errors.TooManyAttempts: 429,
    errors.Unavailable: 503,
    errors.FloorsStale: 503,
    errors.HashingBusy: 503,
    errors.DrawingBusy: 503,
    errors.DrawingTimedOut: 503,
    errors.DrawingFailed: 503,
    errors.UploadsBusy: 503,
    errors.OriginalsUnavailable: 503,
    errors.StoreUnavailable: 503,
    errors.BulletinUnavailable: 503,
    errors.TierUnavailable: 503,
}
"""Exact types, on purpose: a new error has to say what it means to a client."""

ERROR_CODE = "emoticon.error_code"
"""Where the scope of a request has the code of the domain's error that was its answer."""
HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_TITLES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    408: "Request Timeout",
    409: "Conflict",
    413: "Content Too Large",
    414: "URI Too Long",
    415: "Unsupported Media Type",
    422: "Unprocessable Content",
    429: "Too Many Requests",
    431: "Request Header Fields Too Large",
    500: "Internal Server Error",
    503: "Service Unavailable",
}
"""RFC 9110 section 15; Python's own names differ between its versions."""
MEDIA_TYPE = "application/problem+json"
_MAX_PROBLEMS = 3
_MAX_TEXT = 120


def problem(
    status: int,
    code: str,
    detail: str,
    *,
    headers: Mapping[str, str] | None = None,
    problems: Sequence[Mapping[str, Any]] = (),
) -> JSONResponse:
    """Return the answer for an error; at most about 1 KB. `problems` says what is wrong with which field."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": _TITLES.get(status, "Error"),
        "status": status,
        "code": code,
        "detail": detail,
    }
    if problems:
        body["errors"] = list(problems)
    all_headers = {**HEADERS, **(headers or {})}
    return JSONResponse(body, status, all_headers, media_type=MEDIA_TYPE)


def install(app: FastAPI, routes: Sequence[BaseRoute]) -> None:
    """Make the app answer every error in this shape; `routes` are all that it has, to tell what is allowed where."""

    def http_error(request: Request, error: Exception) -> JSONResponse:
        return _http_error(request, error, routes)

    app.add_exception_handler(errors.EmoticonError, _domain_error)
    app.add_exception_handler(RequestValidationError, _validation_error)
    app.add_exception_handler(HTTPException, http_error)
    app.add_exception_handler(Exception, _unexpected_error)


def _domain_error(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, errors.EmoticonError)  # noqa: S101 - by registration
    request.scope[ERROR_CODE] = error.code
    headers: dict[str, str] = {}
    if isinstance(error, errors.Unavailable | errors.TooManyAttempts):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, errors.NotAuthenticated):
        headers["WWW-Authenticate"] = _challenge(error)
    return problem(STATUS[type(error)], error.code, error.detail, headers=headers)


def _challenge(error: errors.NotAuthenticated) -> str:
    """RFC 6750 section 3.1: an error code only when a token was sent."""
    if isinstance(error, errors.InvalidToken | errors.SessionSuperseded | errors.SessionEnded):
        return 'Bearer error="invalid_token"'
    return "Bearer"


def _validation_error(_request: Request, error: Exception) -> JSONResponse:
    """Say which field is wrong and why, never what was sent: it may be a password."""
    assert isinstance(error, RequestValidationError)  # noqa: S101 - by registration
    problems = [
        {
            "loc": [str(part)[:_MAX_TEXT] for part in item["loc"]][:4],
            "msg": str(item["msg"])[:_MAX_TEXT],
            "type": str(item["type"])[:_MAX_TEXT],
        }
        for item in error.errors()[:_MAX_PROBLEMS]
    ]
    return problem(
        422, errors.InvalidInput.code, errors.InvalidInput.default_detail, problems=problems
    )


def _http_error(request: Request, error: Exception, routes: Sequence[BaseRoute]) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - by registration
    title = _TITLES.get(error.status_code, "Error")
    headers = dict(error.headers or {})
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = _allow(request.scope["path"], routes)
    code = title.lower().replace(" ", "_")
    detail = str(error.detail)
    return problem(error.status_code, code, detail, headers=headers)


def _allow(path: str, routes: Sequence[BaseRoute]) -> str:
    """Name the methods of all routes of the path: the framework knows those of the first only."""
    methods: set[str] = set()
    for route in routes:
        if isinstance(route, Route) and route.path_regex.match(path):
            methods.update(route.methods or ())
    if "GET" in methods:
        methods.add("HEAD")
    return ", ".join(sorted(methods))


async def _unexpected_error(_request: Request, _error: Exception) -> JSONResponse:
    """The server logs the traceback; the client learns nothing of it."""
    return problem(500, "internal_error", "Something went wrong here; it was logged")
