"""What is said beside a picture: what caches may do with it, whose work it is, what a browser may do with an SVG.

Routes and the fast path share it, and so does nginx: deploy/nginx says the same, to the byte.
"""

from collections.abc import Iterable
from typing import Any, Final

from starlette.responses import Response

from emoticon.domain.models import Format, Picture
from emoticon.web.negotiation import matches

PRIVATE: Final = "private, no-cache"
VARIES: Final = "Authorization, Cookie"
"""Who asks, where that has a say."""
LASTING: Final = "public, max-age=31536000, immutable"
"""Where the URL says all about the picture."""
NOT_KEPT: Final = "no-store"
"""Of a picture in the place of another, which may be there again at any time."""
SVG_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
SHOWN_BY: Final = "cross-origin"
"""Of pictures that anybody may have: pages of any site may show them, also those that are isolated from all others."""
LICENCE: Final = '</credits>; rel="license"'

DRAWN: Final[dict[int | str, dict[str, Any]]] = {
    200: {
        "description": "The picture",
        "content": {
            kind.media_type: {"schema": {"type": "string", "format": "binary"}} for kind in Format
        },
    },
    304: {"description": "The client has this picture already"},
}
"""For the OpenAPI document."""


def answer(
    picture: Picture, caching: str, if_none_match: Iterable[str], *, varies: str = ""
) -> Response:
    """Return the answer of a route: the picture, or 304 for who has it already.

    `varies` names the request headers that say who asks. Without them the picture is for anybody, on any page.
    """
    headers = {
        "Cache-Control": NOT_KEPT if picture.stand_in else caching,
        "ETag": picture.etag,
        "Link": LICENCE,
    }
    if varies:
        headers["Vary"] = varies
    else:
        headers["Cross-Origin-Resource-Policy"] = SHOWN_BY
    if matches(if_none_match, picture.etag):
        return Response(status_code=304, headers=headers)
    if picture.format is Format.SVG:
        headers["Content-Security-Policy"] = SVG_POLICY
    return Response(picture.body, headers=headers, media_type=picture.format.media_type)
