"""The nouns of the service as frozen values. Times are Unix times in milliseconds unless a name says otherwise."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple


class Format(StrEnum):
    """How a picture is encoded; the value is its name in URLs."""

    PNG = "png"
    SVG = "svg"
    WEBP = "webp"
    AVIF = "avif"

    @property
    def media_type(self) -> str:
        """The value of Content-Type."""
        return "image/svg+xml" if self is Format.SVG else f"image/{self.value}"


@dataclass(frozen=True, slots=True)
class Look:
    """What an emoticon looks like; with the same generator version it is drawn the same for ever."""

    style: str
    seed: str
    options: str = "{}"
    """The style's own options as canonical JSON: sorted keys, no spaces."""
    generator: str = "dicebear"
    generator_version: int = 10


@dataclass(frozen=True, slots=True)
class Account:
    """One person of the product. A token is valid only while its version >= `floor`."""

    id: int
    username: str
    username_key: str
    password_hash: str = field(repr=False)
    look: Look
    visibility: str
    version: int
    floor: int
    created_at: int
    disabled_at: int | None = None
    """When the operator shut it, None while it is open."""


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account before the store has given it an id; `username_key` is unique."""

    username: str
    username_key: str
    password_hash: str = field(repr=False)
    look: Look
    visibility: str = "private"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a request comes from, for the owner of a session to recognise it and for the audit. Empty where unknown."""

    user_agent: str = ""
    address: str = ""
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class NewSession:
    """A sign-in before the store has written it. `id` is 32 hex digits, random."""

    id: str
    origin: Origin
    created_at: int
    expires_at: int


@dataclass(frozen=True, slots=True)
class Session:
    """An open sign-in as its owner sees it. It ends at `expires_at`, sooner when it is not used."""

    id: str
    created_at: int
    last_used_at: int
    expires_at: int
    user_agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Rotation:
    """What a refresh token is exchanged for: `counter` is the next token's, `version` that of the access token."""

    account: Account
    session_id: str
    counter: int
    version: int
    expires_at: int
    repeated: bool = False
    """The exchange had been made before and its answer is given again; nothing has changed."""


@dataclass(frozen=True, slots=True)
class Change:
    """What every node must know of an account before it trusts another of its tokens."""

    account_id: int
    floor: int = 0
    """Tokens below it are dead; 0 says nothing."""
    session_id: str = ""
    """The session that has ended; empty says nothing."""


class Event(StrEnum):
    """What the audit remembers."""

    SIGN_UP = "sign_up"
    SIGN_IN = "sign_in"
    SIGN_IN_FAILED = "sign_in_failed"
    REFRESH = "refresh"
    REFRESH_REUSE = "refresh_reuse"
    SIGN_OUT = "sign_out"
    SIGN_OUT_EVERYWHERE = "sign_out_everywhere"
    PASSWORD = "password"  # noqa: S105 - the name of an event
    PASSWORD_FAILED = "password_failed"  # noqa: S105 - as above
    DELETION = "deletion"
    DISABLED = "disabled"
    ENABLED = "enabled"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One row of the audit. `account_id` is None when nobody has the name that was tried."""

    at: int
    event: Event
    account_id: int | None
    origin: Origin


@dataclass(frozen=True, slots=True)
class Limit:
    """At most `count` attempts within any `window_s` seconds; `name` keeps counters of limits apart."""

    name: str
    count: int
    window_s: int


@dataclass(frozen=True, slots=True)
class Claims:
    """What an access token says, after the signer has verified it. Times in seconds, as JWT has them."""

    account_id: int
    username: str
    session_id: str
    version: int
    issued_at_s: int
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class AccessToken:
    """A signed token, ready to be sent; valid for `expires_in_s` seconds from now."""

    value: str = field(repr=False)
    expires_in_s: int


@dataclass(frozen=True, slots=True)
class TokenPair:
    """What a client gets when it signs in or refreshes; the refresh token works once, within its seconds."""

    access: AccessToken
    refresh: str = field(repr=False)
    refresh_expires_in_s: int


@dataclass(frozen=True, slots=True)
class Identity:
    """Who sends a request, and what the token said."""

    account: Account
    claims: Claims


@dataclass(frozen=True, slots=True)
class Picture:
    """The bytes of a look at one size in one format. Made by `emoticon.domain.pictures.picture`."""

    body: bytes = field(repr=False)
    format: Format
    size_px: int
    digest: bytes
    """blake2b-128 of the body."""

    @property
    def mtime_s(self) -> int:
        """The time of change that a file of it is given, so that nginx computes the same entity tag: no real time.

        37 bits of the digest: the most that lie before the year 10000, for which nginx has room in its dates.
        """
        return int.from_bytes(self.digest[:5]) >> 3

    @property
    def etag(self) -> str:
        """The strong entity tag (RFC 9110 section 8.8.3), with its quotes, as nginx makes it of a file."""
        return f'"{self.mtime_s:x}-{len(self.body):x}"'


class Label(NamedTuple):
    """What a picture is kept under. Made by `emoticon.domain.pictures.label` for every request, hence a tuple."""

    key: bytes
    """16 bytes; equal for all who look the same."""
    owner: int = 0
    """Account id, 0 for nobody."""
    style_tag: int = 0
    """Stands for the style, see `emoticon.domain.pictures.style_tag`."""


@dataclass(frozen=True, slots=True)
class Kept:
    """A picture as it was found by whoever looks a tier through; `ref` is how that tier finds it again.

    What is not `intact` may have any other value here.
    """

    ref: bytes
    label: Label
    drawn_at_s: int
    size_bytes: int
    intact: bool


@dataclass(frozen=True, slots=True)
class Extent:
    """How large a tier is; None is not known. `limit_bytes` 0 is without a limit."""

    pictures: int | None
    used_bytes: int
    limit_bytes: int


@dataclass(slots=True)
class TierFigures:
    """Counts since this process opened a tier. `used_bytes` is None where only the tier's server knows."""

    writes: int = 0
    dropped: int = 0
    """Not written: too many waited, too large, no room, not available."""
    evicted: int = 0
    damaged: int = 0
    """Read and found not to be as it was written."""
    used_bytes: int | None = None
    available: bool = True


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a generator has drawn, and how long it worked on it, without the wait for its turn."""

    body: bytes = field(repr=False)
    took_ms: float


@dataclass(frozen=True, slots=True)
class Erasure:
    """All pictures of an account are to go. Numbers grow in the order in which erasures become visible."""

    number: int
    owner: int


@dataclass(frozen=True, slots=True)
class ErasureLog:
    """What a store has of erasures: numbers of the oldest and newest, and of the newest that is settled; 0 is none."""

    oldest: int
    newest: int
    settled: int


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may be given a picture again without being asked anew: the bearer of this token, for this wish."""

    token: str = field(repr=False)
    account_id: int
    username: str
    """As it was asked for."""
    size_px: int
    format: Format
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class Style:
    """A kind of drawing, and whom to thank for it."""

    name: str
    title: str
    creator: str
    creator_url: str
    source_url: str
    license: str
    license_url: str


@dataclass(frozen=True, slots=True)
class Strength:
    """How well a password withstands guessing: score 0 (at once) .. 4, and advice for people."""

    score: int
    advice: str


@dataclass(frozen=True, slots=True)
class Health:
    """Whether one part works, and in a few words why not."""

    name: str
    ok: bool
    detail: str = ""
