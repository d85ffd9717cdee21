"""The look that an account begins with."""

import secrets

from emoticon.domain.models import Look


def new_look(style: str) -> Look:
    """Return a look with a random seed, so that a face tells nothing about the name that it belongs to."""
    return Look(style=style, seed=secrets.token_hex(8))
