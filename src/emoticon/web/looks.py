"""Routes of looks: what the caller's emoticon looks like."""

import json

from fastapi import APIRouter, Request, Response

from emoticon.domain.errors import Unavailable
from emoticon.domain.models import Account, Look
from emoticon.domain.services import Services
from emoticon.web.deps import FromCaller, FromOrigin, UseServices, body_of, json_body, problems
from emoticon.web.look_schemas import LookAnswer, LookChange

router = APIRouter(tags=["looks"])


@router.get("/emoticon/look/", include_in_schema=False)
@router.get(
    "/emoticon/look",
    summary="What the caller's emoticon looks like",
    responses=problems(400, 401, 403, 503),
)
async def look(response: Response, use: UseServices, caller: FromCaller) -> LookAnswer:
    """Answer style, seed and options, and the id by which others can take them over."""
    return _answer(response, use, caller.account)


@router.put("/emoticon/look/", include_in_schema=False)
@router.put(
    "/emoticon/look",
    summary="Choose another look",
    responses=problems(400, 401, 403, 413, 415, 422, 503),
    openapi_extra=body_of(LookChange, "application/json"),
)
async def put_look(
    request: Request,
    response: Response,
    use: UseServices,
    caller: FromCaller,
    origin: FromOrigin,
) -> LookAnswer:
    """Take a style, with seed and options, or the look that somebody shares; an uploaded picture goes.

    From the answer on nobody is given a picture of the look before.
    """
    body = await json_body(request, LookChange)
    if body.look:
        account = await use.looks.apply(caller.account, body.look, origin)
    else:
        account = await use.looks.put(
            caller.account, body.style, body.seed or None, body.options, origin
        )
    return _answer(response, use, account)


@router.post("/emoticon/look/reroll/", include_in_schema=False)
@router.post(
    "/emoticon/look/reroll",
    summary="Throw the dice for another face",
    responses=problems(400, 401, 403, 422, 503),
)
async def reroll(
    response: Response, use: UseServices, caller: FromCaller, origin: FromOrigin
) -> LookAnswer:
    """Give the look another seed; style and options stay. An uploaded picture goes."""
    return _answer(response, use, await use.looks.reroll(caller.account, origin))


@router.delete("/emoticon/look/", include_in_schema=False)
@router.delete("/emoticon/look", summary="Begin anew", responses=problems(400, 401, 403, 503))
async def reset(
    response: Response, use: UseServices, caller: FromCaller, origin: FromOrigin
) -> LookAnswer:
    """Give the look that a new account gets, and answer it. An uploaded picture goes."""
    return _answer(response, use, await use.looks.reset(caller.account, origin))


def _answer(response: Response, use: Services, account: Account) -> LookAnswer:
    response.headers["Cache-Control"] = "private, no-store"
    it = account.look
    return LookAnswer(
        id=use.looks.id_of(it),
        style=it.style,
        seed=it.seed,
        options=json.loads(it.options),
        generator=it.generator,
        generator_version=it.generator_version,
        version=_version(use, it),
        uploaded=bool(it.original),
    )


def _version(use: Services, look: Look) -> str:
    try:
        return use.emoticons.version(look)
    except Unavailable:
        return ""
