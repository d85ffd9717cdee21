"""`python -m bench.unchecked KIND`: `emoticon serve` with another check of tokens, to measure beside the real one."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from typing_extensions import override

from emoticon.cli.environment import run
from emoticon.cli.serve import bind, serve_here
from emoticon.domain.identities import Identities
from emoticon.domain.models import Identity
from emoticon.domain.services import Services
from emoticon.domain.verified import VerifiedTokens
from emoticon.settings import Settings
from emoticon.telemetry import configure_logging
from emoticon.wiring import open_services


@dataclass(frozen=True, slots=True)
class Unchecked(Identities):
    """Looks at a token once and believes it for ever: no build could do less and still know who is asking."""

    known: dict[str, Identity] = field(default_factory=dict)

    @override
    async def of(self, token: str) -> Identity:
        identity = self.known.get(token)
        if identity is None:
            identity = self.known[token] = await self._check(token)
        return identity


def _variant(kind: str, real: Identities) -> Identities:
    parts = (real.signer, real.accounts, real.floors)
    if kind == "unchecked":
        return Unchecked(*parts, real.verified, real.clock)
    if kind == "unremembered":  # verifies the signature and reads the account for every request
        return Identities(*parts, VerifiedTokens(0), real.clock)
    return real


@asynccontextmanager
async def _services(settings: Settings, kind: str) -> AsyncIterator[Services]:
    async with open_services(settings) as services:
        identities = _variant(kind, services.sessions.identities)
        yield replace(services, sessions=replace(services.sessions, identities=identities))


if __name__ == "__main__":
    knobs = Settings()
    configure_logging(knobs.log_level, knobs.log_format)
    with bind(knobs) as listener:
        sys.exit(run(serve_here(knobs, listener, _services(knobs, sys.argv[1]))))
