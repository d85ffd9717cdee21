"""Routes of styles: which there are, what each lets choose, and whom to thank for them. For everybody."""

from dataclasses import asdict
from hashlib import blake2b
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException

from emoticon.domain.credits import FONTS, UPLOADS
from emoticon.domain.errors import UnknownStyle
from emoticon.domain.models import Format, Style
from emoticon.web.deps import UseServices, problems
from emoticon.web.look_schemas import (
    Credits,
    FontAnswer,
    ListedStyle,
    SampleQuery,
    StyleAnswer,
    StyleDetails,
    StyleList,
)
from emoticon.web.negotiation import matches
from emoticon.web.picture_headers import DRAWN, answer

router = APIRouter(tags=["styles"])

SAMPLE_SEED: Final = "Emoticon"
_CACHING: Final = "public, max-age=3600"
_NOBODY: Final = 0
_UNCHANGED: Final[dict[int | str, dict[str, Any]]] = {
    304: {"description": "The client has this already"}
}


@router.get("/styles/", include_in_schema=False)
@router.get(
    "/styles",
    summary="The styles that may be chosen",
    response_model=StyleList,
    responses={**_UNCHANGED, **problems(400)},
)
async def styles(request: Request, use: UseServices) -> Response:
    """Answer all of them, with artist, licence and the path of a sample."""
    catalogue = use.looks.catalogue
    listed = [_listed(catalogue.style(name)) for name in catalogue.names]
    return _answer(request, StyleList(default=catalogue.default_style, styles=listed))


@router.get("/styles/{style}/", include_in_schema=False)
@router.get(
    "/styles/{style}",
    summary="One style",
    response_model=StyleDetails,
    responses={**_UNCHANGED, **problems(400, 404)},
)
async def one_style(request: Request, style: str, use: UseServices) -> Response:
    """Answer it, with the JSON Schema of its options."""
    try:
        described = _listed(use.looks.catalogue.style(style)).model_dump()
        options = dict(use.looks.catalogue.options(style))
    except UnknownStyle as error:
        raise HTTPException(404, error.detail) from None
    return _answer(request, StyleDetails(**described, options=options))


@router.get(
    "/styles/{style}/sample.{format}",
    summary="A picture of a style",
    response_class=Response,
    responses={**DRAWN, **problems(400, 404, 422, 503)},
)
async def sample(
    request: Request,
    style: str,
    picture_format: Annotated[Literal["png", "svg"], Path(alias="format")],
    use: UseServices,
    wish: Annotated[SampleQuery, Query()],
) -> Response:
    """Answer what the style makes of the word Emoticon."""
    try:
        look = use.looks.catalogue.look(style, SAMPLE_SEED, None)
    except UnknownStyle as error:
        raise HTTPException(404, error.detail) from None
    picture = await use.emoticons.of(look, int(wish.size), Format(picture_format), owner=_NOBODY)
    return answer(picture, _CACHING, request.headers.getlist("if-none-match"))


@router.get("/credits/", include_in_schema=False)
@router.get(
    "/credits",
    summary="Whom to thank for the pictures",
    response_model=Credits,
    responses={**_UNCHANGED, **problems(400)},
)
async def credit(request: Request, use: UseServices) -> Response:
    """Answer artist and licence of every style that may be seen here, and of the letters in some of them."""
    return _answer(
        request,
        Credits(
            styles=[StyleAnswer(**asdict(style)) for style in use.looks.catalogue.all],
            fonts=[FontAnswer(**asdict(font)) for font in FONTS],
            uploads=UPLOADS,
        ),
    )


def _listed(style: Style) -> ListedStyle:
    return ListedStyle(**asdict(style), sample=f"/styles/{style.name}/sample.png")


def _answer(request: Request, body: BaseModel) -> Response:
    data = body.model_dump_json().encode()
    etag = f'"{blake2b(data, digest_size=16).hexdigest()}"'
    headers = {"Cache-Control": _CACHING, "ETag": etag}
    if matches(request.headers.getlist("if-none-match"), etag):
        return Response(status_code=304, headers=headers)
    return Response(data, headers=headers, media_type="application/json")
