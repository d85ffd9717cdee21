"""Everything the service says no with. Knows no HTTP: `emoticon.web.errors` maps each type to a status.

EmoticonError
|- InvalidInput
|  |- InvalidUsername      breaks the rules for names
|  |- InvalidPassword      too short, too long or not text
|  |- WeakPassword         guessed too soon
|  |- InvalidSize          not a size that is drawn
|  `- UnknownStyle         no style of that name
|- UsernameTaken           another account has the name, or one that looks the same
|- SignUpsClosed           the operator takes no new accounts
|- NotAuthenticated        no token was sent
|  |- InvalidToken         a token that this service did not issue, or that has expired
|  |- SessionSuperseded    a token that a newer one has replaced
|  `- WrongCredentials     sign-in failed; never says which part was wrong
|- NotYours                somebody else's emoticon
`- Unavailable             try again after `retry_after_s` seconds
   |- HashingBusy          too many passwords are waiting to be hashed
   |- DrawingBusy          too many pictures are waiting to be drawn
   |- DrawingTimedOut      a picture was not ready before its deadline
   |- DrawingFailed        the generator could not draw the look
   |- StoreUnavailable     the accounts cannot be read or written now
   `- TierUnavailable      a place that keeps pictures is down; never reaches a client
"""

from typing import ClassVar


class EmoticonError(Exception):
    """Base of all: `code` for programs, `detail` (one sentence, no input echoed) for people."""

    code: ClassVar[str] = "error"
    default_detail: ClassVar[str] = "Something is wrong"

    def __init__(self, detail: str | None = None) -> None:
        self.detail = detail or self.default_detail
        super().__init__(self.detail)


class InvalidInput(EmoticonError):
    """What was sent cannot be used as it is."""

    code = "invalid_input"
    default_detail = "The request is not valid"


class InvalidUsername(InvalidInput):
    """The name breaks a rule of `emoticon.domain.names`."""

    code = "invalid_username"
    default_detail = "This username cannot be used"


class InvalidPassword(InvalidInput):
    """The password is too short, too long or not text."""

    code = "invalid_password"
    default_detail = "This password cannot be used"


class WeakPassword(InvalidInput):
    """The password would be guessed too soon."""

    code = "weak_password"
    default_detail = "This password is too easy to guess"


class InvalidSize(InvalidInput):
    """The size is outside of what is drawn."""

    code = "invalid_size"
    default_detail = "This size is not drawn"


class UnknownStyle(InvalidInput):
    """No generator here knows the style."""

    code = "unknown_style"
    default_detail = "There is no such style"


class UsernameTaken(EmoticonError):
    """Another account has the name, or one that folds to the same."""

    code = "username_taken"
    default_detail = "This username is taken"


class SignUpsClosed(EmoticonError):
    """The operator takes no new accounts."""

    code = "signups_closed"
    default_detail = "This service takes no new accounts"


class NotAuthenticated(EmoticonError):
    """No token was sent."""

    code = "not_authenticated"
    default_detail = "Not authenticated"


class InvalidToken(NotAuthenticated):
    """The token is not one of ours, has expired, or its account is gone."""

    code = "invalid_token"
    default_detail = "Could not validate token"


class SessionSuperseded(NotAuthenticated):
    """A newer token of the account has replaced this one."""

    code = "session_superseded"
    default_detail = "This token was replaced by a newer one"


class WrongCredentials(NotAuthenticated):
    """Unknown name or wrong password: the same answer and the same work for both."""

    code = "wrong_credentials"
    default_detail = "Incorrect username or password"


class NotYours(EmoticonError):
    """The name is not the caller's own; the same answer whether it exists or not."""

    code = "not_yours"
    default_detail = "Incorrect username"


class Unavailable(EmoticonError):
    """The service cannot do it now; `retry_after_s` says when to come back."""

    code = "unavailable"
    default_detail = "The service cannot do this now"

    def __init__(self, detail: str | None = None, *, retry_after_s: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class HashingBusy(Unavailable):
    """Too many passwords are waiting to be hashed."""

    code = "hashing_busy"
    default_detail = "Too many people are signing in at once"


class DrawingBusy(Unavailable):
    """Too many pictures are waiting to be drawn."""

    code = "drawing_busy"
    default_detail = "Too many pictures are being drawn"


class DrawingTimedOut(Unavailable):
    """The picture was not ready before its deadline."""

    code = "drawing_timed_out"
    default_detail = "The picture took too long to draw"


class DrawingFailed(Unavailable):
    """The generator could not draw the look; the cause is in the log."""

    code = "drawing_failed"
    default_detail = "The picture could not be drawn"


class StoreUnavailable(Unavailable):
    """The database of accounts cannot be reached."""

    code = "store_unavailable"
    default_detail = "The accounts cannot be reached now"


class TierUnavailable(Unavailable):
    """A tier cannot be reached; whoever reads tiers treats it as a miss."""

    code = "tier_unavailable"
    default_detail = "A cache cannot be reached"
