"""Two people, each with one session."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import new_account, new_session

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.domain.models import Account


@pytest.fixture
async def alice(engine: AsyncEngine) -> Account:
    return await SqlAccountStore(engine).add(
        new_account("alice", password_hash="old"), new_session(id="a" * 32), free_before=0
    )


@pytest.fixture
async def bob(engine: AsyncEngine) -> Account:
    return await SqlAccountStore(engine).add(
        new_account("bob"), new_session(id="b" * 32), free_before=0
    )
