"""Sessions and tokens in the making, the same for sign-up and sign-in."""

import secrets
from dataclasses import dataclass

from emoticon.domain.models import AccessToken, Claims, NewSession, Origin
from emoticon.domain.ports import Clock, TokenSigner

_ORIGIN_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Tokens:
    """Access tokens live `access_token_s` seconds, sessions `session_s`."""

    signer: TokenSigner
    clock: Clock
    access_token_s: int
    session_s: int

    def new_session(self, origin: Origin) -> NewSession:
        """Return a session that begins now, with an id that cannot be guessed."""
        now_ms = self.clock.now_ms()
        return NewSession(
            id=secrets.token_hex(16),
            origin=Origin(_shown(origin.user_agent), _shown(origin.address)),
            created_at=now_ms,
            expires_at=now_ms + self.session_s * 1000,
        )

    def issue(
        self, *, account_id: int, username: str, session_id: str, version: int
    ) -> AccessToken:
        """Sign a token that is valid while `version` is not below the account's floor."""
        now_s = self.clock.now_ms() // 1000
        claims = Claims(
            account_id=account_id,
            username=username,
            session_id=session_id,
            version=version,
            issued_at_s=now_s,
            expires_at_s=now_s + self.access_token_s,
        )
        return AccessToken(self.signer.sign(claims), self.access_token_s)


def _shown(text: str) -> str:
    """Keep what a person can read: other code points could not be stored or would forge lines."""
    return "".join(char if char.isprintable() else "?" for char in text[:_ORIGIN_LENGTH])
