"""Made-up accounts and sessions, and a clock to be set by hand."""

import dataclasses
import uuid
from dataclasses import dataclass
from typing import Any

from typing_extensions import override

from emoticon.domain.models import Look, NewAccount, NewSession, Origin
from emoticon.domain.ports import Clock

NOW_MS = 1_800_000_000_000


@dataclass
class ManualClock(Clock):
    """Stands still."""

    ms: int = NOW_MS

    @override
    def now_ms(self) -> int:
        return self.ms

    @override
    def elapsed_ms(self) -> int:
        return self.ms


def new_account(username: str = "alice", **changes: Any) -> NewAccount:
    """Return an account; `username` is its own key."""
    account = NewAccount(
        username=username,
        username_key=username,
        password_hash="$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA",
        look=Look(style="moods", seed=username),
    )
    return dataclasses.replace(account, **changes)


def new_session(**changes: Any) -> NewSession:
    """Return a session of a day with an id of its own."""
    session = NewSession(
        id=uuid.uuid4().hex,
        origin=Origin(user_agent="Mozilla/5.0", address="192.0.2.1"),
        created_at=NOW_MS,
        expires_at=NOW_MS + 86_400_000,
    )
    return dataclasses.replace(session, **changes)
