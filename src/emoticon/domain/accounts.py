"""Accounts: who may have one, and how it begins."""

from collections.abc import Callable
from dataclasses import dataclass

from emoticon.domain.errors import SignUpsClosed, UsernameTaken
from emoticon.domain.models import AccessToken, Look, NewAccount, Origin
from emoticon.domain.names import new_username
from emoticon.domain.passwords import PasswordRules
from emoticon.domain.ports import AccountStore, Hasher
from emoticon.domain.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Accounts:
    """Sign-up. `open` says whether strangers may; `new_look` gives the first look."""

    store: AccountStore
    hasher: Hasher
    rules: PasswordRules
    tokens: Tokens
    new_look: Callable[[], Look]
    open: bool

    async def sign_up(self, username: str, password: str, origin: Origin) -> AccessToken:
        """Make an account with its first session, both or neither, and return its token.

        A taken name costs the same hash as a free one, so its answer is no sooner.

        Raises:
            SignUpsClosed, InvalidUsername, InvalidPassword, WeakPassword: before any work is done.
            UsernameTaken: the name, or one that looks the same, belongs to somebody.
            HashingBusy, StoreUnavailable: nothing was written; try again.
        """
        if not self.open:
            raise SignUpsClosed
        name = new_username(username)
        self.rules.check(password, name)
        password_hash = await self.hasher.hash(password)
        if await self.store.by_username_key(name) is not None:
            raise UsernameTaken
        session = self.tokens.new_session(origin)
        account = await self.store.add(
            NewAccount(
                username=name,
                username_key=name,
                password_hash=password_hash,
                look=self.new_look(),
            ),
            session,
        )
        return self.tokens.issue(
            account_id=account.id,
            username=account.username,
            session_id=session.id,
            version=account.version,
        )
