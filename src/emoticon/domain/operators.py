"""What an operator does to accounts, from the command line."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass

from emoticon.domain.accounts import Accounts
from emoticon.domain.errors import InvalidUsername, UnknownAccount
from emoticon.domain.models import Account, AuditEntry, Change, Origin
from emoticon.domain.names import fold
from emoticon.domain.unbroken import unbroken

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Operators:
    """Acts on accounts by name. Every method that takes one raises UnknownAccount, and StoreUnavailable.

    `origin` is what the audit says about who did it.
    """

    accounts: Accounts
    origin: Origin

    async def all(self) -> AsyncIterator[Account]:
        """Yield every account in the order of their ids."""
        last_id = 0
        while page := await self.accounts.store.page(after_id=last_id, count=_PAGE):
            for account in page:
                yield account
            last_id = page[-1].id

    async def find(self, username: str) -> Account:
        """Return the account of a name in any spelling."""
        try:
            found = await self.accounts.store.by_username_key(fold(username))
        except InvalidUsername:
            found = None
        if found is None:
            raise UnknownAccount
        return found

    async def create(self, username: str, password: str) -> Account:
        """Make an account that nobody is signed in to. Raises as `Accounts.sign_up` does."""
        return await self.accounts.create(username, password, self.origin)

    @unbroken
    async def disable(self, username: str) -> None:
        """Shut the account until it is enabled; its tokens die at once. Idempotent."""
        account = await self.find(username)
        await self._tell(await self.accounts.store.disable(account.id, self.origin))

    async def enable(self, username: str) -> None:
        """Let its owner sign in again. Idempotent."""
        account = await self.find(username)
        if not await self.accounts.store.enable(account.id, self.origin):
            raise UnknownAccount

    @unbroken
    async def delete(self, username: str) -> None:
        """Delete the account for good; its name is held back."""
        account = await self.find(username)
        await self._tell(await self.accounts.store.delete(account.id, self.origin))

    @unbroken
    async def sign_out(self, username: str) -> None:
        """End all sessions of the account."""
        account = await self.find(username)
        await self._tell(await self.accounts.sessions.end_all(account.id, self.origin))

    async def set_password(self, username: str, password: str) -> None:
        """Give the account another password and end all its sessions. Raises InvalidPassword, WeakPassword."""
        account = await self.find(username)
        self.accounts.rules.check(password, account.username)
        await self._set(account, await self.accounts.hasher.hash(password))

    async def audit(self, username: str, count: int) -> Sequence[AuditEntry]:
        """Return the newest rows of the audit about the account, the newest first."""
        account = await self.find(username)
        return await self.accounts.audit.of_account(account.id, count)

    @unbroken
    async def _set(self, account: Account, password_hash: str) -> None:
        change = await self.accounts.store.change_password(
            account.id, old=None, new=password_hash, session=None, origin=self.origin
        )
        await self._tell(change)

    async def _tell(self, change: Change | None) -> None:
        if change is None:  # deleted since it was found
            raise UnknownAccount
        await self.accounts.revocation.announce(change)
