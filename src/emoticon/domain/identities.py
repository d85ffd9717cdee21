"""Whose token is this? The check that stands before every protected answer."""

from dataclasses import dataclass

from emoticon.domain.errors import InvalidToken, SessionSuperseded
from emoticon.domain.floors import Floors
from emoticon.domain.models import Change, Identity
from emoticon.domain.ports import Clock, TokenSigner
from emoticon.domain.stores import AccountStore
from emoticon.domain.verified import VerifiedTokens


@dataclass(frozen=True, slots=True)
class Identities:
    """Checks access tokens; one that was checked before costs no I/O until news about its account arrive."""

    signer: TokenSigner
    accounts: AccountStore
    floors: Floors
    verified: VerifiedTokens
    clock: Clock

    async def of(self, token: str) -> Identity:
        """Return who sends this access token.

        Raises:
            InvalidToken: not ours, expired, of no account, or newer than the account (a database set back in time).
            SessionSuperseded: a newer token has replaced it.
            SessionEnded: its session was signed out.
            FloorsStale, StoreUnavailable: it cannot be told now.
        """
        known = self.verified.get(token)
        if known is not None:
            self.floors.require_fresh()
            if known.claims.expires_at_s * 1000 > self.clock.now_ms():
                return known
            self.verified.drop(token)
        return await self._check(token)

    async def _check(self, token: str) -> Identity:
        claims = self.signer.read(token)
        self.floors.check(claims)
        mark = self.floors.mark(claims.account_id)
        account = await self.accounts.by_id(claims.account_id)
        if account is None or claims.version > account.version:
            raise InvalidToken
        if claims.version < account.floor:
            # The store is ahead of the news: from now on it counts here, also for whoever asks just now.
            self.floors.merge(Change(account.id, floor=account.floor))
            raise SessionSuperseded
        self.floors.check(claims)  # again: news may have come while the store was read
        identity = Identity(account, claims)
        if mark == self.floors.mark(claims.account_id):
            self.verified.put(token, identity)
        return identity
