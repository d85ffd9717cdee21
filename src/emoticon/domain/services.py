"""What the edges of the program - routes and commands - receive: the use cases, and whether they can work."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass

from emoticon.domain.accounts import Accounts
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.erasures import Erasures
from emoticon.domain.errors import EmoticonError
from emoticon.domain.links import Links
from emoticon.domain.looks import Looks
from emoticon.domain.models import Health
from emoticon.domain.originals import Originals
from emoticon.domain.public import PublicGenerator
from emoticon.domain.publishing import Publishing
from emoticon.domain.sessions import Sessions
from emoticon.domain.upstream_traffic import UpstreamTraffic
from emoticon.domain.visibility import Visibility
from emoticon.domain.workers import Workers


@dataclass(frozen=True, slots=True)
class Readiness:
    """Asks each part whether it works; a part that has not answered after `timeout_s` does not."""

    probes: Mapping[str, Callable[[], Awaitable[None]]]
    timeout_s: float = 2.0

    async def check(self) -> list[Health]:
        """Ask all parts at once."""
        return list(await asyncio.gather(*(self._ask(name) for name in self.probes)))

    async def _ask(self, name: str) -> Health:
        try:
            await asyncio.wait_for(self.probes[name](), self.timeout_s)
        except EmoticonError as error:
            return Health(name, ok=False, detail=error.detail)
        except TimeoutError:
            return Health(name, ok=False, detail=f"no answer within {self.timeout_s:g} s")
        return Health(name, ok=True)


@dataclass(frozen=True, slots=True)
class Services:
    """All use cases, ready to be called; `emoticon.wiring` opens and closes what they stand on."""

    accounts: Accounts
    sessions: Sessions
    looks: Looks
    emoticons: Emoticons
    originals: Originals
    links: Links
    visibility: Visibility
    public: PublicGenerator
    publishing: Publishing
    erasures: Erasures
    readiness: Readiness
    pools: Mapping[str, Workers]
    """What is done in threads, by name."""
    upstream: UpstreamTraffic | None = None
    """What is counted of another service that draws, when there is one."""
