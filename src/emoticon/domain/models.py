"""The nouns of the service as frozen values. Times are Unix times in milliseconds unless a name says otherwise."""

from dataclasses import dataclass, field
from enum import StrEnum


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


BUILT_IN = "dicebear"
"""The generator that comes with the service."""

ORIGINAL = "original"
"""The kind of every uploaded picture, and the generator that shows them. No style has this name."""


UPSTREAM = "upstream"
"""The generator that has another service draw, and its one style."""


@dataclass(frozen=True, slots=True)
class Look:
    """What an emoticon looks like; with the same generator version it is drawn the same for ever."""

    style: str
    seed: str
    options: str = "{}"
    """The style's own options as canonical JSON: sorted keys, no spaces."""
    generator: str = BUILT_IN
    generator_version: int = 10
    original: str = ""
    """The name of the uploaded picture that is shown in the place of the style, "" for none."""

    @property
    def kind(self) -> str:
        """What is seen: the style, or `original`."""
        return ORIGINAL if self.original else self.style

    @property
    def scalable(self) -> bool:
        """Whether there is SVG of it."""
        return self.generator == BUILT_IN and not self.original


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
    revision: int = 0
    """How often its look, visibility or links have changed."""


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
    revision: int = 0
    """What was published of an older revision of the account is no longer good; 0 says nothing."""


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
    LOOK = "look"
    PICTURE = "picture"
    PICTURE_DELETED = "picture_deleted"
    VISIBILITY = "visibility"
    LINK = "link"
    LINK_REVOKED = "link_revoked"


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
    stand_in: bool = False
    """It is shown in the place of another that cannot be drawn now, so nobody is to keep it."""

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


@dataclass(frozen=True, slots=True)
class Drawing:
    """What a generator has drawn, and how long it worked on it, without the wait for its turn."""

    body: bytes = field(repr=False)
    took_ms: float


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may be given a picture again without being asked anew: the bearer of this token, for this wish."""

    token: str = field(repr=False)
    """An access token, or the token of a share link, which is shorter than any of those."""
    account_id: int
    username: str
    """As it was asked for; of a share link the version that was asked for, "" for none."""
    size_px: int
    format: Format
    expires_at_s: int


@dataclass(frozen=True, slots=True)
class Box:
    """A square part of an uploaded picture, in its pixels after it was turned upright."""

    left_px: int
    top_px: int
    side_px: int


@dataclass(frozen=True, slots=True)
class OriginalPlace:
    """Where an uploaded picture lies: of whom it is, and its name, which no other has; see `emoticon.domain.blobs`."""

    account_id: int
    name: str


@dataclass(frozen=True, slots=True)
class NewLink:
    """A share link before the store has written it. `id` is 32 hex digits, random."""

    id: str
    label: str
    sizes_px: tuple[int, ...]
    """The sizes that may be asked for; none is any."""
    created_at: int
    expires_at: int | None


@dataclass(frozen=True, slots=True)
class Link(NewLink):
    """A share link as it is kept, good until it expires or is revoked."""

    account_id: int


@dataclass(frozen=True, slots=True)
class Style:
    """A kind of drawing, and whom to thank for it; "" for what it does not say."""

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
