"""Turns to draw, in Valkey or Redis: who wrote the key first has it."""

import secrets
from contextlib import suppress
from typing import Final

from typing_extensions import override

from emoticon.adapters.valkey.cluster import Valkey
from emoticon.adapters.valkey.server import Unanswered
from emoticon.domain.ports import Turns

HOLD_MS: Final = 10_000

_GIVE_BACK = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('UNLINK', KEYS[1]) end"


class RedisTurns(Turns):
    """A turn ends by itself after `hold_ms`, for its node may be gone."""

    def __init__(self, valkey: Valkey, *, hold_ms: int = HOLD_MS) -> None:
        self._valkey = valkey
        self._hold_ms = hold_ms
        self._token = secrets.token_hex(16)

    @override
    async def take(self, key: bytes) -> bool:
        name = _name(key)
        try:
            return await self._valkey.ask(
                name,
                ("SET", name, self._token, "NX", "PX", self._hold_ms),
                read=lambda answers: answers[0] is not None,
            )
        except Unanswered:
            return True

    @override
    async def give_back(self, key: bytes) -> None:
        name = _name(key)
        with suppress(Unanswered):
            await self._valkey.ask(name, ("EVAL", _GIVE_BACK, 1, name, self._token), read=len)


def _name(key: bytes) -> str:
    return f"emoticon:turn:{key.hex()}"
