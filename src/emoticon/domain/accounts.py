"""Accounts: who may have one, how it begins, changes its password and ends."""

from collections.abc import Callable
from dataclasses import dataclass

from emoticon.domain import passwords
from emoticon.domain.attempts import Attempts
from emoticon.domain.errors import (
    InvalidPassword,
    InvalidToken,
    SignUpsClosed,
    UsernameTaken,
    WrongPassword,
)
from emoticon.domain.models import (
    Account,
    Event,
    Identity,
    Look,
    NewAccount,
    NewSession,
    Origin,
    TokenPair,
)
from emoticon.domain.names import NameRules, fold
from emoticon.domain.passwords import PasswordRules
from emoticon.domain.ports import Hasher
from emoticon.domain.revocation import Revocation
from emoticon.domain.stores import AccountStore, AuditStore, SessionStore
from emoticon.domain.tokens import Tokens, shown
from emoticon.domain.unbroken import unbroken

_DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Accounts:
    """Sign-up, new passwords and leaving.

    `open` says whether strangers may sign up; `new_look` gives the first look; nobody gets the name of an account
    within `name_hold_days` after it was deleted; `deleted` hears that one was.
    """

    store: AccountStore
    sessions: SessionStore
    audit: AuditStore
    hasher: Hasher
    names: NameRules
    rules: PasswordRules
    attempts: Attempts
    tokens: Tokens
    revocation: Revocation
    new_look: Callable[[], Look]
    open: bool
    name_hold_days: int
    deleted: Callable[[], None]

    async def sign_up(self, username: str, password: str, origin: Origin) -> TokenPair:
        """Make an account with its first session, both or neither, and return its tokens.

        A taken name costs the same hash as a free one, so its answer is no sooner.

        Raises:
            SignUpsClosed, InvalidUsername, InvalidPassword, WeakPassword, TooManyAttempts: before any work is done.
            UsernameTaken: the name, or one that looks the same, belongs to somebody or did so lately.
            HashingBusy, StoreUnavailable: nothing was written; try again.
        """
        if not self.open:
            raise SignUpsClosed
        name = self._new_name(username, password)
        await self.attempts.sign_up(origin.address)
        account, session = await self._add(name, password, origin)
        return self.tokens.first(account, session, account.version)

    async def create(self, username: str, password: str, origin: Origin) -> Account:
        """Make an account that nobody is signed in to, for the operator, whom no limit and no closed door stops.

        Raises as `sign_up` does.
        """
        account, _ = await self._add(self._new_name(username, password), password, origin)
        await self.sessions.end_all(account.id, shown(origin))
        return account

    async def change_password(
        self, identity: Identity, current: str, new: str, origin: Origin
    ) -> TokenPair:
        """Replace the password, end all sessions, and return the tokens of a new one.

        Raises:
            InvalidPassword, WeakPassword: the new one cannot be used.
            TooManyAttempts: too many wrong passwords, whether or not this one is right.
            WrongPassword: the current one is wrong.
            InvalidToken: the account has gone or has got another password meanwhile.
            HashingBusy, StoreUnavailable: nothing was written; try again.
        """
        self.rules.check(new, identity.account.username)
        account = await self._confirm(identity, current, origin)
        password_hash = await self.hasher.hash(new)
        return await self._change(account, password_hash, origin)

    async def leave(self, identity: Identity, password: str, origin: Origin) -> None:
        """Delete the caller's account, who has to know its password. Raises as `change_password` does."""
        account = await self._confirm(identity, password, origin)
        await self._delete(account.id, origin)

    async def _confirm(self, identity: Identity, password: str, origin: Origin) -> Account:
        """Return the account as it is now, when this is its password; a wrong one counts as one at sign-in does."""
        if not passwords.fits(password):
            raise InvalidPassword(f"A password is at most {passwords.MAX_BYTES} bytes long")
        await self.attempts.password(identity.account.username, origin.address)
        account = await self.store.by_id(identity.account.id)
        if account is None:
            raise InvalidToken
        if not await self.hasher.verify(password, account.password_hash if password else None):
            await self.audit.add(Event.PASSWORD_FAILED, account.id, shown(origin))
            raise WrongPassword
        await self.attempts.right(account.username, origin.address)
        return account

    def _new_name(self, username: str, password: str) -> str:
        name = self.names.new_username(username)
        self.rules.check(password, name)
        return name

    async def _add(self, name: str, password: str, origin: Origin) -> tuple[Account, NewSession]:
        password_hash = await self.hasher.hash(password)
        key = fold(name)
        if await self.store.by_username_key(key) is not None:
            raise UsernameTaken
        session = self.tokens.new_session(origin)
        new = NewAccount(
            username=name, username_key=key, password_hash=password_hash, look=self.new_look()
        )
        free_before = session.created_at - self.name_hold_days * _DAY_MS
        return await self.store.add(new, session, free_before=free_before), session

    @unbroken
    async def _change(self, account: Account, password_hash: str, origin: Origin) -> TokenPair:
        session = self.tokens.new_session(origin)
        change = await self.store.change_password(
            account.id,
            old=account.password_hash,
            new=password_hash,
            session=session,
            origin=session.origin,
        )
        if change is None:
            raise InvalidToken
        await self.revocation.announce(change)
        return self.tokens.first(account, session, change.floor)

    @unbroken
    async def _delete(self, account_id: int, origin: Origin) -> None:
        change = await self.store.delete(account_id, shown(origin))
        if change is not None:
            await self.revocation.announce(change)
            self.deleted()
