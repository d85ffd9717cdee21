"""What may be published, and until when it may be given again."""

import re
from dataclasses import dataclass
from typing import Final

from emoticon.domain.errors import FloorsStale, NotAuthenticated
from emoticon.domain.floors import Floors
from emoticon.domain.models import Claims, Format, Grant, Identity, Picture
from emoticon.domain.ports import AskedEdge, Clock, Edge
from emoticon.domain.verified import VerifiedTokens

LINK_LETTERS: Final = 43
"""Of the token of a share link; every access token has more."""
KEPT_S: Final = 60
"""How long a browser may keep the picture of a share link without asking again, if the URL has no version."""
LINK_S: Final = 600
"""How long a share link is answered for at the edge before the application is asked again."""

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


@dataclass(frozen=True, slots=True)
class Publishing:
    """Stands between the application and the edge.

    `asked` is the edge where this process asks it itself, None where others do. What stands in the place of another
    picture is never published.
    """

    edge: Edge
    asked: AskedEdge | None
    floors: Floors
    verified: VerifiedTokens
    clock: Clock

    def publish(self, token: str, identity: Identity, username: str, picture: Picture) -> None:
        """Publish the emoticon that `identity`, whom the token speaks for, was just given by this name.

        Nothing is published when there was any news of the account since it was read: then the token is not among the
        verified ones any more, or there with another identity. Check and publication are one step of the event loop,
        so that news come before both or after both, and those withdraw what was published.
        """
        claims = identity.claims
        if (
            picture.stand_in
            or self.verified.get(token) is not identity
            or not self._stands(claims)
            or not _PLAIN_NAME.fullmatch(username)
        ):
            return
        self.edge.publish(
            Grant(
                token=token,
                account_id=identity.account.id,
                username=username,
                size_px=picture.size_px,
                format=picture.format,
                expires_at_s=claims.expires_at_s,
            ),
            picture,
        )

    def publish_link(
        self,
        token: str,
        version: str,
        account_id: int,
        expires_at_s: int | None,
        picture: Picture,
        *,
        began: int,
    ) -> None:
        """Publish the picture that was just given for a share link.

        Nothing is published when there was any news of the account since `began`: what `floors.news` was before the
        link was read. Check and publication are one step, as in `publish`. A link that expires is published without a
        version only, and not for its last KEPT_S, in which its pictures may be kept for less than that.

        Args:
            token: of the link, which is good.
            version: as it was asked for, the picture's own; "" for none.
            account_id: whose link it is.
            expires_at_s: when it expires (Unix s), None for never.
            picture: what was given.
            began: see above.

        """
        now_s = self.clock.now_ms() // 1000
        ends_at_s = now_s + LINK_S
        if expires_at_s is not None:
            ends_at_s = min(ends_at_s, expires_at_s - KEPT_S)
        if (
            picture.stand_in
            or (version and expires_at_s is not None)
            or ends_at_s <= now_s
            or not self._fresh()
            or self.floors.mark(account_id) > began
        ):
            return
        self.edge.publish(
            Grant(
                token=token,
                account_id=account_id,
                username=version,
                size_px=picture.size_px,
                format=picture.format,
                expires_at_s=ends_at_s,
            ),
            picture,
        )

    def find(
        self, token: str, username: str, size_px: int, picture_format: Format
    ) -> Picture | None:
        """Return what was published for the bearer of this token, None also while nobody knows what is still good."""
        if len(token) == LINK_LETTERS:  # it says nothing about who asks
            return None
        return self._find(token, username, size_px, picture_format)

    def find_link(
        self, token: str, version: str, size_px: int, picture_format: Format
    ) -> Picture | None:
        """Return what was published for a token of LINK_LETTERS and this version ("" for none), None as in `find`."""
        return self._find(token, version, size_px, picture_format)

    def _find(self, token: str, wish: str, size_px: int, picture_format: Format) -> Picture | None:
        if self.asked is None or not self._fresh():
            return None
        return self.asked.find(token, wish, size_px, picture_format)

    def _fresh(self) -> bool:
        try:
            self.floors.require_fresh()
        except FloorsStale:
            return False
        return True

    def _stands(self, claims: Claims) -> bool:
        try:
            self.floors.check(claims)
        except (FloorsStale, NotAuthenticated):
            return False
        return True
