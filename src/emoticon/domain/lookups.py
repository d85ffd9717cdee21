"""How tiers are read: one that is down counts as empty."""

import asyncio
import logging
from typing import Final

from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Label
from emoticon.domain.models import Picture
from emoticon.domain.ports import Tier
from emoticon.domain.traffic import Traffic

logger = logging.getLogger(__name__)

_QUIET_S: Final = 60.0


class Lookups:
    """Reads tiers, counts in `traffic`, and logs each that is down once a minute."""

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic
        self._quiet_until_s: dict[str, float] = {}

    async def look(self, tier: Tier, label: Label) -> Picture | None:
        """Return what the tier has, and count it."""
        try:
            found = await tier.get(label)
        except TierUnavailable as error:
            self.failed(tier, error)
            return None
        if found is None:
            self._traffic.misses[tier.name] += 1
        else:
            self._traffic.hits[tier.name][found.format] += 1
        return found

    async def peek(self, tier: Tier, label: Label) -> Picture | None:
        """Return what the tier has, uncounted: for a search that was counted already."""
        try:
            return await tier.get(label)
        except TierUnavailable as error:
            self.report(tier, error)
            return None

    def failed(self, tier: Tier, error: TierUnavailable) -> None:
        """Count a search that the tier did not answer."""
        self._traffic.unavailable[tier.name] += 1
        self.report(tier, error)

    def report(self, tier: Tier, error: TierUnavailable) -> None:
        """Log that the tier is down, unless that was said within the last minute."""
        now_s = asyncio.get_running_loop().time()
        if now_s >= self._quiet_until_s.get(tier.name, now_s):
            self._quiet_until_s[tier.name] = now_s + _QUIET_S
            logger.warning("The %s tier is unavailable: %s", tier.name, error)
