"""Routes of share links."""

import re
from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Request, Response

from emoticon.domain.errors import UnknownLink
from emoticon.domain.links import SharedLink, Shown
from emoticon.domain.models import Format
from emoticon.domain.publishing import KEPT_S
from emoticon.web.deps import FromCaller, FromOrigin, UseServices, body_of, json_body, problems
from emoticon.web.link_schemas import NewShareLink, ShareLink, ShareLinks
from emoticon.web.picture_headers import DRAWN, answer
from emoticon.web.public_answers import EXACT_SIZE, described

router = APIRouter(tags=["links"])

# Private, all of it: what a cache keeps that many share, nobody can take back.
LASTING: Final = "private, max-age=31536000, immutable"
SHORT: Final = f"private, max-age={KEPT_S}"

_ID = re.compile("[0-9a-f]{32}")
_TARGET = re.compile(rb"/e/([A-Za-z0-9_-]{43})\.(png|svg|webp|avif)")
_SIZE = re.compile("[1-9][0-9]{1,2}")
_WISH: Final = described(size=EXACT_SIZE, v={"type": "string"})


@router.get("/emoticon/links/", include_in_schema=False)
@router.get(
    "/emoticon/links", summary="The caller's share links", responses=problems(400, 401, 403, 503)
)
async def links(response: Response, use: UseServices, caller: FromCaller) -> ShareLinks:
    """Answer the links of the account that are good, the newest first."""
    response.headers["Cache-Control"] = "private, no-store"
    return ShareLinks(links=[_owned(shared) for shared in await use.links.of(caller.account)])


@router.post("/emoticon/links/", include_in_schema=False, status_code=201)
@router.post(
    "/emoticon/links",
    status_code=201,
    summary="Make a share link",
    responses=problems(400, 401, 403, 409, 413, 415, 422, 503),
    openapi_extra=body_of(NewShareLink, "application/json"),
)
async def make_link(
    request: Request, response: Response, use: UseServices, caller: FromCaller, origin: FromOrigin
) -> ShareLink:
    """Make a URL by which anybody who has it sees the emoticon of the account, whatever it looks like by then."""
    body = await json_body(request, NewShareLink)
    shared = await use.links.create(
        caller.account,
        label=body.label,
        life_s=body.expires_in,
        sizes_px=body.sizes,
        origin=origin,
    )
    response.headers["Cache-Control"] = "no-store"
    return _owned(shared)


@router.delete("/emoticon/links/{link_id}/", include_in_schema=False, status_code=204)
@router.delete(
    "/emoticon/links/{link_id}",
    status_code=204,
    summary="Revoke a share link",
    responses=problems(400, 401, 403, 404, 503),
)
async def revoke_link(
    link_id: str, response: Response, use: UseServices, caller: FromCaller, origin: FromOrigin
) -> None:
    """Revoke a link of the caller's own; those of others are not there. From now on its URL is 404."""
    if not _ID.fullmatch(link_id):
        raise UnknownLink
    await use.links.revoke(caller.account, link_id, origin)
    response.headers["Cache-Control"] = "no-store"


@router.get(
    "/e/{link}.{format}",
    summary="The emoticon that a share link shows",
    response_class=Response,
    responses={**DRAWN, **problems(404, 503)},
    openapi_extra=_WISH,
)
async def shared_emoticon(
    request: Request,
    use: UseServices,
    _link: Annotated[str, Path(alias="link")],
    _format: Annotated[str, Path(alias="format", json_schema_extra={"enum": [*Format]})],
) -> Response:
    """Answer the picture to anybody: who asks, from where, and with which token or cookie has no say.

    With the version of the link as `v`, browsers may keep it. Whatever is wrong with the URL, the answer is the same
    404.
    """
    # As it was sent: one spelling of a URL, and the edge and this route have the same one.
    target = _TARGET.fullmatch(request.scope.get("raw_path") or request.scope["path"].encode())
    if target is None:
        raise UnknownLink
    token, picture_format = (part.decode() for part in target.groups())
    wish = request.query_params
    size = wish.get("size")
    if size is not None and not _SIZE.fullmatch(size):
        raise UnknownLink
    shown = await use.links.show(
        token,
        None if size is None else int(size),
        Format(picture_format),
        wish.get("v", ""),
    )
    expires_at = shown.link.expires_at
    use.publishing.publish_link(
        token,
        shown.version,
        shown.link.account_id,
        None if expires_at is None else expires_at // 1000,
        shown.picture,
        began=shown.began,
    )
    return answer(shown.picture, _caching(shown), request.headers.getlist("if-none-match"))


def _caching(shown: Shown) -> str:
    if shown.left_s is not None:
        return f"private, max-age={min(shown.left_s, KEPT_S)}"
    return LASTING if shown.version else SHORT


def _owned(shared: SharedLink) -> ShareLink:
    link = shared.link
    expires_at = link.expires_at
    return ShareLink(
        id=link.id,
        label=link.label,
        sizes=[*link.sizes_px],
        created_at=datetime.fromtimestamp(link.created_at / 1000, UTC),
        expires_at=None if expires_at is None else datetime.fromtimestamp(expires_at / 1000, UTC),
        url=f"/e/{shared.token}.png",
        version=shared.version,
    )
