"""Everything the service says no with. Knows no HTTP: `emoticon.web.errors` maps each type to a status.

EmoticonError
|- InvalidInput
|  |- InvalidUsername      breaks the rules for names
|  |- InvalidPassword      too short, too long or not text
|  |- WeakPassword         guessed too soon
|  |- InvalidSize          not a size that is drawn
|  |- UnknownStyle         no style of that name
|  |- InvalidLook          options that the style does not have, or a seed that cannot be used
|  |- InvalidLink          a label, an expiry or sizes that a share link cannot have
|  |- NoVector             an uploaded picture has no SVG
|  `- InvalidPicture       an upload that cannot be decoded, or has too many pixels
|- UnsupportedPicture      an upload that is of no format we take
|- PictureTooLarge         an upload with too many bytes
|- UsernameTaken           another account has the name, or one that looks the same
|- SignUpsClosed           the operator takes no new accounts
|- NotAuthenticated        no token was sent
|  |- InvalidToken         a token that this service did not issue, or that has expired
|  |- SessionSuperseded    a token that a newer one has replaced
|  |- SessionEnded         a token of a session that was signed out
|  |- InvalidGrant         a refresh token that is not, or no longer, good
|  `- WrongCredentials     sign-in failed; never says which part was wrong
|- TwoIdentities           a token and a cookie of different accounts in one request
|- CrossSite               a browser sent it on behalf of another site
|- WrongPassword           the password that was retyped is not the account's
|- NotYours                somebody else's emoticon
|- UnknownSession          no open session of the caller has this id
|- UnknownLink             no share link that is good has this token or id
|- TooManyLinks            the account has all the share links that it may have
|- UnknownAccount          no account has this name
|- TooManyAttempts         try again after `retry_after_s` seconds
`- Unavailable             try again after `retry_after_s` seconds
   |- FloorsStale          this node has not heard for too long which tokens have died
   |- HashingBusy          too many passwords are waiting to be hashed
   |- DrawingBusy          too many pictures are waiting to be drawn
   |- DrawingTimedOut      a picture was not ready before its deadline
   |- DrawingFailed        the generator could not draw the look
   |- UploadsBusy          too many uploads are under way
   |- OriginalsUnavailable uploaded pictures cannot be read or written now
   |- StoreUnavailable     the accounts cannot be read or written now
   |- BulletinUnavailable  the other nodes cannot be told; never reaches a client
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


class InvalidLook(InvalidInput):
    """The style does not have these options, or nothing can be drawn of the seed."""

    code = "invalid_look"
    default_detail = "The style cannot be drawn like this"


class InvalidLink(InvalidInput):
    """A share link cannot have this label, expiry or these sizes."""

    code = "invalid_link"
    default_detail = "A share link cannot be like this"


class NoVector(InvalidInput):
    """An uploaded picture is made of pixels."""

    code = "no_vector"
    default_detail = "An uploaded picture has no SVG"


class InvalidPicture(InvalidInput):
    """The upload cannot be decoded, or has too many pixels."""

    code = "invalid_picture"
    default_detail = "This picture cannot be used"


class UnsupportedPicture(EmoticonError):
    """The upload is of no format that is taken."""

    code = "unsupported_picture"
    default_detail = "Send PNG, JPEG, WebP, GIF or AVIF"


class PictureTooLarge(EmoticonError):
    """The upload has too many bytes."""

    code = "picture_too_large"
    default_detail = "This picture is too large"


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


class SessionEnded(NotAuthenticated):
    """The session of this token was signed out or revoked."""

    code = "session_ended"
    default_detail = "This session has ended"


class InvalidGrant(NotAuthenticated):
    """The refresh token is not ours, was used before, or its session is over (RFC 6749 section 5.2)."""

    code = "invalid_grant"
    default_detail = "This refresh token cannot be used"


class WrongCredentials(NotAuthenticated):
    """Unknown name or wrong password: the same answer and the same work for both."""

    code = "wrong_credentials"
    default_detail = "Incorrect username or password"


class TwoIdentities(EmoticonError):
    """The bearer token is of one account and the cookie of another: it cannot be told who asks."""

    code = "two_identities"
    default_detail = "The token and the cookie belong to different accounts"


class CrossSite(EmoticonError):
    """A browser sent the request from a page of another site, or does not say from where."""

    code = "cross_site"
    default_detail = "This request may only be sent by pages of this site"


class WrongPassword(EmoticonError):
    """The caller is known, but the password that was retyped is wrong."""

    code = "wrong_password"
    default_detail = "Incorrect password"


class NotYours(EmoticonError):
    """The name is not the caller's own; the same answer whether it exists or not."""

    code = "not_yours"
    default_detail = "Incorrect username"


class UnknownSession(EmoticonError):
    """The caller has no open session of this id; the same answer for another's."""

    code = "unknown_session"
    default_detail = "There is no such session"


class UnknownLink(EmoticonError):
    """No share link has this token or id, or no longer; the same answer for another's."""

    code = "unknown_link"
    default_detail = "There is no such link"


class TooManyLinks(EmoticonError):
    """The account has all the share links that it may have."""

    code = "too_many_links"
    default_detail = "This account has too many links: revoke one"


class UnknownAccount(EmoticonError):
    """Nobody has the name; said to operators only."""

    code = "unknown_account"
    default_detail = "There is no such account"


class TooManyAttempts(EmoticonError):
    """A limit is reached; the same answer whether this attempt was right or wrong."""

    code = "too_many_attempts"
    default_detail = "Too many attempts"

    def __init__(self, *, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


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


class UploadsBusy(Unavailable):
    """Too many uploads are under way."""

    code = "uploads_busy"
    default_detail = "Too many pictures are being uploaded"


class OriginalsUnavailable(Unavailable):
    """The store of uploaded pictures cannot be reached, or has lost one."""

    code = "originals_unavailable"
    default_detail = "Uploaded pictures cannot be reached now"


class StoreUnavailable(Unavailable):
    """The database of accounts cannot be reached."""

    code = "store_unavailable"
    default_detail = "The accounts cannot be reached now"


class FloorsStale(Unavailable):
    """This node has not heard for too long which tokens have died, so it trusts none."""

    code = "floors_stale"
    default_detail = "Tokens cannot be checked now"


class BulletinUnavailable(Unavailable):
    """The other nodes cannot be told at once; they find out from the database within a second or two."""

    code = "bulletin_unavailable"
    default_detail = "The other nodes cannot be told"


class TierUnavailable(Unavailable):
    """A tier cannot be reached; whoever reads tiers treats it as a miss."""

    code = "tier_unavailable"
    default_detail = "A cache cannot be reached"
