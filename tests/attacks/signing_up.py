"""Sign-ups with any body."""

import json

from httpx2 import Response
from tests.attacks.world import PASSWORD, World


def try_sign_up(world: World, body: object) -> Response:
    """Send any JSON; lone surrogates are escaped, as a client would have to."""
    return world.send(
        "POST",
        "/auth/sign-up",
        content=body if isinstance(body, bytes) else json.dumps(body).encode(),
        headers={"Content-Type": "application/json"},
    )


def try_name(world: World, name: object) -> Response:
    """Send any JSON in place of the name."""
    return try_sign_up(world, {"username": name, "password": PASSWORD})
