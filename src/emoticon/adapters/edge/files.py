"""The edge as files that nginx serves: what to publish, for how long, and how much of it."""

import asyncio
import os
import re
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import structlog
from typing_extensions import override

from emoticon.adapters.edge.tree import Place, Tree
from emoticon.domain.errors import FloorsStale
from emoticon.domain.models import Grant, Picture
from emoticon.domain.ports import Clock, Edge

log = structlog.get_logger("emoticon.edge")

WINDOW_S: Final = 10
"""A lease. nginx cannot divide, but it can leave out the last digit of the time."""
LEAD_S: Final = 3
"""How long before a window begins its lease is given."""
MAX_ANSWERS: Final = 32
"""For one token, so that nobody pushes others out by asking for every size."""
TOKEN_BYTES: Final = 6 * 1024
"""What the kernel needs for the directories and links of a token, about a kilobyte each."""
FILE_BYTES: Final = 1024
_PAGE_BYTES: Final = 4096
_RENEWAL_S: Final = 1.0

# Exactly what deploy/nginx/published.conf lets through. No part is empty or a dot, a file name has 255 bytes at most.
_TOKEN = re.compile(
    r"([A-Za-z0-9_-]{1,94}\.[A-Za-z0-9_-]{160})([A-Za-z0-9_-]{1,212})\.([A-Za-z0-9_-]{43,86})"
)
_USERNAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,31}")
_LINK = re.compile(r"[A-Za-z0-9_-]{43}")
_VERSION = re.compile(r"(?:[0-9a-f]{12})?")


@dataclass(slots=True)
class _Answers:
    place: Place
    files: dict[str, int] = field(default_factory=dict)

    @property
    def used_bytes(self) -> int:
        return TOKEN_BYTES + sum(self.files.values())


class FileEdge(Edge):
    """Publishes into `directory`, at most `max_bytes` of what this process has published; the oldest token goes first.

    What is published is found only while a lease lasts, and leases are renewed only by `keep`: whatever happens to
    this process, nothing is given out longer than WINDOW_S + LEAD_S after it. A token is published only until the
    window in which it ends: then the application answers. Processes may share the directory: each gives leases to and
    withdraws what any of them has published, and a start or an end empties it for all.

    Publishing takes about 100 us for the first answer to a token.
    """

    def __init__(self, directory: Path, *, max_bytes: int, clock: Clock) -> None:
        self._tree = Tree(directory)
        self._max_bytes = max_bytes
        self._clock = clock
        self._tokens: OrderedDict[str, _Answers] = OrderedDict()
        self._signatures_of: dict[int, set[str]] = {}
        self._ends: dict[int, set[str]] = {}
        self._used_bytes = 0
        self._begun = False
        self._open = False
        self._failing = False
        self._keeper: asyncio.Task[None] | None = None

    @property
    def used_bytes(self) -> int:
        """What this process has published, with what the kernel needs for it."""
        return self._used_bytes

    async def start(self) -> None:
        """Empty the tree. Nothing is found in it before `keep`. Raises OSError when it cannot be used."""
        await asyncio.to_thread(self._tree.wipe)
        self._tree.require_usable()
        self._open = self._begun = True

    def keep(self, require_fresh: Callable[[], None]) -> None:
        """Renew the lease from now on, every second in which `require_fresh` does not raise FloorsStale."""
        self._keeper = asyncio.create_task(self._keep(require_fresh))

    def renew(self) -> None:
        """Give the lease for this window and, shortly before it begins, the next. 20 us when nothing ends."""
        if not self._open:
            return
        now_s = self._clock.now_ms() // 1000
        last = self._last_window()
        try:
            self._tree.lease(now_s // WINDOW_S, last)
        except OSError as error:
            self._failed(error)
        for window in [each for each in self._ends if each <= last]:
            for signature in tuple(self._ends[window]):
                self._forget(signature)

    @override
    def publish(self, grant: Grant, picture: Picture) -> None:
        place = self._place(grant)
        if not self._open or place is None or place.window <= self._last_window():
            return
        name = f"{grant.username}~{grant.size_px}.{grant.format}"
        if self._tree.holds(place, name, picture):
            return
        answers = self._tokens.get(place.signature)
        if answers is not None and (
            answers.place.window != place.window or len(answers.files) >= MAX_ANSWERS
        ):
            self._remove(place.signature)
        self._remember(place, name, _size_bytes(picture))
        try:
            self._tree.put(place, name, picture)
        except OSError as error:
            self._failed(error)
            self._remove(place.signature)
            return
        self._failing = False
        while self._used_bytes > self._max_bytes:
            self._remove(next(iter(self._tokens)))

    @override
    def withdraw(self, account_id: int) -> None:
        try:
            self._tree.withdraw(account_id)
        except OSError as error:
            self._give_up(error)
        for signature in tuple(self._signatures_of.get(account_id, ())):
            self._forget(signature)

    @override
    async def aclose(self) -> None:
        if not self._begun:
            return
        self._begun = self._open = False
        if self._keeper is not None:
            self._keeper.cancel()
            await asyncio.wait([self._keeper])
        try:
            await asyncio.to_thread(self._tree.wipe)
        except OSError as error:
            self._give_up(error)

    async def _keep(self, require_fresh: Callable[[], None]) -> None:
        while True:
            with suppress(FloorsStale):
                require_fresh()
                self.renew()
            await asyncio.sleep(_RENEWAL_S)

    def _place(self, grant: Grant) -> Place | None:
        """Return where it belongs, None when nginx would not look for it."""
        window = grant.expires_at_s // WINDOW_S
        token = _TOKEN.fullmatch(grant.token)
        if token is not None and _USERNAME.fullmatch(grant.username):
            first, second, signature = token.groups()
            return Place(grant.account_id, window, signature, first, second)
        if _LINK.fullmatch(grant.token) and _VERSION.fullmatch(grant.username):
            # All answers for a link end together, with the first of them, whatever process has published that.
            live = self._tree.window(grant.token)
            if live is not None and live > self._last_window():
                window = live
            return Place(grant.account_id, window, grant.token, "link", "e")
        return None

    def _last_window(self) -> int:
        """Return the last window for which a lease is given by now, in whatever process."""
        return (self._clock.now_ms() // 1000 + LEAD_S) // WINDOW_S

    def _remember(self, place: Place, name: str, size_bytes: int) -> None:
        answers = self._tokens.get(place.signature)
        if answers is None:
            answers = self._tokens[place.signature] = _Answers(place)
            self._signatures_of.setdefault(place.account_id, set()).add(place.signature)
            self._ends.setdefault(place.window, set()).add(place.signature)
            self._used_bytes += TOKEN_BYTES
        self._tokens.move_to_end(place.signature)
        self._used_bytes += size_bytes - answers.files.get(name, 0)
        answers.files[name] = size_bytes

    def _forget(self, signature: str) -> Place:
        answers = self._tokens.pop(signature)
        self._used_bytes -= answers.used_bytes
        place = answers.place
        for index, key in ((self._signatures_of, place.account_id), (self._ends, place.window)):
            index[key].discard(signature)
            if not index[key]:
                del index[key]
        return place

    def _remove(self, signature: str) -> None:
        try:
            self._tree.remove(self._forget(signature))
        except OSError as error:
            self._give_up(error)

    def _give_up(self, error: OSError) -> None:
        """Close for good: what cannot be withdrawn must not be found either."""
        self._open = False
        log.critical("edge_given_up", reason=_reason(error))
        with suppress(OSError):
            self._tree.close_leases()

    def _failed(self, error: OSError) -> None:
        if not self._failing:
            log.warning("edge_failed", reason=_reason(error))
        self._failing = True


def _size_bytes(picture: Picture) -> int:
    return FILE_BYTES + -(-len(picture.body) // _PAGE_BYTES) * _PAGE_BYTES


def _reason(error: OSError) -> str:
    """Say what went wrong without the path: it has a token in it."""
    return os.strerror(error.errno or 0)
