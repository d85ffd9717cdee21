"""How sessions are ended, by whom, and what they look like until then."""

import pytest
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, PASSWORD, Node, audit_of

from emoticon.domain.errors import (
    InvalidGrant,
    InvalidToken,
    SessionEnded,
    SessionSuperseded,
    UnknownSession,
)
from emoticon.domain.models import Event, Origin, TokenPair
from emoticon.domain.sessions import TokenPolicy


async def test_signing_out_ends_the_session_and_twice_is_once(node: Node, alice: TokenPair) -> None:
    identity = await node.of(alice.access.value)
    for _ in range(2):
        await node.sessions.sign_out(identity, ORIGIN)
        with pytest.raises(SessionEnded):
            await node.of(alice.access.value)
        with pytest.raises(InvalidGrant):
            await node.sessions.refresh(alice.refresh, ORIGIN)
    assert (await audit_of(node, "alice")).count(Event.SIGN_OUT) == 1


async def test_signing_out_everywhere_says_whether_there_is_such_an_account(
    node: Node, alice: TokenPair
) -> None:
    account_id = (await node.of(alice.access.value)).account.id
    assert await node.sessions.sign_out_everywhere(account_id, ORIGIN)
    assert not await node.sessions.sign_out_everywhere(account_id + 1, ORIGIN)
    with pytest.raises(SessionSuperseded):
        await node.of(alice.access.value)
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(alice.refresh, ORIGIN)


async def test_only_own_open_sessions_can_be_ended(node: Node, alice: TokenPair) -> None:
    bob = await node.accounts.sign_up("bob", PASSWORD, ORIGIN)
    alices, bobs = await node.of(alice.access.value), await node.of(bob.access.value)
    for session_id in (bobs.claims.session_id, "0" * 32, "", "x" * 10**6):
        with pytest.raises(UnknownSession):
            await node.sessions.end(alices, session_id, ORIGIN)
    await node.of(bob.access.value)
    await node.sessions.end(alices, alices.claims.session_id, ORIGIN)
    with pytest.raises(UnknownSession):
        await node.sessions.end(alices, alices.claims.session_id, ORIGIN)
    with pytest.raises(SessionEnded):
        await node.of(alice.access.value)


@pytest.mark.parametrize("which", ["access", "refresh", "used up"])
async def test_either_token_can_be_revoked_by_whoever_has_it(
    node: Node, alice: TokenPair, which: str
) -> None:
    pair = await node.sessions.refresh(alice.refresh, ORIGIN)
    token = {"access": pair.access.value, "refresh": pair.refresh, "used up": alice.refresh}[which]
    for _ in range(2):
        await node.sessions.revoke(token, ORIGIN)
    with pytest.raises(SessionEnded):
        await node.of(pair.access.value)
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(pair.refresh, ORIGIN)


async def test_revoking_anything_else_is_no_error_and_does_nothing(
    node: Node, alice: TokenPair
) -> None:
    pair = await node.sessions.refresh(alice.refresh, ORIGIN)
    for token in ("", "x", "A" * 76, "\ud800", alice.access.value):
        await node.sessions.revoke(token, ORIGIN)
    await node.of(pair.access.value)
    with pytest.raises(InvalidToken):
        await node.of("x")


async def test_the_sessions_of_an_account_are_its_open_ones_the_newest_first(
    node_by_policy: Node, clock: ManualClock
) -> None:
    pairs = [await node_by_policy.accounts.sign_up("ann", PASSWORD, Origin("agent 0"))]
    for number in (1, 2):
        clock.ms += 1000
        pairs.append(
            await node_by_policy.sessions.sign_in("ann", PASSWORD, Origin(f"agent {number}"))
        )
    await node_by_policy.accounts.sign_up("bob", PASSWORD, ORIGIN)
    shown = await node_by_policy.sessions.of(await node_by_policy.operators.find("ann"))
    many = node_by_policy.sessions.policy is TokenPolicy.MANY_SESSIONS
    agents = ["agent 2", "agent 1", "agent 0"] if many else ["agent 2"]
    assert [session.user_agent for session in shown] == agents
