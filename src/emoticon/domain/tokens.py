"""Sessions and tokens in the making, the same for sign-up, sign-in and refresh."""

import secrets
from dataclasses import dataclass

from emoticon.domain.models import (
    AccessToken,
    Account,
    Claims,
    NewSession,
    Origin,
    Rotation,
    TokenPair,
)
from emoticon.domain.ports import Clock, RefreshSigner, TokenSigner

_ORIGIN_LENGTH = 200


@dataclass(frozen=True, slots=True)
class Tokens:
    """Access tokens live `access_token_s` seconds, sessions `session_s`, and `idle_s` without a refresh."""

    signer: TokenSigner
    refresh_signer: RefreshSigner
    clock: Clock
    access_token_s: int
    session_s: int
    idle_s: int

    def new_session(self, origin: Origin) -> NewSession:
        """Return a session that begins now, with an id that cannot be guessed."""
        now_ms = self.clock.now_ms()
        return NewSession(
            id=secrets.token_hex(16),
            origin=shown(origin),
            created_at=now_ms,
            expires_at=now_ms + self.session_s * 1000,
        )

    def first(self, account: Account, session: NewSession, version: int) -> TokenPair:
        """Return the tokens of a session that was just opened at this version of its account."""
        return self._pair(account, session.id, version, counter=0, expires_at=session.expires_at)

    def next(self, rotation: Rotation) -> TokenPair:
        """Return the tokens of a rotation; the refresh token is the same each time."""
        return self._pair(
            rotation.account,
            rotation.session_id,
            rotation.version,
            counter=rotation.counter,
            expires_at=rotation.expires_at,
        )

    def _pair(
        self, account: Account, session_id: str, version: int, *, counter: int, expires_at: int
    ) -> TokenPair:
        now_s = self.clock.now_ms() // 1000
        left_s = max(1, expires_at // 1000 - now_s)
        life_s = min(self.access_token_s, left_s)  # no token outlives its session
        claims = Claims(
            account_id=account.id,
            username=account.username,
            session_id=session_id,
            version=version,
            issued_at_s=now_s,
            expires_at_s=now_s + life_s,
        )
        return TokenPair(
            AccessToken(self.signer.sign(claims), life_s),
            self.refresh_signer.seal(session_id, counter),
            min(self.idle_s, left_s),
        )


def shown(origin: Origin) -> Origin:
    """Return what may be stored and read by people: short, without what could not be stored or would forge lines."""
    return Origin(_shown(origin.user_agent), _shown(origin.address), _shown(origin.request_id))


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() else "?" for char in text[:_ORIGIN_LENGTH])
