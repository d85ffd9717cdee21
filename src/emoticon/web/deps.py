"""What routes ask of a request: the services, who sends it, and its body under strict rules."""

import json
import re
from dataclasses import dataclass, field
from typing import Annotated, Any, TypeVar

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError
from fastapi.security import OAuth2PasswordBearer
from pydantic import BaseModel, ValidationError
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException

from emoticon.domain.errors import InvalidToken, NotAuthenticated, TwoIdentities
from emoticon.domain.models import Account, Identity, Origin
from emoticon.domain.services import Services
from emoticon.web import cookies
from emoticon.web.middleware import REQUEST_ID
from emoticon.web.schemas import Problem

# Dependencies are coroutines throughout: the framework sends plain functions through a thread, 0.1 ms each.

M = TypeVar("M", bound=BaseModel)

FORM_TYPES = ("application/x-www-form-urlencoded", "multipart/form-data")
_BEARER = re.compile(r"bearer ([^\s]+)", re.IGNORECASE)
_CHARSET = re.compile(r';\s*charset\s*=\s*"?utf-?8"?\s*(?:;|$)', re.IGNORECASE)
_MAX_FIELDS = 20
_scheme = OAuth2PasswordBearer("auth/sign-in", auto_error=False, refreshUrl="auth/refresh")


async def services(request: Request) -> Services:
    """Return the services that the app was opened with."""
    opened: Services = request.app.state.services
    return opened


UseServices = Annotated[Services, Depends(services)]


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sends the request, the token that says so, and whether it came in a cookie."""

    identity: Identity
    token: str = field(repr=False)
    by_cookie: bool

    @property
    def account(self) -> Account:
        """The account that the token speaks for."""
        return self.identity.account


def bearer_token(request: Request) -> str | None:
    """Return the token of the one Authorization header (RFC 6750 section 2.1), None without or of another scheme."""
    given = request.headers.getlist("authorization")
    if not given or (len(given) == 1 and not given[0].lower().startswith("bearer")):
        return None
    match = _BEARER.fullmatch(given[0])
    if len(given) > 1 or match is None:
        raise InvalidToken
    return match.group(1)


async def caller(
    request: Request, use: UseServices, _documented: Annotated[str | None, Depends(_scheme)]
) -> Caller:
    """Return who sends the request, by bearer token or by cookie; no other place is looked at.

    A cookie comes along whoever's page sends the request, so it counts only for requests of our own pages.

    Raises:
        NotAuthenticated: neither is there, or the one that is there is not good.
        TwoIdentities: both are there, and of different accounts.
        CrossSite: a page of another site sent the cookie.
    """
    bearer = bearer_token(request)
    cookie = cookies.read(request, cookies.ACCESS)
    if bearer is not None:
        identity = await use.sessions.identities.of(bearer)
        if cookie is not None and await _another(use, cookie, identity):
            raise TwoIdentities
        return Caller(identity, bearer, by_cookie=False)
    if cookie is None:
        raise NotAuthenticated
    if request.method == "GET":
        cookies.refuse_embedding(request)
    else:
        cookies.require_own_page(request)
    return Caller(await use.sessions.identities.of(cookie), cookie, by_cookie=True)


FromCaller = Annotated[Caller, Depends(caller)]


async def origin(request: Request) -> Origin:
    """Return what sessions and the audit remember of where a request came from."""
    return Origin(
        user_agent=request.headers.get("user-agent", ""),
        address=request.app.state.client_address(request.scope),
        request_id=request.scope.get(REQUEST_ID, ""),
    )


FromOrigin = Annotated[Origin, Depends(origin)]


async def _another(use: Services, cookie: str, identity: Identity) -> bool:
    try:
        other = await use.sessions.identities.of(cookie)
    except NotAuthenticated:
        return False  # a cookie that is no good says nothing
    return other.account.id != identity.account.id


async def json_body(request: Request, model: type[M]) -> M:
    """Read a JSON object: UTF-8, no member twice, types as they are.

    Raises:
        HTTPException: 415 for another content type or charset.
        RequestValidationError: what is sent is not of the model.
    """
    _require_type(request, ("application/json",))
    try:
        value = json.loads((await request.body()).decode("utf-8"), object_pairs_hook=_once)
    except (ValueError, RecursionError):
        problem = {"loc": ("body",), "msg": "not valid JSON in UTF-8", "type": "json_invalid"}
        raise RequestValidationError([problem]) from None
    return _validated(model, value)


async def form_body(request: Request, model: type[M]) -> M:
    """Read a form, urlencoded or multipart: text fields only, none twice. Raises as `json_body` does."""
    _require_type(request, FORM_TYPES)
    form: FormData = await request.form(max_files=0, max_fields=_MAX_FIELDS)
    pairs = form.multi_items()
    try:
        return _validated(model, _once([(name, value) for name, value in pairs]))
    except ValueError as error:
        problem = {"loc": ("body",), "msg": str(error), "type": "duplicate"}
        raise RequestValidationError([problem]) from None


async def form_or_json_body(request: Request, model: type[M]) -> M:
    """Read either, as the content type says. Raises as `json_body` does."""
    given = request.headers.get("content-type", "")
    as_form = given.partition(";")[0].strip().lower() in FORM_TYPES
    return await (form_body if as_form else json_body)(request, model)


def body_of(model: type[BaseModel], *media_types: str, required: bool = True) -> dict[str, Any]:
    """Describe a body for the OpenAPI document that is read by one of the functions above."""
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")
    form = {**schema, "additionalProperties": {"type": "string"}, "maxProperties": _MAX_FIELDS}
    content = {
        media_type: {"schema": form if media_type in FORM_TYPES else schema}
        for media_type in media_types
    }
    return {"requestBody": {"required": required, "content": content}}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Describe the errors of a route for the OpenAPI document."""
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": _MEANING[status], "content": content} for status in statuses}


PROBLEM_SCHEMA = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
_MEANING = {
    400: "The request cannot be read",
    401: "No valid token, or wrong credentials",
    403: "Not allowed",
    404: "Not there",
    409: "Taken",
    413: "Too large",
    415: "Another content type is needed",
    422: "Something in the request is not valid",
    429: "Too many attempts: try again after the seconds in Retry-After",
    503: "Try again after the seconds in Retry-After",
}


def _require_type(request: Request, allowed: tuple[str, ...]) -> None:
    given = request.headers.get("content-type", "")
    media_type = given.partition(";")[0].strip().lower()
    if media_type not in allowed or ("charset" in given.lower() and not _CHARSET.search(given)):
        raise HTTPException(415, f"Send {' or '.join(allowed)} in UTF-8")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) != len(pairs):
        message = "a member stands twice"
        raise ValueError(message)
    return values


def _validated(model: type[M], value: object) -> M:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        found = error.errors(include_url=False, include_context=False, include_input=False)
        raise RequestValidationError(
            [{**problem, "loc": ("body", *problem["loc"])} for problem in found]
        ) from None
