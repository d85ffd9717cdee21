"""How every LookStore finds accounts that are public."""

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import NOW_MS
from tests.contracts.rows import put

from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.adapters.sql.tables import accounts
from emoticon.domain.models import Account, Origin
from emoticon.domain.stores import LookStore

ORIGIN = Origin("curl/8.0", "192.0.2.7", "request 1")


@pytest.fixture
def store(engine: AsyncEngine) -> LookStore:
    return SqlLookStore(engine)


async def test_a_public_account_is_found_by_its_folded_name_and_no_other_is(
    store: LookStore, alice: Account, bob: Account
) -> None:
    assert await store.public(alice.username_key) is None
    changed = await store.show(alice.id, "public", ORIGIN)
    assert changed is not None
    assert await store.public(alice.username_key) == changed[0]
    for name in ("", "Alice", "alice ", "alic_", "%", bob.username_key):
        assert await store.public(name) is None
    await store.show(alice.id, "private", ORIGIN)
    assert await store.public(alice.username_key) is None


@pytest.mark.parametrize("column", ["disabled_at", "deleted_at"])
async def test_an_account_that_is_shut_or_gone_is_not_public(
    store: LookStore, engine: AsyncEngine, alice: Account, column: str
) -> None:
    await store.show(alice.id, "public", ORIGIN)
    await put(engine, accounts, None, **{column: NOW_MS})
    assert await store.public(alice.username_key) is None
    await put(engine, accounts, None, **{column: None})
    assert await store.public(alice.username_key) is not None
