"""Sessions: how an account signs in, and whose token this is."""

import logging
from dataclasses import dataclass
from enum import StrEnum

from emoticon.domain import passwords
from emoticon.domain.errors import (
    HashingBusy,
    InvalidPassword,
    InvalidToken,
    InvalidUsername,
    SessionSuperseded,
    WrongCredentials,
)
from emoticon.domain.models import AccessToken, Account, Origin
from emoticon.domain.names import fold
from emoticon.domain.ports import AccountStore, Hasher, SessionStore, TokenSigner
from emoticon.domain.tokens import Tokens

log = logging.getLogger(__name__)


class TokenPolicy(StrEnum):
    """What a newly issued token does to the older ones of its account."""

    ONE_TOKEN = "one-token"  # noqa: S105 - a policy, not a secret
    """Any issue expires all older access tokens and ends the other sessions."""
    ONE_SESSION = "one-session"
    """Only a new sign-in does."""
    MANY_SESSIONS = "many-sessions"
    """Nothing; sessions end one by one."""


@dataclass(frozen=True, slots=True)
class Sessions:
    """Sign-in and the check of tokens, under one `policy`."""

    accounts: AccountStore
    store: SessionStore
    hasher: Hasher
    signer: TokenSigner
    tokens: Tokens
    policy: TokenPolicy

    async def sign_in(self, username: str, password: str, origin: Origin) -> AccessToken:
        """Open a session and return its token.

        Unknown names, wrong and empty passwords do the same work and get the same answer. Only the length rule for
        passwords counts here: those of older accounts stay good when the rules for new ones change.

        Raises:
            InvalidPassword: too long to be anybody's, or not text; whatever the name is.
            WrongCredentials: anything else that does not fit.
            HashingBusy, StoreUnavailable: try again.
        """
        if not passwords.fits(password):
            raise InvalidPassword(f"A password is at most {passwords.MAX_BYTES} bytes long")
        account = await self._find(username)
        password_hash = account.password_hash if account and password else None
        if not await self.hasher.verify(password, password_hash) or account is None:
            raise WrongCredentials
        await self._refresh_hash(account, password)
        session = self.tokens.new_session(origin)
        alone = self.policy is not TokenPolicy.MANY_SESSIONS
        version = await self.store.start(account.id, session, end_others=alone, raise_floor=alone)
        if version is None:  # deleted since it was found
            raise WrongCredentials
        return self.tokens.issue(
            account_id=account.id,
            username=account.username,
            session_id=session.id,
            version=version,
        )

    async def authenticate(self, token: str) -> Account:
        """Return the account that the token speaks for. One read of the store.

        Raises:
            InvalidToken: not ours, expired, of no account, or newer than the account (a database set back in time).
            SessionSuperseded: a newer token has replaced it.
            StoreUnavailable: it cannot be told now.
        """
        claims = self.signer.read(token)
        account = await self.accounts.by_id(claims.account_id)
        if account is None or claims.version > account.version:
            raise InvalidToken
        if claims.version < account.floor:
            raise SessionSuperseded
        return account

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
