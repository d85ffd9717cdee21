"""What the domain asks of the outside. Adapters subclass these; the contracts stand here once.

Every method of a store is one short transaction and raises StoreUnavailable when the database cannot be reached.
"""

from collections.abc import Sequence
from typing import Protocol

from emoticon.domain.models import (
    Account,
    Claims,
    Format,
    Look,
    NewAccount,
    NewSession,
    Picture,
    Strength,
    Style,
)


class Clock(Protocol):
    """The only source of time."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""
        ...


class AccountStore(Protocol):
    """Accounts by id and by folded name. Deleted accounts are not found."""

    async def add(self, account: NewAccount, session: NewSession) -> Account:
        """Write a new account (version 1, floor 1) together with its first session.

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

    async def replace_password_hash(self, account_id: int, *, old: str, new: str) -> bool:
        """Write `new` only while the hash is still `old`; say whether it was."""
        ...

    async def ping(self) -> None:
        """Return when the database answers."""
        ...


class SessionStore(Protocol):
    """Sign-ins of accounts."""

    async def start(
        self, account_id: int, session: NewSession, *, end_others: bool, raise_floor: bool
    ) -> int | None:
        """Open a session under a lock of the account's row and return the account's new version.

        The version rises by one. With `end_others` every other open session of the account ends ("superseded");
        with `raise_floor` the floor rises to the new version, so that older tokens die with this transaction.
        None when the account no longer exists.
        """
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
        """Return the compact serialisation (RFC 7515 section 7.1)."""
        ...

    def read(self, token: str) -> Claims:
        """Return the claims of a token of any shape and length.

        Raises:
            InvalidToken: for every defect alike: form, header, signature, a claim's presence, type or time.

        """
        ...


class Generator(Protocol):
    """Draws pictures of looks."""

    @property
    def revision(self) -> str:
        """Everything of this generator that can change the bytes of a look, in a short word."""
        ...

    @property
    def style_names(self) -> Sequence[str]:
        """All styles, sorted; costs nothing."""
        ...

    def style(self, name: str) -> Style:
        """Describe a style; reads it on first use. Raises UnknownStyle."""
        ...

    async def draw(self, look: Look, size_px: int, picture_format: Format) -> bytes:
        """Draw; the same arguments give the same bytes.

        Raises:
            UnknownStyle: the look names none of `style_names`.
            DrawingBusy: the queue is full.
            DrawingTimedOut: the deadline passed.
            DrawingFailed: the look cannot be drawn.

        """
        ...


class Rasteriser(Protocol):
    """Turns SVG into pixels. Synchronous and CPU-bound: call it from a worker thread."""

    @property
    def revision(self) -> str:
        """Everything that can change the bytes, in a short word."""
        ...

    def rasterise(
        self, svg: bytes, size_px: int, picture_format: Format, *, lossless: bool
    ) -> bytes:
        """Return a square image. `lossless` concerns WebP only. Raises DrawingFailed for what is no SVG."""
        ...


class Tier(Protocol):
    """A place that keeps pictures by key and may forget any of them at any time. Raises only TierUnavailable."""

    @property
    def name(self) -> str:
        """One of memory, shared, disk."""
        ...

    async def get(self, key: bytes) -> Picture | None:
        """Return what was put under the key, verified, or None."""
        ...

    async def put(self, key: bytes, picture: Picture, *, owner: int) -> None:
        """Keep the picture for `owner` (account id, 0 for nobody); may decide not to."""
        ...

    async def aclose(self) -> None:
        """Finish writes and let go. Idempotent."""
        ...
