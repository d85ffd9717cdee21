"""What the domain asks of a database. Adapters subclass these; the contracts stand here once.

Every method is one short transaction and raises StoreUnavailable when the database cannot be reached.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

from emoticon.domain.keeping import Erasure, ErasureLog
from emoticon.domain.models import (
    Account,
    AuditEntry,
    Change,
    Event,
    Link,
    Look,
    NewAccount,
    NewLink,
    NewSession,
    Origin,
    OriginalPlace,
    Rotation,
    Session,
)


class AccountStore(Protocol):
    """Accounts by id and by folded name. Deleted accounts are not found, their names are held back.

    What ends tokens raises version and floor under a lock of the account's row, and writes its row of the audit in
    the same transaction. The Change that such a method returns is None when the account does not exist.
    """

    async def add(self, account: NewAccount, session: NewSession, *, free_before: int) -> Account:
        """Write a new account (version 1, floor 1) together with its first session.

        Names of accounts that were deleted before `free_before` (Unix ms) may be taken again.

        Raises:
            UsernameTaken: another account has the `username_key`, also when both were sent at once.

        """
        ...

    async def by_id(self, account_id: int) -> Account | None:
        """Return the account of this id, which may be any positive integer."""
        ...

    async def by_username_key(self, username_key: str) -> Account | None:
        """Return the account whose folded name is exactly this."""
        ...

    async def page(self, *, after_id: int, count: int) -> Sequence[Account]:
        """Return up to `count` accounts in the order of their ids, beginning after `after_id`."""
        ...

    async def last_used(self, count: int) -> Sequence[Account]:
        """Return up to `count` accounts that are not disabled, those whose open sessions were used last first.

        May take seconds: it looks at all open sessions.
        """
        ...

    async def replace_password_hash(self, account_id: int, *, old: str, new: str) -> bool:
        """Write `new` only while the hash is still `old`; say whether it was. No token dies of it."""
        ...

    async def change_password(
        self,
        account_id: int,
        *,
        old: str | None,
        new: str,
        session: NewSession | None,
        origin: Origin,
    ) -> Change | None:
        """Write `new` only while the hash is still `old` (None: whatever it is); end all sessions, open `session`.

        The floor is the version of the tokens of `session`. None also when the hash is another by now, or when a
        session is to be opened and the account is disabled.
        """
        ...

    async def disable(self, account_id: int, origin: Origin) -> Change | None:
        """Shut the account: nobody signs in to it, and its sessions end. Idempotent."""
        ...

    async def enable(self, account_id: int, origin: Origin) -> bool:
        """Open it again; say whether there is such an account."""
        ...

    async def delete(self, account_id: int, origin: Origin) -> Change | None:
        """End everything; nothing that was a secret or a look stays, only the name, to be held back."""
        ...

    async def prune(self, deleted_before: int, count: int) -> int:
        """Forget up to `count` accounts that were deleted before this time (Unix ms); return how many."""
        ...

    async def ping(self) -> None:
        """Return when the database answers."""
        ...


class SessionStore(Protocol):
    """Sign-ins of accounts. As in AccountStore, one transaction changes and audits."""

    async def start(
        self, account_id: int, session: NewSession, *, end_others: bool, raise_floor: bool
    ) -> int | None:
        """Open a session under a lock of the account's row and return the account's new version.

        The version rises by one. With `end_others` every other open session of the account ends ("superseded");
        with `raise_floor` the floor rises to the new version, so that older tokens die with this transaction.
        None when the account no longer exists or is disabled.
        """
        ...

    async def rotate(
        self,
        session_id: str,
        counter: int,
        *,
        now_ms: int,
        grace_ms: int,
        idle_ms: int,
        raise_floor: bool,
        origin: Origin,
    ) -> Rotation | Change | None:
        """Exchange the refresh token with this counter for the next one; the check is the write.

        The current counter rises by one and the version with it. The counter before it gives the same successor once
        more, within `grace_ms` of the first exchange. Any other one ends the session ("refresh_reuse"): a Change.
        None when there is no such open session, its account is disabled, or it has expired or was idle for `idle_ms`,
        in which case it is marked as expired.
        """
        ...

    async def end(
        self, session_id: str, *, account_id: int | None, event: Event, origin: Origin
    ) -> Change | None:
        """End an open session of the account (None: of whoever has it). None when there is no such one."""
        ...

    async def end_all(self, account_id: int, origin: Origin) -> Change | None:
        """End all sessions of the account and raise its floor. None when there is no such account."""
        ...

    async def open_of(self, account_id: int, *, now_ms: int, idle_ms: int) -> Sequence[Session]:
        """Return the sessions that can still be used, the one used last first; at most 100."""
        ...

    async def prune(self, over_before: int, count: int) -> int:
        """Delete up to `count` sessions that ended or expired before this time (Unix ms); return how many."""
        ...


class FloorStore(Protocol):
    """What has changed lately. The truth; a Bulletin is only faster."""

    async def recent(self, age_ms: int) -> Sequence[Change]:
        """Return every change whose method returned in the last `age_ms`, some maybe more than once or older."""
        ...


class AuditStore(Protocol):
    """What happened to accounts; rows are added and, when they are old, forgotten, never changed."""

    async def add(self, event: Event, account_id: int | None, origin: Origin) -> None:
        """Write a row for what changes nothing else, such as a sign-in that failed."""
        ...

    async def of_account(self, account_id: int, count: int) -> Sequence[AuditEntry]:
        """Return the newest rows of an account, the newest first."""
        ...

    async def prune(self, before: int, count: int) -> int:
        """Forget up to `count` rows from before this time (Unix ms); return how many."""
        ...


class ErasureStore(Protocol):
    """Whose pictures have to go from every tier. An erasure is written with the deletion of its account, or neither.

    Erasures become visible in the order of their numbers, which have no gaps, so that who has seen one has seen all
    before it.
    """

    async def log(self) -> ErasureLog:
        """Return how far it goes. Settled are those written a minute ago or earlier, by the database's clock."""
        ...

    async def after(self, number: int, count: int) -> Sequence[Erasure]:
        """Return up to `count` erasures with greater numbers, in their order."""
        ...

    async def add(self, owner: int) -> Erasure:
        """Write one that belongs to no deletion: the account, if there is one, stays."""
        ...

    async def prune(self, before: int, count: int) -> int:
        """Forget up to `count` that were written before (Unix ms), never the newest; return how many."""
        ...


class LookStore(Protocol):
    """What an account looks like and who may see it. Each change raises the account's revision, and is in the audit.

    The Change that is returned says so to the other nodes. Methods return None when there is no such account.
    """

    async def change(
        self, account_id: int, edit: Callable[[Look], Look], event: Event, origin: Origin
    ) -> tuple[Account, Change] | None:
        """Replace the look by what `edit` makes of it, under a lock of the account's row.

        An original that the new look names becomes its picture, if it was begun (see OriginalStore); one that it no
        longer names is dropped, and all pictures of the account are to go from every tier. `edit` may raise: then
        nothing is changed.

        Raises:
            OriginalsUnavailable: the original that the look names was given up meanwhile.

        """
        ...

    async def show(
        self, account_id: int, visibility: str, origin: Origin
    ) -> tuple[Account, Change] | None:
        """Make the account `private` or `public`."""
        ...

    async def public(self, username_key: str) -> Account | None:
        """Return the account of exactly this folded name when it is public and not disabled.

        For all others it takes the same time, whether they are there or not.
        """
        ...

    async def outdated(
        self, generator: str, version: int, *, after_id: int, count: int
    ) -> tuple[Sequence[Account], int]:
        """Look at `count` accounts after `after_id`; return those whose look is of an older version, and the last id.

        The id is 0 when there are no more.
        """
        ...


class OriginalStore(Protocol):
    """Which uploaded pictures there are. The row is written before the blob and goes after it, so no blob is without.

    A row is `new` until a look names it, see LookStore, `kept` while one does, then `dropped`.
    """

    async def begin(self, place: OriginalPlace, size_bytes: int) -> None:
        """Write that an original is about to be put."""
        ...

    async def drop(self, places: Sequence[OriginalPlace]) -> None:
        """Give up what is still `new`."""
        ...

    async def dropped(self, given_up_ms: int, count: int) -> Sequence[OriginalPlace]:
        """Drop what is `new` for longer than `given_up_ms`; return up to `count` whose blobs have to go."""
        ...

    async def forget(self, places: Sequence[OriginalPlace]) -> None:
        """Delete the rows of dropped ones, whose blobs are gone."""
        ...

    async def unknown(self, places: Sequence[OriginalPlace]) -> Sequence[OriginalPlace]:
        """Return those of these that have no row."""
        ...

    async def kept(self, *, after: OriginalPlace, count: int) -> Sequence[OriginalPlace]:
        """Return up to `count` that looks name, in their order, beginning after a place."""
        ...


class LinkStore(Protocol):
    """Share links. As in LookStore, what takes one away raises the account's revision and is in the audit."""

    async def add(
        self, account_id: int, link: NewLink, *, most: int, origin: Origin
    ) -> Link | None:
        """Write a link. None when there is no such account. Raises TooManyLinks when it has `most` that are good."""
        ...

    async def of_account(self, account_id: int, *, now_ms: int) -> Sequence[Link]:
        """Return those that have not expired, the newest first."""
        ...

    async def find(self, link_id: str) -> tuple[Link, Account] | None:
        """Return a link with its account; None when either is not there, or the account is disabled."""
        ...

    async def remove(self, account_id: int, link_id: str, origin: Origin) -> Change | None:
        """Revoke a link of this account. None when it has no such one."""
        ...

    async def prune(self, expired_before: int, count: int) -> int:
        """Delete up to `count` that expired before this time (Unix ms); return how many."""
        ...
