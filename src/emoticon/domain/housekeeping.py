"""Forgets what nobody may need any more: old sessions, rows of the audit and erasures, names held back long enough."""

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from emoticon.domain.errors import OriginalsUnavailable, StoreUnavailable
from emoticon.domain.ports import Clock
from emoticon.domain.stores import AccountStore, AuditStore, ErasureStore, SessionStore

log = logging.getLogger(__name__)

_DAY_MS = 86_400_000
_BATCH = 500
_FIRST_S = 60.0
_PAUSE_S = 3600.0


@dataclass(frozen=True, slots=True)
class Housekeeping:
    """Sessions that are over, the audit and erasures are kept `audit_days`, deleted accounts `name_hold_days`.

    `others` delete some of what they are named after, and return how many.
    """

    accounts: AccountStore
    sessions: SessionStore
    audit: AuditStore
    erasures: ErasureStore
    clock: Clock
    audit_days: int
    name_hold_days: int
    others: Mapping[str, Callable[[], Awaitable[int]]] = field(default_factory=dict)

    async def prune(self, on_progress: Callable[[str, int], None]) -> dict[str, int]:
        """Delete in short transactions, so that nobody waits; `on_progress(kind, so_far)` is called after each.

        Return how many of each kind went. Safe at several places at once. Raises StoreUnavailable.
        """
        now_ms = self.clock.now_ms()
        old_ms = now_ms - self.audit_days * _DAY_MS
        held_ms = now_ms - self.name_hold_days * _DAY_MS
        kinds: dict[str, Callable[[], Awaitable[int]]] = {
            "sessions": lambda: self.sessions.prune(old_ms, _BATCH),
            "audit rows": lambda: self.audit.prune(old_ms, _BATCH),
            "erasures": lambda: self.erasures.prune(old_ms, _BATCH),
            "deleted accounts": lambda: self.accounts.prune(held_ms, _BATCH),
            **self.others,
        }
        gone = dict.fromkeys(kinds, 0)
        for kind, prune in kinds.items():
            try:
                while count := await prune():
                    gone[kind] += count
                    on_progress(kind, gone[kind])
                    await asyncio.sleep(0)
            except OriginalsUnavailable as error:  # no reason to keep anything else
                log.info("%s stay for a while: %s", kind, error)
        return gone

    @asynccontextmanager
    async def running(
        self, *, first_s: float = _FIRST_S, pause_s: float = _PAUSE_S
    ) -> AsyncIterator[None]:
        """Prune after `first_s` and then every `pause_s`, until the block ends."""
        task = asyncio.create_task(self._run(first_s, pause_s))
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait((task,))

    async def _run(self, first_s: float, pause_s: float) -> None:
        await asyncio.sleep(first_s)
        while True:
            try:
                gone = await self.prune(lambda _kind, _count: None)
            except StoreUnavailable as error:
                log.info("nothing was pruned: %s", error)
            else:
                log.debug("pruned: %s", gone)
            await asyncio.sleep(pause_s)
