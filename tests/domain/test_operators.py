"""What an operator does to accounts, by name."""

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable

import pytest
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import new_account
from tests.domain.nodes import (
    OPERATOR,
    ORIGIN,
    PASSWORD,
    Node,
    audit_of,
    rejected,
    until,
)
from typing_extensions import override

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.engine import writing
from emoticon.adapters.sql.rows import account_row
from emoticon.adapters.sql.tables import accounts
from emoticon.domain.errors import (
    InvalidGrant,
    InvalidPassword,
    InvalidUsername,
    SessionSuperseded,
    UnknownAccount,
    UsernameTaken,
    WeakPassword,
    WrongCredentials,
)
from emoticon.domain.models import Account, Change, Event, Origin, TokenPair
from emoticon.domain.operators import Operators

NEW = "eight green boats at noon"

Act = Callable[[Operators], Awaitable[object]]

ACTS: dict[str, Act] = {
    "find": lambda operators: operators.find("alice"),
    "disable": lambda operators: operators.disable("alice"),
    "enable": lambda operators: operators.enable("alice"),
    "delete": lambda operators: operators.delete("alice"),
    "sign out": lambda operators: operators.sign_out("alice"),
    "set password": lambda operators: operators.set_password("alice", NEW),
    "audit": lambda operators: operators.audit("alice", 10),
}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
async def test_an_account_that_is_not_there_is_unknown(node: Node, act: Act) -> None:
    with pytest.raises(UnknownAccount):
        await act(node.operators)


@pytest.mark.parametrize("act", ["disable", "enable", "delete", "sign out", "set password"])
@pytest.mark.usefixtures("alice")
async def test_an_account_that_goes_after_it_was_found_is_unknown(
    engine: AsyncEngine, node: Node, act: str
) -> None:
    account = await node.operators.find("alice")

    class Late(SqlAccountStore):
        """Finds what has been deleted meanwhile."""

        @override
        async def by_username_key(self, username_key: str) -> Account | None:
            assert username_key == account.username_key
            await self.delete(account.id, Origin())
            return account

    late = dataclasses.replace(node.accounts, store=Late(engine))
    with pytest.raises(UnknownAccount):
        await ACTS[act](Operators(late, OPERATOR))


@pytest.mark.parametrize("username", ["alice", "ALICE", "ａｌｉｃｅ"])
@pytest.mark.usefixtures("alice")
async def test_a_name_is_found_in_any_spelling(node: Node, username: str) -> None:
    assert (await node.operators.find(username)).username == "alice"


@pytest.mark.parametrize("username", ["", "\x00", "\ud800", "x" * 10_000])
async def test_what_is_no_name_is_unknown(node: Node, username: str) -> None:
    with pytest.raises(UnknownAccount):
        await node.operators.find(username)


async def test_all_accounts_come_in_the_order_of_their_ids(engine: AsyncEngine, node: Node) -> None:
    rows = [account_row(new_account(f"n{number}"), created_at=1) for number in range(1001)]
    async with writing(engine) as connection:
        await connection.execute(insert(accounts), rows)
    await node.operators.delete("n500")
    ids = [account.id async for account in node.operators.all()]
    assert len(ids) == 1000
    assert ids == sorted(ids)


async def test_nobody_is_signed_in_to_an_account_that_was_created(node: Node) -> None:
    account = await node.operators.create("Bob", PASSWORD)
    assert account.username == "bob"
    assert not await node.sessions.of(account)
    pair = await node.sessions.sign_in("bob", PASSWORD, ORIGIN)
    await node.of(pair.access.value)
    entries = await node.operators.audit("bob", 10)
    assert entries[-1].event is Event.SIGN_UP
    assert entries[-1].origin == OPERATOR


@pytest.mark.parametrize(
    ("username", "password", "error"),
    [
        ("alice", PASSWORD, UsernameTaken),
        ("a b", PASSWORD, InvalidUsername),
        ("bob", "short", InvalidPassword),
        ("bob", "password1", WeakPassword),
    ],
)
@pytest.mark.usefixtures("alice")
async def test_the_rules_hold_for_operators_too(
    node: Node, username: str, password: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await node.operators.create(username, password)


async def test_disabling_kills_all_tokens_and_enabling_revives_none(
    node: Node, alice: TokenPair
) -> None:
    for _ in range(2):
        await node.operators.disable("alice")
        with pytest.raises(SessionSuperseded):
            await node.of(alice.access.value)
        with pytest.raises(WrongCredentials):
            await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    for _ in range(2):
        await node.operators.enable("alice")
        with pytest.raises(SessionSuperseded):
            await node.of(alice.access.value)
        with pytest.raises(InvalidGrant):
            await node.sessions.refresh(alice.refresh, ORIGIN)
    await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    audited = await audit_of(node, "alice")
    assert audited.count(Event.DISABLED) == audited.count(Event.ENABLED) == 2


async def test_deleting_ends_the_account_and_holds_its_name_back(
    node: Node, alice: TokenPair
) -> None:
    await node.operators.delete("alice")
    assert await rejected(alice.access.value, node)
    with pytest.raises(UnknownAccount):
        await node.operators.find("alice")
    with pytest.raises(UsernameTaken):
        await node.operators.create("alice", PASSWORD)


async def test_signing_out_ends_all_sessions(node: Node, alice: TokenPair) -> None:
    await node.operators.sign_out("alice")
    assert await rejected(alice.access.value, node)
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(alice.refresh, ORIGIN)
    await node.sessions.sign_in("alice", PASSWORD, ORIGIN)


async def test_another_password_ends_all_sessions_also_of_a_disabled_account(
    node: Node, alice: TokenPair
) -> None:
    await node.operators.set_password("alice", NEW)
    assert await rejected(alice.access.value, node)
    with pytest.raises(WrongCredentials):
        await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    await node.sessions.sign_in("alice", NEW, ORIGIN)
    await node.operators.disable("alice")
    await node.operators.set_password("alice", PASSWORD)
    with pytest.raises(WrongCredentials):
        await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    await node.operators.enable("alice")
    await node.sessions.sign_in("alice", PASSWORD, ORIGIN)


@pytest.mark.parametrize(
    ("password", "error"), [("short", InvalidPassword), ("alicealice", WeakPassword)]
)
async def test_a_password_that_breaks_the_rules_changes_nothing(
    node: Node, alice: TokenPair, password: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await node.operators.set_password("alice", password)
    await node.of(alice.access.value)


async def test_what_is_done_is_audited_as_the_operators_doing(node: Node, alice: TokenPair) -> None:
    await node.sessions.refresh(alice.refresh, ORIGIN)
    await node.operators.set_password("alice", NEW)
    await node.operators.sign_out("alice")
    entries = await node.operators.audit("alice", 3)
    assert [(entry.event, entry.origin) for entry in entries] == [
        (Event.SIGN_OUT_EVERYWHERE, OPERATOR),
        (Event.PASSWORD, OPERATOR),
        (Event.REFRESH, ORIGIN),
    ]


async def test_an_operator_who_goes_away_after_the_commit_has_still_told_everybody(
    engine: AsyncEngine, node: Node, alice: TokenPair
) -> None:
    class Slow(SqlAccountStore):
        """Has written, and takes its time to say so."""

        written = asyncio.Event()
        returns = asyncio.Event()

        @override
        async def disable(self, account_id: int, origin: Origin) -> Change | None:
            change = await super().disable(account_id, origin)
            self.written.set()
            await self.returns.wait()
            return change

    slow = Slow(engine)
    operators = Operators(dataclasses.replace(node.accounts, store=slow), OPERATOR)
    await node.of(alice.access.value)
    caller = asyncio.create_task(operators.disable("alice"))
    await slow.written.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    slow.returns.set()
    await until(lambda: rejected(alice.access.value, node))
