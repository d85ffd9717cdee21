"""Which tokens have died lately: the floors of accounts and the sessions that ended, in memory.

A floor is kept for as long as a token could live that it kills. Older ones need no memory: their tokens have expired.
"""

from collections import deque
from collections.abc import Callable, Sequence

from emoticon.domain.errors import FloorsStale, SessionEnded, SessionSuperseded
from emoticon.domain.models import Change, Claims
from emoticon.domain.ports import Clock


class Floors:
    """Floors merge by max, so that changes may come late, twice and in any order.

    Args:
        clock: its elapsed time.
        life_s: the longest life of an access token.
        stale_s: how long after the last `refreshed` the map is trusted.
        withdraw: called with each account that there is news of, before `merge` returns; whoever brings them.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        life_s: int,
        stale_s: float,
        withdraw: Sequence[Callable[[int], None]] = (),
    ) -> None:
        self._clock = clock
        self._withdraw = withdraw
        # An entry may come as late as the map may be stale, and other nodes' clocks may run ahead.
        self._kept_ms = (life_s + 60) * 1000
        self._stale_ms = stale_s * 1000
        self._refreshed_ms: int | None = None
        self._floors: dict[int, int] = {}
        self._ended: set[str] = set()
        self._revisions: dict[int, int] = {}
        self._oldest: deque[tuple[int, int, Change]] = deque()
        self._news = 0
        self._heard: dict[int, int] = {}

    def merge(self, change: Change) -> bool:
        """Take a change in; say whether it is news here. If so, nothing that stood on the old is left on return."""
        news = (
            change.floor > self._floors.get(change.account_id, 0)
            or (bool(change.session_id) and change.session_id not in self._ended)
            or change.revision > self._revisions.get(change.account_id, 0)
        )
        if news:
            self._forget_old()
            if change.floor > self._floors.get(change.account_id, 0):
                self._floors[change.account_id] = change.floor
            if change.session_id:
                self._ended.add(change.session_id)
            if change.revision > self._revisions.get(change.account_id, 0):
                self._revisions[change.account_id] = change.revision
            self._news += 1
            self._heard[change.account_id] = self._news
            self._oldest.append((self._clock.elapsed_ms(), self._news, change))
            for withdraw in self._withdraw:
                withdraw(change.account_id)
        return news

    @property
    def news(self) -> int:
        """How much news there has been so far."""
        return self._news

    def mark(self, account_id: int) -> int:
        """Return what `news` was after the last piece of news about the account, 0 when there was none lately."""
        return self._heard.get(account_id, 0)

    def refreshed(self, at_ms: int) -> None:
        """Note that all changes up to this elapsed time are in the map."""
        self._refreshed_ms = at_ms

    @property
    def age_s(self) -> float:
        """Seconds since the last `refreshed`, infinite before the first."""
        if self._refreshed_ms is None:
            return float("inf")
        return (self._clock.elapsed_ms() - self._refreshed_ms) / 1000

    def require_fresh(self) -> None:
        """Raise FloorsStale when the map may miss something that has happened more than `stale_s` ago."""
        if self._refreshed_ms is None:
            raise FloorsStale
        if self._clock.elapsed_ms() - self._refreshed_ms > self._stale_ms:
            raise FloorsStale

    def check(self, claims: Claims) -> None:
        """Return silently when nothing is known against the token.

        Raises:
            SessionSuperseded: it is below the floor of its account.
            SessionEnded: its session has ended.
            FloorsStale: see `require_fresh`.

        """
        self.require_fresh()
        if claims.version < self._floors.get(claims.account_id, 0):
            raise SessionSuperseded
        if claims.session_id in self._ended:
            raise SessionEnded

    def __len__(self) -> int:
        return len(self._oldest)

    def _forget_old(self) -> None:
        last_ms = self._clock.elapsed_ms() - self._kept_ms
        while self._oldest and self._oldest[0][0] < last_ms:
            _, news, change = self._oldest.popleft()
            self._ended.discard(change.session_id)
            # A newer entry of the account has an entry of its own in the queue.
            if self._floors.get(change.account_id, 0) <= change.floor:
                self._floors.pop(change.account_id, None)
            if self._revisions.get(change.account_id, 0) <= change.revision:
                self._revisions.pop(change.account_id, None)
            if self._heard.get(change.account_id) == news:
                del self._heard[change.account_id]
