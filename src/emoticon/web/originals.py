"""Routes of uploaded pictures."""

from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from starlette.exceptions import HTTPException

from emoticon.web.deps import FromCaller, FromOrigin, UseServices, problems
from emoticon.web.original_schemas import PictureAnswer, PictureQuery

router = APIRouter(tags=["emoticons"])

_TAKEN = ("image/png", "image/jpeg", "image/webp", "image/gif", "image/avif")
_UNNAMED = "application/octet-stream"
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "description": "The picture itself: PNG, JPEG, WebP, GIF or AVIF, at most 5 MiB and 25 megapixels.",
        "content": {
            media_type: {"schema": {"type": "string", "format": "binary"}}
            for media_type in (*_TAKEN, _UNNAMED)
        },
    }
}


@router.put("/emoticon/picture/", include_in_schema=False)
@router.put(
    "/emoticon/picture",
    summary="Show a picture of one's own",
    responses=problems(400, 401, 403, 413, 415, 422, 429, 503),
    openapi_extra=_BODY,
)
async def put_picture(
    request: Request,
    response: Response,
    *,
    use: UseServices,
    caller: FromCaller,
    origin: FromOrigin,
    crop: Annotated[PictureQuery, Query()],
) -> PictureAnswer:
    """Let the account show the picture that is sent, drawn anew from its pixels alone.

    What kind it is, its first bytes say, not its content type.
    """
    _require_picture(request.headers.get("content-type", _UNNAMED))
    account = await use.originals.put(caller.identity, request.body, crop.square(), origin)
    response.headers["Cache-Control"] = "private, no-store"
    return PictureAnswer(version=use.emoticons.version(account.look))


@router.delete("/emoticon/picture/", include_in_schema=False, status_code=204)
@router.delete(
    "/emoticon/picture",
    status_code=204,
    summary="Show the style again",
    responses=problems(400, 401, 403, 503),
)
async def delete_picture(
    response: Response, use: UseServices, caller: FromCaller, origin: FromOrigin
) -> None:
    """Delete the picture that was uploaded; there may be none."""
    await use.originals.delete(caller.identity, origin)
    response.headers["Cache-Control"] = "no-store"


def _require_picture(content_type: str) -> None:
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type.startswith("image/") and media_type != _UNNAMED:
        raise HTTPException(415, f"Send the picture itself, as image/... or {_UNNAMED}")
