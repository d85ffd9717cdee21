"""How an account begins, changes its password and ends."""

import asyncio
import dataclasses

import pytest
from tests.accounts import ManualClock
from tests.domain.nodes import ORIGIN, PASSWORD, Node, PlainHasher, audit_of, rejected
from typing_extensions import override

from emoticon.domain.errors import (
    InvalidGrant,
    InvalidPassword,
    InvalidToken,
    InvalidUsername,
    NotAuthenticated,
    SessionSuperseded,
    SignUpsClosed,
    UsernameTaken,
    WeakPassword,
    WrongCredentials,
    WrongPassword,
)
from emoticon.domain.models import Event, TokenPair
from emoticon.domain.passwords import MAX_BYTES

NEW = "eight green boats at noon"
DAY_MS = 86_400_000


async def test_signing_up_signs_in_too(node: Node) -> None:
    pair = await node.accounts.sign_up("Alice", PASSWORD, ORIGIN)
    account = (await node.of(pair.access.value)).account
    assert (account.username, account.look.style, account.visibility) == (
        "alice",
        "moods",
        "private",
    )
    assert len(await node.sessions.of(account)) == 1
    assert await audit_of(node, "alice") == [Event.SIGN_UP]
    await node.sessions.refresh(pair.refresh, ORIGIN)


@pytest.mark.parametrize(
    ("username", "password", "error"),
    [
        ("Alice", PASSWORD, UsernameTaken),
        ("a b", PASSWORD, InvalidUsername),
        ("bob", "short", InvalidPassword),
        ("bob", "password1", WeakPassword),
    ],
)
@pytest.mark.usefixtures("alice")
async def test_what_cannot_be_used_is_refused(
    node: Node, username: str, password: str, error: type[Exception]
) -> None:
    with pytest.raises(error):
        await node.accounts.sign_up(username, password, ORIGIN)


async def test_strangers_do_not_sign_up_where_the_door_is_closed(node: Node) -> None:
    closed = dataclasses.replace(node.accounts, open=False)
    with pytest.raises(SignUpsClosed):
        await closed.sign_up("alice", PASSWORD, ORIGIN)
    assert (await closed.create("alice", PASSWORD, ORIGIN)).username == "alice"


async def test_of_many_who_want_a_name_at_once_one_gets_it(node: Node) -> None:
    answers = await asyncio.gather(
        *(node.accounts.sign_up(name, PASSWORD, ORIGIN) for name in ("alice", "Alice") * 5),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, TokenPair) for answer in answers) == 1
    assert sum(isinstance(answer, UsernameTaken) for answer in answers) == 9


async def test_a_new_password_ends_all_sessions_and_opens_one(node: Node, alice: TokenPair) -> None:
    identity = await node.of(alice.access.value)
    pair = await node.accounts.change_password(identity, PASSWORD, NEW, ORIGIN)
    with pytest.raises(SessionSuperseded):
        await node.of(alice.access.value)
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(alice.refresh, ORIGIN)
    await node.of(pair.access.value)
    await node.sessions.refresh(pair.refresh, ORIGIN)
    with pytest.raises(WrongCredentials):
        await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    await node.sessions.sign_in("alice", NEW, ORIGIN)


@pytest.mark.parametrize(
    ("current", "new", "error"),
    [
        ("wrong", NEW, WrongPassword),
        ("", NEW, WrongPassword),
        ("x" * (MAX_BYTES + 1), NEW, InvalidPassword),
        (PASSWORD, "short", InvalidPassword),
        (PASSWORD, "password1", WeakPassword),
        (PASSWORD, "alice" * 3, WeakPassword),
    ],
)
async def test_a_password_that_does_not_fit_changes_nothing(
    node: Node, alice: TokenPair, current: str, new: str, error: type[Exception]
) -> None:
    identity = await node.of(alice.access.value)
    with pytest.raises(error):
        await node.accounts.change_password(identity, current, new, ORIGIN)
    await node.of(alice.access.value)
    audited = await audit_of(node, "alice")
    assert (Event.PASSWORD_FAILED in audited) == (error is WrongPassword)


class Meanwhile(PlainHasher):
    """Hashes, and lets something happen meanwhile."""

    def __init__(self, node: Node, happening: str) -> None:
        self._node = node
        self._happening = happening

    @override
    async def hash(self, password: str) -> str:
        operators = self._node.operators
        if self._happening == "deleted":
            await operators.delete("alice")
        elif self._happening == "disabled":
            await operators.disable("alice")
        else:
            await operators.set_password("alice", "nine green boats at noon")
        return await super().hash(password)


@pytest.mark.parametrize("happening", ["deleted", "disabled", "given another password"])
async def test_an_account_that_changed_meanwhile_keeps_its_password_and_gets_no_session(
    node: Node, alice: TokenPair, happening: str
) -> None:
    identity = await node.of(alice.access.value)
    accounts = dataclasses.replace(node.accounts, hasher=Meanwhile(node, happening))
    with pytest.raises(InvalidToken):
        await accounts.change_password(identity, PASSWORD, NEW, ORIGIN)
    account = await node.accounts.store.by_id(identity.account.id)
    if account is not None:
        assert account.password_hash != f"plain:{NEW}"
        assert not await node.sessions.of(account)


async def test_new_passwords_at_once_leave_one_valid_token(node: Node, alice: TokenPair) -> None:
    identity = await node.of(alice.access.value)
    answers = await asyncio.gather(
        *(
            node.accounts.change_password(identity, PASSWORD, f"{NEW} {number}", ORIGIN)
            for number in range(5)
        ),
        return_exceptions=True,
    )
    pairs = [answer for answer in answers if isinstance(answer, TokenPair)]
    assert pairs
    valid = [pair for pair in pairs if not await rejected(pair.access.value, node)]
    assert len(valid) == 1
    assert all(isinstance(answer, TokenPair | InvalidToken | WrongPassword) for answer in answers)


async def test_leaving_ends_everything_and_holds_the_name_back(
    node: Node, clock: ManualClock, alice: TokenPair
) -> None:
    identity = await node.of(alice.access.value)
    await node.accounts.leave(identity, PASSWORD, ORIGIN)
    with pytest.raises(NotAuthenticated):
        await node.of(alice.access.value)
    with pytest.raises(InvalidGrant):
        await node.sessions.refresh(alice.refresh, ORIGIN)
    with pytest.raises(WrongCredentials):
        await node.sessions.sign_in("alice", PASSWORD, ORIGIN)
    with pytest.raises(UsernameTaken):
        await node.accounts.sign_up("alice", PASSWORD, ORIGIN)
    with pytest.raises(InvalidToken):
        await node.accounts.leave(identity, PASSWORD, ORIGIN)
    clock.ms += 29 * DAY_MS
    with pytest.raises(UsernameTaken):
        await node.accounts.sign_up("alice", PASSWORD, ORIGIN)
    clock.ms += 2 * DAY_MS
    another = await node.accounts.sign_up("alice", PASSWORD, ORIGIN)
    node.floors.refreshed(clock.ms)
    assert (await node.of(another.access.value)).account.id != identity.account.id


async def test_leaving_takes_the_password(node: Node, alice: TokenPair) -> None:
    identity = await node.of(alice.access.value)
    with pytest.raises(WrongPassword):
        await node.accounts.leave(identity, "wrong", ORIGIN)
    await node.of(alice.access.value)


async def test_leaving_twice_at_once_is_leaving_once(node: Node, alice: TokenPair) -> None:
    identity = await node.of(alice.access.value)
    answers = await asyncio.gather(
        *(node.accounts.leave(identity, PASSWORD, ORIGIN) for _ in range(5)),
        return_exceptions=True,
    )
    assert None in answers
    assert all(answer is None or isinstance(answer, InvalidToken) for answer in answers)
