"""Sessions: how an account signs in, stays in and signs out."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from emoticon.domain import passwords
from emoticon.domain.attempts import Attempts
from emoticon.domain.errors import (
    HashingBusy,
    InvalidGrant,
    InvalidPassword,
    InvalidUsername,
    NotAuthenticated,
    UnknownSession,
    WrongCredentials,
)
from emoticon.domain.identities import Identities
from emoticon.domain.models import (
    Account,
    Change,
    Event,
    Identity,
    Origin,
    Session,
    TokenPair,
)
from emoticon.domain.names import fold
from emoticon.domain.ports import Hasher
from emoticon.domain.revocation import Revocation
from emoticon.domain.stores import AccountStore, AuditStore, SessionStore
from emoticon.domain.tokens import Tokens, shown
from emoticon.domain.unbroken import unbroken

log = logging.getLogger(__name__)


class TokenPolicy(StrEnum):
    """What a newly issued token does to the older ones of its account."""

    ONE_TOKEN = "one-token"  # noqa: S105 - a policy, not a secret
    """Any issue expires all older access tokens, and a sign-in ends the other sessions."""
    ONE_SESSION = "one-session"
    """Only a new sign-in does."""
    MANY_SESSIONS = "many-sessions"
    """Nothing; sessions end one by one."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sign-in, refresh and sign-out under one `policy`. A refresh token answers twice within `grace_s`."""

    accounts: AccountStore
    store: SessionStore
    audit: AuditStore
    hasher: Hasher
    attempts: Attempts
    tokens: Tokens
    identities: Identities
    revocation: Revocation
    policy: TokenPolicy
    grace_s: int

    async def sign_in(self, username: str, password: str, origin: Origin) -> TokenPair:
        """Open a session and return its tokens.

        Unknown names, disabled accounts, wrong and empty passwords do the same work and get the same answer. Only the
        length rule for passwords counts here: those of older accounts stay good when the rules for new ones change.

        Raises:
            InvalidPassword: too long to be anybody's, or not text; whatever the name is.
            TooManyAttempts: before any work is done, whether or not the password is right.
            WrongCredentials: anything else that does not fit.
            HashingBusy, StoreUnavailable: try again.
        """
        if not passwords.fits(password):
            raise InvalidPassword(f"A password is at most {passwords.MAX_BYTES} bytes long")
        await self.attempts.password(username, origin.address)
        account = await self._find(username)
        password_hash = account.password_hash if account and password else None
        right = await self.hasher.verify(password, password_hash)
        if not right or account is None or account.disabled_at is not None:
            await self.audit.add(
                Event.SIGN_IN_FAILED, account.id if account else None, shown(origin)
            )
            raise WrongCredentials
        await self.attempts.right(username, origin.address)
        await self._refresh_hash(account, password)
        return await self._start(account, origin)

    async def refresh(self, refresh_token: str, origin: Origin) -> TokenPair:
        """Exchange a refresh token for the next pair; it is used up by that.

        Within `grace_s` of its first use it gives the same refresh token once more, for a lost answer or a second tab.
        Used again after that, it was stolen or its thief was faster: the session ends.

        Raises:
            InvalidGrant: anything that does not fit.
            StoreUnavailable: nothing has changed, or the answer was lost; try again.
        """
        session_id, counter = self.tokens.refresh_signer.open(refresh_token)
        return await self._rotate(session_id, counter, origin)

    async def sign_out(self, identity: Identity, origin: Origin) -> None:
        """End the session of the token. Idempotent."""
        await self._end(identity.claims.session_id, identity.account.id, origin)

    async def sign_out_everywhere(self, account_id: int, origin: Origin) -> bool:
        """End all sessions of the account; say whether there is such an account."""
        return await self._end_all(account_id, origin)

    async def end(self, identity: Identity, session_id: str, origin: Origin) -> None:
        """End one of the caller's own sessions. Raises UnknownSession for all others alike."""
        if not await self._end(session_id, identity.account.id, origin):
            raise UnknownSession

    async def revoke(self, token: str, origin: Origin) -> None:
        """End the session of a refresh token, or of an access token that is valid; ignore anything else (RFC 7009).

        A refresh token that was used up ends its session as well: whoever sends it wants that, or has stolen it.
        """
        try:
            session_id, _ = self.tokens.refresh_signer.open(token)
            account_id = None
        except InvalidGrant:
            try:
                identity = await self.identities.of(token)
            except NotAuthenticated:
                return
            session_id, account_id = identity.claims.session_id, identity.account.id
        await self._end(session_id, account_id, origin)

    async def of(self, account: Account) -> Sequence[Session]:
        """Return the open sessions of an account, the one used last first."""
        return await self.store.open_of(
            account.id, now_ms=self.tokens.clock.now_ms(), idle_ms=self.tokens.idle_s * 1000
        )

    async def _find(self, username: str) -> Account | None:
        try:
            return await self.accounts.by_username_key(fold(username))
        except InvalidUsername:
            return None

    async def _refresh_hash(self, account: Account, password: str) -> None:
        if not self.hasher.outdated(account.password_hash):
            return
        try:
            new = await self.hasher.hash(password)
        except HashingBusy:
            log.info("rehash of account %d put off: hashing is busy", account.id)
            return
        await self.accounts.replace_password_hash(account.id, old=account.password_hash, new=new)

    # From the first write to the last message nothing is left half done when the client goes away.

    @unbroken
    async def _start(self, account: Account, origin: Origin) -> TokenPair:
        session = self.tokens.new_session(origin)
        alone = self.policy is not TokenPolicy.MANY_SESSIONS
        version = await self.store.start(account.id, session, end_others=alone, raise_floor=alone)
        if version is None:  # deleted or disabled since it was found
            raise WrongCredentials
        if alone:
            await self.revocation.announce(Change(account.id, floor=version))
        return self.tokens.first(account, session, version)

    @unbroken
    async def _rotate(self, session_id: str, counter: int, origin: Origin) -> TokenPair:
        raise_floor = self.policy is TokenPolicy.ONE_TOKEN
        rotation = await self.store.rotate(
            session_id,
            counter,
            now_ms=self.tokens.clock.now_ms(),
            grace_ms=self.grace_s * 1000,
            idle_ms=self.tokens.idle_s * 1000,
            raise_floor=raise_floor,
            origin=shown(origin),
        )
        if rotation is None:
            raise InvalidGrant
        if isinstance(rotation, Change):
            await self.revocation.announce(rotation)
            raise InvalidGrant
        if raise_floor and not rotation.repeated:
            await self.revocation.announce(Change(rotation.account.id, floor=rotation.version))
        return self.tokens.next(rotation)

    @unbroken
    async def _end(self, session_id: str, account_id: int | None, origin: Origin) -> bool:
        change = await self.store.end(
            session_id, account_id=account_id, event=Event.SIGN_OUT, origin=shown(origin)
        )
        if change is not None:
            await self.revocation.announce(change)
        return change is not None

    @unbroken
    async def _end_all(self, account_id: int, origin: Origin) -> bool:
        change = await self.store.end_all(account_id, shown(origin))
        if change is not None:
            await self.revocation.announce(change)
        return change is not None
