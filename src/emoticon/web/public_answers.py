"""What answers to anybody have in common: counted by address, kept by everybody, to be shown by pages of any site."""

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import Depends, Request, Response
from fastapi.routing import APIRoute
from starlette.datastructures import MutableHeaders
from starlette.types import Message, Receive, Scope, Send
from typing_extensions import override

from emoticon.domain.dropins.wishes import Wish
from emoticon.domain.pictures import DEFAULT_PX, MAX_PX, MIN_PX
from emoticon.domain.public import PublicGenerator
from emoticon.domain.styles import MAX_SEED_LENGTH
from emoticon.web import picture_headers
from emoticon.web.deps import UseServices, problems

DAILY: Final = "public, max-age=86400"
"""Where the same URL may show something else one day."""
DESCRIBED: Final[dict[int | str, dict[str, Any]]] = {
    **picture_headers.DRAWN,
    **problems(422, 429, 503),
}
STYLE: Final = {"example": "critters"}
EXACT_SIZE: Final = {"type": "integer", "minimum": MIN_PX, "maximum": MAX_PX, "default": DEFAULT_PX}
SIZE: Final = {"type": "string", "pattern": "^[0-9]{0,20}$", "example": "128"}
_SEED: Final = r"^[^\u0000-\u001f\u007f-\u009f\ufffe\uffff]"
SEED: Final = {"type": "string", "pattern": f"{_SEED}{{1,{MAX_SEED_LENGTH}}}$"}
SEED_OR_NONE: Final = {"type": "string", "pattern": f"{_SEED}{{0,{MAX_SEED_LENGTH}}}$"}
TEXT: Final = {"type": "string"}
"""Schemas of what the domain reads: they say to clients what is taken."""

_ANY_PAGE: Final = {
    "Access-Control-Allow-Origin": "*",
    "Cross-Origin-Resource-Policy": "cross-origin",
}
_PREFLIGHT: Final = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "*",
    "Access-Control-Max-Age": "86400",
}


class PublicRoute(APIRoute):
    """Lets pages of any site read the answers, refusals too. No credentials are looked at, so none are allowed."""

    @override
    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_on(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(_ANY_PAGE)
            await send(message)

        await super().handle(scope, receive, send_on)


async def admitted(request: Request, use: UseServices) -> PublicGenerator:
    """Count the request of this address, and return who draws for it."""
    await use.public.admit(request.app.state.client_address(request.scope))
    return use.public


Public = Annotated[PublicGenerator, Depends(admitted)]


async def preflight() -> Response:
    """Answer what a browser asks before a page of another site may ask."""
    return Response(status_code=204, headers=_PREFLIGHT)


async def drawn(
    request: Request, public: PublicGenerator, wish: Wish, caching: str = picture_headers.LASTING
) -> Response:
    """Return the answer: the picture, or 304 for who has it already. It names the licence of what is to be seen."""
    picture = await public.picture(wish)
    tags = request.headers.getlist("if-none-match")
    response = picture_headers.answer(picture, caching, tags)
    license_url = public.license_url(wish.look)
    if license_url and not picture.stand_in:
        response.headers["Link"] = f'<{license_url}>; rel="license"'
    return response


def described(**schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Describe parameters of the query by their schemas."""
    return {
        "parameters": [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in schemas.items()
        ]
    }
