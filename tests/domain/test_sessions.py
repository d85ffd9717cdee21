"""How an account signs in and stays in, under each policy."""

import asyncio
import dataclasses

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock, new_account
from tests.domain.nodes import (
    GRACE_S,
    IDLE_S,
    ORIGIN,
    PASSWORD,
    SESSION_S,
    Node,
    PlainHasher,
    audit_of,
    new_node,
)
from typing_extensions import override

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.domain.errors import (
    HashingBusy,
    InvalidGrant,
    InvalidPassword,
    NotAuthenticated,
    SessionEnded,
    SessionSuperseded,
    WrongCredentials,
)
from emoticon.domain.models import Event, NewSession, Origin, TokenPair
from emoticon.domain.passwords import MAX_BYTES
from emoticon.domain.sessions import TokenPolicy


@pytest.mark.parametrize("username", ["alice", "ALICE", "ａｌｉｃｅ"])
async def test_a_name_is_found_in_any_spelling(node: Node, alice: TokenPair, username: str) -> None:
    pair = await node.sessions.sign_in(username, PASSWORD, ORIGIN)
    assert (await node.of(pair.access.value)).account.username == "alice"
    assert pair.refresh != alice.refresh


@pytest.mark.parametrize(
    ("username", "password"),
    [
        ("alice", "wrong"),
        ("alice", ""),
        ("bob", PASSWORD),
        ("", PASSWORD),
        ("\x00", PASSWORD),
        ("x" * 10_000, PASSWORD),
    ],
)
@pytest.mark.usefixtures("alice")
async def test_what_does_not_fit_is_refused_alike(node: Node, username: str, password: str) -> None:
    with pytest.raises(WrongCredentials) as caught:
        await node.sessions.sign_in(username, password, ORIGIN)
    assert caught.value.detail == WrongCredentials.default_detail


@pytest.mark.parametrize("username", ["alice", "bob"])
@pytest.mark.parametrize("password", ["x" * (MAX_BYTES + 1), "\ud800"])
@pytest.mark.usefixtures("alice")
async def test_what_is_nobodys_password_is_said_whatever_the_name(
    node: Node, username: str, password: str
) -> None:
    with pytest.raises(InvalidPassword):
        await node.sessions.sign_in(username, password, ORIGIN)


async def test_a_failure_is_audited_and_changes_nothing(node: Node, alice: TokenPair) -> None:
    origin = Origin("an agent\n", "192.0.2.7\x00", "request-7")
    with pytest.raises(WrongCredentials):
        await node.sessions.sign_in("alice", "wrong", origin)
    await node.of(alice.access.value)
    (newest,) = await node.operators.audit("alice", 1)
    assert newest.event is Event.SIGN_IN_FAILED
    assert newest.origin == Origin("an agent?", "192.0.2.7?", "request-7")


@pytest.mark.usefixtures("alice")
async def test_a_disabled_account_is_refused_with_the_right_password(node: Node) -> None:
    await node.operators.disable("alice")
    with pytest.raises(WrongCredentials):
        await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    assert (await audit_of(node, "alice"))[0] is Event.SIGN_IN_FAILED


async def test_an_account_that_is_shut_while_it_signs_in_does_not_sign_in(
    engine: AsyncEngine, clock: ManualClock, node: Node, alice: TokenPair
) -> None:
    class Unlucky(SqlSessionStore):
        """Comes second."""

        @override
        async def start(
            self, account_id: int, session: NewSession, *, end_others: bool, raise_floor: bool
        ) -> int | None:
            await node.operators.disable("alice")
            return await super().start(
                account_id, session, end_others=end_others, raise_floor=raise_floor
            )

    unlucky = new_node(engine, clock, LocalBulletin(), session_store=Unlucky(engine))
    with pytest.raises(WrongCredentials):
        await unlucky.sessions.sign_in("alice", PASSWORD, ORIGIN)
    with pytest.raises(SessionSuperseded):
        await node.of(alice.access.value)
    assert not await node.sessions.of(await node.operators.find("alice"))


@pytest.mark.usefixtures("alice")
async def test_a_sign_in_that_races_with_disabling_leaves_nothing_open(node: Node) -> None:
    for _ in range(10):
        await node.operators.enable("alice")
        pair, _ = await asyncio.gather(
            node.sessions.sign_in("alice", PASSWORD, ORIGIN),
            node.operators.disable("alice"),
            return_exceptions=True,
        )
        if isinstance(pair, BaseException):
            assert isinstance(pair, WrongCredentials)
        else:
            with pytest.raises(NotAuthenticated):
                await node.of(pair.access.value)
            with pytest.raises(InvalidGrant):
                await node.sessions.refresh(pair.refresh, ORIGIN)
        assert not await node.sessions.of(await node.operators.find("alice"))


async def add_old_account(node: Node) -> int:
    """An account whose hash is of a kind that is no longer made."""
    new = new_account("ann", password_hash="old:1234")
    session = node.tokens.new_session(ORIGIN)
    return (await node.accounts.store.add(new, session, free_before=0)).id


class OldHasher(PlainHasher):
    """Knows the old kind too, and may have time to verify only."""

    def __init__(self, *, busy: bool) -> None:
        self._busy = busy

    @override
    async def verify(self, password: str, password_hash: str | None) -> bool:
        return password_hash in {f"plain:{password}", f"old:{password}"}

    @override
    async def hash(self, password: str) -> str:
        if self._busy:
            raise HashingBusy
        return await super().hash(password)


@pytest.mark.parametrize(("busy", "after"), [(False, "plain:1234"), (True, "old:1234")])
async def test_an_old_hash_is_made_anew_at_a_sign_in_unless_hashing_is_busy(
    node: Node, *, busy: bool, after: str
) -> None:
    account_id = await add_old_account(node)
    sessions = dataclasses.replace(node.sessions, hasher=OldHasher(busy=busy))
    for _ in range(2):
        pair = await sessions.sign_in("ann", "1234", ORIGIN)
        assert (await node.of(pair.access.value)).account.id == account_id
    account = await node.accounts.store.by_id(account_id)
    assert account is not None
    assert account.password_hash == after


async def test_what_a_sign_in_does_to_older_tokens_is_the_policy(node_by_policy: Node) -> None:
    older = await node_by_policy.accounts.sign_up("ann", PASSWORD, ORIGIN)
    newer = await node_by_policy.sessions.sign_in("ann", PASSWORD, ORIGIN)
    account = (await node_by_policy.of(newer.access.value)).account
    if node_by_policy.sessions.policy is TokenPolicy.MANY_SESSIONS:
        await node_by_policy.of(older.access.value)
        await node_by_policy.sessions.refresh(older.refresh, ORIGIN)
        assert len(await node_by_policy.sessions.of(account)) == 2
    else:
        with pytest.raises(SessionSuperseded):
            await node_by_policy.of(older.access.value)
        with pytest.raises(InvalidGrant):
            await node_by_policy.sessions.refresh(older.refresh, ORIGIN)
        assert len(await node_by_policy.sessions.of(account)) == 1


async def test_what_a_refresh_does_to_older_tokens_is_the_policy(node_by_policy: Node) -> None:
    older = await node_by_policy.accounts.sign_up("ann", PASSWORD, ORIGIN)
    newer = await node_by_policy.sessions.refresh(older.refresh, ORIGIN)
    await node_by_policy.of(newer.access.value)
    if node_by_policy.sessions.policy is TokenPolicy.ONE_TOKEN:
        with pytest.raises(SessionSuperseded):
            await node_by_policy.of(older.access.value)
    else:
        await node_by_policy.of(older.access.value)


async def test_within_the_grace_the_same_successor_is_given_and_nothing_dies(
    node_by_policy: Node, clock: ManualClock
) -> None:
    first = await node_by_policy.accounts.sign_up("ann", PASSWORD, ORIGIN)
    second = await node_by_policy.sessions.refresh(first.refresh, ORIGIN)
    clock.ms += GRACE_S * 1000 - 1
    node_by_policy.floors.refreshed(clock.ms)
    again = await node_by_policy.sessions.refresh(first.refresh, ORIGIN)
    assert again.refresh == second.refresh
    for pair in (second, again):
        await node_by_policy.of(pair.access.value)
    await node_by_policy.sessions.refresh(second.refresh, ORIGIN)


async def test_after_the_grace_the_session_ends_for_thief_and_owner(
    node_by_policy: Node, clock: ManualClock
) -> None:
    first = await node_by_policy.accounts.sign_up("ann", PASSWORD, ORIGIN)
    second = await node_by_policy.sessions.refresh(first.refresh, ORIGIN)
    clock.ms += GRACE_S * 1000
    node_by_policy.floors.refreshed(clock.ms)
    with pytest.raises(InvalidGrant):
        await node_by_policy.sessions.refresh(first.refresh, ORIGIN)
    with pytest.raises(InvalidGrant):
        await node_by_policy.sessions.refresh(second.refresh, ORIGIN)
    with pytest.raises(SessionEnded):
        await node_by_policy.of(second.access.value)
    assert (await audit_of(node_by_policy, "ann"))[0] is Event.REFRESH_REUSE


async def test_two_behind_ends_the_session_at_once(node: Node, alice: TokenPair) -> None:
    second = await node.sessions.refresh(alice.refresh, ORIGIN)
    third = await node.sessions.refresh(second.refresh, ORIGIN)
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(alice.refresh, ORIGIN)
    with pytest.raises(SessionEnded):
        await node.of(third.access.value)


async def test_twenty_at_once_are_one_rotation(node: Node, alice: TokenPair) -> None:
    pairs = await asyncio.gather(*(node.sessions.refresh(alice.refresh, ORIGIN) for _ in range(20)))
    assert len({pair.refresh for pair in pairs}) == 1
    assert {node.tokens.signer.read(pair.access.value).version for pair in pairs} == {2}
    assert (await audit_of(node, "alice")).count(Event.REFRESH) == 1


@pytest.mark.parametrize("refresh_token", ["", "x", "A" * 76, "\ud800"])
async def test_a_refresh_token_that_is_not_ours_is_refused(node: Node, refresh_token: str) -> None:
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(refresh_token, ORIGIN)


@pytest.mark.parametrize("pauses_s", [[IDLE_S], [IDLE_S - 1, IDLE_S - 1, SESSION_S]])
async def test_a_session_ends_when_it_is_idle_or_old(
    node: Node, clock: ManualClock, alice: TokenPair, pauses_s: list[int]
) -> None:
    pair = alice
    for pause_s in pauses_s[:-1]:
        clock.ms += pause_s * 1000
        pair = await node.sessions.refresh(pair.refresh, ORIGIN)
    clock.ms += pauses_s[-1] * 1000
    for _ in range(2):
        with pytest.raises(InvalidGrant):
            await node.sessions.refresh(pair.refresh, ORIGIN)
    assert not await node.sessions.of(await node.operators.find("alice"))


async def test_a_disabled_account_does_not_refresh_nor_does_it_after_that(
    node: Node, alice: TokenPair
) -> None:
    await node.operators.disable("alice")
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(alice.refresh, ORIGIN)
    await node.operators.enable("alice")
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(alice.refresh, ORIGIN)
