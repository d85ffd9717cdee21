"""Facts about signing in that need an unlucky moment. Stores and hashes are real."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import bcrypt
import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from emoticon.adapters.clock import SystemClock
from emoticon.adapters.passwords import PasswordHasher
from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.domain.errors import HashingBusy, SessionSuperseded, WrongCredentials
from emoticon.domain.models import Account, NewAccount, NewSession, Origin
from emoticon.domain.services import Services
from emoticon.domain.sessions import Sessions, TokenPolicy
from emoticon.settings import Settings
from emoticon.wiring import open_services

ORIGIN = Origin("a browser\n", "127.0.0.1")


@pytest.fixture
async def services(tmp_path: Path) -> AsyncGenerator[Services]:
    async with open_services(Settings(data_dir=tmp_path)) as opened:
        yield opened


async def add_old_account(services: Services, password: str) -> Account:
    """An account as the migration from a service with bcrypt leaves it."""
    old = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    accounts = services.accounts
    account = NewAccount("ann", "ann", old, accounts.new_look())
    return await accounts.store.add(account, accounts.tokens.new_session(ORIGIN))


async def test_an_old_hash_is_made_anew_at_the_next_sign_in(services: Services) -> None:
    account = await add_old_account(services, "1234")
    await services.sessions.sign_in("ann", "1234", ORIGIN)
    renewed = await services.accounts.store.by_id(account.id)
    assert renewed is not None
    assert renewed.password_hash.startswith("$argon2id$")
    await services.sessions.sign_in("ann", "1234", ORIGIN)
    again = await services.accounts.store.by_id(account.id)
    assert again is not None
    assert again.password_hash == renewed.password_hash


async def test_a_busy_hasher_puts_the_new_hash_off_and_not_the_person(services: Services) -> None:
    class Busy(PasswordHasher):
        """Has time to verify only."""

        def __init__(self, real: PasswordHasher) -> None:
            self.__dict__ = real.__dict__

        @override
        async def hash(self, password: str) -> str:
            raise HashingBusy

    account = await add_old_account(services, "1234")
    assert isinstance(services.sessions.hasher, PasswordHasher)
    sessions = replace(services.sessions, hasher=Busy(services.sessions.hasher))
    assert (await sessions.sign_in("ann", "1234", ORIGIN)).value
    unchanged = await services.accounts.store.by_id(account.id)
    assert unchanged is not None
    assert unchanged.password_hash == account.password_hash


async def test_an_account_that_goes_while_it_signs_in_does_not_sign_in(services: Services) -> None:
    class Vanishing(SqlSessionStore):
        """Finds the account gone."""

        @override
        async def start(
            self, account_id: int, session: NewSession, *, end_others: bool, raise_floor: bool
        ) -> int | None:
            return await super().start(
                account_id + 1, session, end_others=end_others, raise_floor=raise_floor
            )

    await services.accounts.sign_up("ann", "seven green boats", ORIGIN)
    engine = engine_of(services)
    sessions = replace(services.sessions, store=Vanishing(engine, SystemClock()))
    with pytest.raises(WrongCredentials):
        await sessions.sign_in("ann", "seven green boats", ORIGIN)


@pytest.mark.parametrize("policy", TokenPolicy)
async def test_what_a_sign_in_does_to_older_tokens_is_the_policy(
    services: Services, policy: TokenPolicy
) -> None:
    sessions: Sessions = replace(services.sessions, policy=policy)
    older = await services.accounts.sign_up("ann", "seven green boats", ORIGIN)
    newer = await sessions.sign_in("ann", "seven green boats", ORIGIN)
    assert (await sessions.authenticate(newer.value)).username == "ann"
    if policy is TokenPolicy.MANY_SESSIONS:
        assert (await sessions.authenticate(older.value)).username == "ann"
    else:
        with pytest.raises(SessionSuperseded):
            await sessions.authenticate(older.value)


def engine_of(services: Services) -> AsyncEngine:
    store = services.accounts.store
    assert isinstance(store, SqlAccountStore)
    return store._engine
