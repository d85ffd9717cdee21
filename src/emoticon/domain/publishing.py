"""What may be published, and until when it may be given again."""

import re
from dataclasses import dataclass

from emoticon.domain.errors import FloorsStale, NotAuthenticated
from emoticon.domain.floors import Floors
from emoticon.domain.models import Claims, Format, Grant, Identity, Picture
from emoticon.domain.ports import AskedEdge, Edge
from emoticon.domain.verified import VerifiedTokens

_PLAIN_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


@dataclass(frozen=True, slots=True)
class Publishing:
    """Stands between the application and the edge.

    `asked` is the edge where this process asks it itself, None where others do.
    """

    edge: Edge
    asked: AskedEdge | None
    floors: Floors
    verified: VerifiedTokens

    def publish(self, token: str, identity: Identity, username: str, picture: Picture) -> None:
        """Publish the emoticon that `identity`, whom the token speaks for, was just given by this name.

        Nothing is published when there was any news of the account since it was read: then the token is not among the
        verified ones any more, or there with another identity. Check and publication are one step of the event loop,
        so that news come before both or after both, and those withdraw what was published.
        """
        claims = identity.claims
        if (
            self.verified.get(token) is not identity
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

    def find(
        self, token: str, username: str, size_px: int, picture_format: Format
    ) -> Picture | None:
        """Return what was published for the bearer of this token, None also while nobody knows what is still good."""
        if self.asked is None:
            return None
        try:
            self.floors.require_fresh()
        except FloorsStale:
            return None
        return self.asked.find(token, username, size_px, picture_format)

    def _stands(self, claims: Claims) -> bool:
        try:
            self.floors.check(claims)
        except (FloorsStale, NotAuthenticated):
            return False
        return True
