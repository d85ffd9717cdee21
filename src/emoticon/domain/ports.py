"""What the domain asks of the outside, but for the stores. Adapters subclass these; the contracts stand here once."""

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Protocol

from emoticon.domain.keeping import Extent, Kept, Label, TierFigures
from emoticon.domain.models import (
    Change,
    Claims,
    Format,
    Grant,
    Limit,
    Picture,
    Strength,
)


class Clock(Protocol):
    """The only source of time."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        ...

    def elapsed_ms(self) -> int:
        """Milliseconds since some moment; never goes back, and goes on while the machine sleeps."""
        ...


class Bulletin(Protocol):
    """Tells the other nodes of changes, soon but without a promise: whoever listens also reads FloorStore."""

    async def publish(self, change: Change) -> None:
        """Tell all who listen, this node perhaps included; within a quarter of a second.

        Raises:
            BulletinUnavailable: it may or may not have been heard.

        """
        ...

    async def subscribe(self) -> AsyncIterator[Change]:
        """Return the changes that are published from the moment this returns, in their order, without end.

        Raises:
            BulletinUnavailable: here, or from the iterator as soon as something may have been missed.

        """
        ...

    async def aclose(self) -> None:
        """Let go; iterators end or raise BulletinUnavailable. Idempotent."""
        ...


class Limiter(Protocol):
    """Counts attempts. Where its counters cannot be reached, it counts in this process alone."""

    async def hit(self, limit: Limit, key: str) -> int:
        """Count an attempt under a key; 0 when it may be made, else the seconds (1 or more) to wait.

        Counting and judging are one step: of any number at once no more than `limit.count` may be made.
        """
        ...

    async def clear(self, limit: Limit, key: str) -> None:
        """Forget the attempts under a key."""
        ...

    async def aclose(self) -> None:
        """Let go. Idempotent."""
        ...


class Hasher(Protocol):
    """Slow password hashes, off the event loop, with a bounded queue."""

    async def hash(self, password: str) -> str:
        """Return a salted hash in its self-describing form; about 22 ms of CPU. Raises HashingBusy."""
        ...

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Say whether they belong together. None costs the same time and is False. Raises HashingBusy."""
        ...

    def outdated(self, password_hash: str) -> bool:
        """Say whether the hash should be made anew at the next sign-in."""
        ...


class StrengthMeter(Protocol):
    """Estimates how soon a password is guessed."""

    def strength(self, password: str, related: Sequence[str]) -> Strength:
        """Judge the password, knowing words that belong to its owner. Under a millisecond."""
        ...


class TokenSigner(Protocol):
    """Signs claims and reads them back; nothing but what it signed is ever read."""

    def sign(self, claims: Claims) -> str:
        """Return the compact serialisation (RFC 7515 section 7.1), signed with the active key."""
        ...

    def read(self, token: str) -> Claims:
        """Return the claims of a token of any shape and length, signed with the active or a retired key.

        Raises:
            InvalidToken: for every defect alike: form, header, signature, a claim's presence, type or time.

        """
        ...

    def public_keys(self) -> Sequence[Mapping[str, str]]:
        """Return the JWKs (RFC 7517) by which others can verify, the active one first; none for a symmetric key."""
        ...


class RefreshSigner(Protocol):
    """Makes refresh tokens that only this service can make, and tells them from all others without a store."""

    def seal(self, session_id: str, counter: int) -> str:
        """Return the token of a session (32 hex digits) at a counter from 0 to 2**63 - 1; URL-safe, fixed length."""
        ...

    def open(self, token: str) -> tuple[str, int]:
        """Return session id and counter of a token of any shape and length.

        Raises:
            InvalidGrant: for every defect alike.

        """
        ...


class LinkSigner(Protocol):
    """Makes tokens of share links that only this service can make, and tells them from all others without a store."""

    def seal(self, link_id: str) -> str:
        """Return the token of a link (32 hex digits); URL-safe, 43 letters."""
        ...

    def open(self, token: str) -> str:
        """Return the id of a link by a token of any shape and length.

        Raises:
            UnknownLink: for every defect alike.

        """
        ...


class Tier(Protocol):
    """A place that keeps pictures by key and may forget any of them at any time. Raises only TierUnavailable."""

    @property
    def name(self) -> str:
        """One of memory, shared, disk."""
        ...

    async def get(self, label: Label) -> Picture | None:
        """Return what was put under the label's key, verified, or None. May miss what was put for another owner."""
        ...

    async def put(self, label: Label, picture: Picture) -> None:
        """Keep the picture for the label's owner; may decide not to."""
        ...

    async def forget(self, owners: Sequence[int]) -> int:
        """Delete what was put for these owners (positive) until now, also what still waits to be written.

        Return how many pictures went, as far as that is known. Raises TierUnavailable: some may be left. Idempotent.
        """
        ...

    def figures(self) -> TierFigures:
        """Return what was counted; costs nothing."""
        ...

    async def aclose(self) -> None:
        """Finish writes and let go. Idempotent."""
        ...


class OuterTier(Tier, Protocol):
    """A tier that outlives this process, so that it can be looked through. All may raise TierUnavailable."""

    async def marked(self) -> int | None:
        """Return the number of the last `mark`; None when nothing says so, as in a tier that is new or was lost."""
        ...

    async def mark(self, number: int) -> None:
        """Note durably that all erasures up to this number are done here; never goes back."""
        ...

    async def count(self, owner: int) -> int:
        """Return how many pictures there are of an owner, damaged ones included."""
        ...

    def walk(self) -> AsyncIterator[Sequence[Kept]]:
        """Yield every picture that is there from beginning to end, in batches, each verified; some may come twice."""
        ...

    async def discard(self, kept: Sequence[Kept]) -> int:
        """Delete what `walk` has found; return how many of them were there."""
        ...

    async def clear(self) -> None:
        """Delete all pictures."""
        ...

    async def compact(self) -> int:
        """Give back room that is not needed; return the bytes that were given back, 0 where there is nothing to do."""
        ...

    async def extent(self) -> Extent:
        """Measure it; may take long."""
        ...


class Turns(Protocol):
    """Lets one node of several draw what takes long."""

    async def take(self, key: bytes) -> bool:
        """Say whether it is this node's turn to draw the key, for some seconds; True as well when nobody can say."""
        ...

    async def give_back(self, key: bytes) -> None:
        """Let others draw it, if the turn was ours. Never raises."""
        ...


class Edge(Protocol):
    """Gives answers again that the application has given before. Synchronous: a check and what it publishes are one."""

    def publish(self, grant: Grant, picture: Picture) -> None:
        """Let the bearer of the token have the picture until it expires or is withdrawn; may decide not to."""
        ...

    def withdraw(self, account_id: int) -> None:
        """Take away all that was published for an account: on return nobody is given it any more. Never raises."""
        ...

    async def aclose(self) -> None:
        """Take everything away and let go. Idempotent."""
        ...


class AskedEdge(Edge, Protocol):
    """An edge that this process asks before everything else; of others it is somebody else who asks."""

    @property
    def hits(self) -> int:
        """How often an answer was found."""
        ...

    def find(
        self, token: str, username: str, size_px: int, picture_format: Format
    ) -> Picture | None:
        """Return what was published for the bearer of the token and this wish, or None; costs a microsecond."""
        ...
