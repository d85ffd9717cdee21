"""The paths of DiceBear's HTTP API, for its clients: only the host of their URLs changes."""

import json
from collections.abc import Awaitable, Callable
from enum import StrEnum
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import JSONResponse
from starlette.datastructures import QueryParams
from starlette.exceptions import HTTPException

from emoticon.domain.dropins import dicebear
from emoticon.domain.errors import UnknownStyle
from emoticon.domain.models import Format
from emoticon.web.deps import problems
from emoticon.web.public_answers import (
    DESCRIBED,
    SEED_OR_NONE,
    SIZE,
    STYLE,
    Public,
    PublicRoute,
    described,
    drawn,
    preflight,
)

router = APIRouter(tags=["public generator"], route_class=PublicRoute)

NEWEST = dicebear.VERSIONS[-1]
_KEPT = ("cache-control", "etag", "link")
_DESCRIBED: dict[int | str, dict[str, Any]] = {
    **DESCRIBED,
    **problems(404),
    200: {
        **DESCRIBED[200],
        "content": {
            **DESCRIBED[200]["content"],
            "application/json": {"schema": {"type": "object"}},
        },
    },
}


class Answered(StrEnum):
    """What may be asked for; the value is its name in URLs."""

    SVG = "svg"
    PNG = "png"
    WEBP = "webp"
    AVIF = "avif"
    JSON = "json"
    JPG = "jpg"
    JPEG = "jpeg"

    @property
    def drawn(self) -> Format:
        """What is drawn for it: no JPEG, but PNG."""
        if self is Answered.JSON:
            return Format.SVG
        return Format.PNG if self in {Answered.JPG, Answered.JPEG} else Format(self.value)


Style = Annotated[str, Path(json_schema_extra=STYLE)]
Asked = Annotated[Answered, Path(alias="format")]


def _avatar(version: int) -> Callable[..., Awaitable[Response]]:
    """Return what answers URLs of this version, with options in the query or, instead, in the path."""

    async def avatar(request: Request, public: Public, style: Style, asked: Asked) -> Response:
        """Answer the picture, 128 pixels wide or of the size nearest to the one that is asked for.

        All further parameters are options of the style: `?eyesVariant=happy,wink&rotate=10`. `json` has the SVG in it.
        """
        options = request.path_params.get("options")
        given = QueryParams(options) if options else request.query_params
        try:
            wish = dicebear.wish(public.catalogue, version, style, asked.drawn, given.multi_items())
        except UnknownStyle as error:
            raise HTTPException(404, error.detail) from None
        answer = await drawn(request, public, wish)
        if asked is not Answered.JSON or answer.status_code == HTTPStatus.NOT_MODIFIED:
            return answer
        body = {"svg": bytes(answer.body).decode(), "options": json.loads(wish.look.options)}
        return JSONResponse(body, headers={name: answer.headers[name] for name in _KEPT})

    return avatar


for version in dicebear.VERSIONS:
    for tail in ("", "/{options:path}"):
        path = f"/{version}.x/{{style}}/{{format}}{tail}"
        router.options(path, include_in_schema=False)(preflight)
        router.get(
            path,
            summary="As DiceBear's HTTP API: a picture of any look",
            response_class=Response,
            responses=_DESCRIBED,
            include_in_schema=version == NEWEST and not tail,
            openapi_extra=described(seed=SEED_OR_NONE, size=SIZE),
        )(_avatar(version))
