"""The public keys of access tokens."""

from fastapi import APIRouter, Response

from emoticon.web.deps import UseServices
from emoticon.web.schemas import KeySet

router = APIRouter(tags=["keys"])


@router.get("/.well-known/jwks.json", summary="Public keys of access tokens (RFC 7517)")
async def keys(response: Response, use: UseServices) -> KeySet:
    """Answer the keys by which others can verify access tokens; none while they are signed with a shared secret.

    A token that verifies may have been revoked: only this service knows.
    """
    response.headers["Cache-Control"] = "public, max-age=300"
    return KeySet(keys=[dict(key) for key in use.sessions.identities.signer.public_keys()])
