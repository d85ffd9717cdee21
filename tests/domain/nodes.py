"""Nodes of the service put together by hand: real stores and signers, a clock to be set, and cheap passwords."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from sqlalchemy.ext.asyncio import AsyncEngine
from typing_extensions import override

from emoticon.adapters.passwords import ZxcvbnMeter
from emoticon.adapters.signers.access import JwtSigner
from emoticon.adapters.signers.keys import KeyRing
from emoticon.adapters.signers.refresh import HmacRefreshSigner
from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.audit import SqlAuditStore
from emoticon.adapters.sql.changes import SqlFloorStore
from emoticon.adapters.sql.sessions import SqlSessionStore
from emoticon.domain.accounts import Accounts
from emoticon.domain.attempts import Attempts
from emoticon.domain.errors import FloorsStale, NotAuthenticated
from emoticon.domain.floors import Floors
from emoticon.domain.identities import Identities
from emoticon.domain.looks import new_look
from emoticon.domain.models import Event, Identity, Limit, Origin
from emoticon.domain.names import AsciiNames
from emoticon.domain.operators import Operators
from emoticon.domain.passwords import PasswordRules
from emoticon.domain.ports import Bulletin, Clock, Hasher
from emoticon.domain.revocation import Revocation
from emoticon.domain.sessions import Sessions, TokenPolicy
from emoticon.domain.stores import AccountStore, FloorStore, SessionStore
from emoticon.domain.tokens import Tokens
from emoticon.domain.verified import VerifiedTokens

PASSWORD = "seven green boats at noon"
ORIGIN = Origin("a browser", "192.0.2.1", "request-1")
OPERATOR = Origin("the operator")

LIFE_S = 600
IDLE_S = 3600
SESSION_S = 7200
GRACE_S = 10
STALE_S = 5

_NO_LIMIT = Limit("none", 1, 1)
_KEYS = KeyRing(b"of these tests, and of them alone")


class PlainHasher(Hasher):
    """Hides nothing and takes no time."""

    @override
    async def hash(self, password: str) -> str:
        return f"plain:{password}"

    @override
    async def verify(self, password: str, password_hash: str | None) -> bool:
        return password_hash == f"plain:{password}"

    @override
    def outdated(self, password_hash: str) -> bool:
        return not password_hash.startswith("plain:")


@dataclass(frozen=True)
class Node:
    """What one process of the service has in memory, and its use cases."""

    clock: Clock
    floors: Floors
    verified: VerifiedTokens
    revocation: Revocation
    tokens: Tokens
    accounts: Accounts
    sessions: Sessions
    operators: Operators

    async def of(self, token: str) -> Identity:
        """Return who sends this access token."""
        return await self.sessions.identities.of(token)


def new_node(
    engine: AsyncEngine,
    clock: Clock,
    bulletin: Bulletin,
    *,
    policy: TokenPolicy = TokenPolicy.ONE_TOKEN,
    account_store: AccountStore | None = None,
    session_store: SessionStore | None = None,
    floor_store: FloorStore | None = None,
    deleted: Callable[[], None] = lambda: None,
    withdraw: Sequence[Callable[[int], None]] = (),
) -> Node:
    """Return a node that has not started to follow the others."""
    account_store = account_store or SqlAccountStore(engine)
    session_store = session_store or SqlSessionStore(engine)
    audit, hasher = SqlAuditStore(engine), PlainHasher()
    attempts = Attempts(None, password=_NO_LIMIT, address=_NO_LIMIT, signups=_NO_LIMIT)
    signer = JwtSigner(
        _KEYS.access_keys("hs256"), issuer="emoticon", max_life_s=LIFE_S, clock=clock
    )
    tokens = Tokens(
        signer,
        HmacRefreshSigner(_KEYS.refresh_keys()),
        clock,
        access_token_s=LIFE_S,
        session_s=SESSION_S,
        idle_s=IDLE_S,
    )
    verified = VerifiedTokens(1000)
    floors = Floors(clock, life_s=LIFE_S, stale_s=STALE_S, withdraw=[verified.withdraw, *withdraw])
    revocation = Revocation(
        floors,
        floor_store or SqlFloorStore(engine),
        bulletin,
        clock,
        life_s=LIFE_S,
    )
    accounts = Accounts(
        store=account_store,
        sessions=session_store,
        audit=audit,
        hasher=hasher,
        names=AsciiNames(),
        rules=PasswordRules(ZxcvbnMeter(), 8, 2),
        attempts=attempts,
        tokens=tokens,
        revocation=revocation,
        new_look=partial(new_look, "moods"),
        open=True,
        name_hold_days=30,
        deleted=deleted,
    )
    sessions = Sessions(
        accounts=account_store,
        store=session_store,
        audit=audit,
        hasher=hasher,
        attempts=attempts,
        tokens=tokens,
        identities=Identities(signer, account_store, floors, verified, clock),
        revocation=revocation,
        policy=policy,
        grace_s=GRACE_S,
    )
    operators = Operators(accounts, OPERATOR)
    return Node(clock, floors, verified, revocation, tokens, accounts, sessions, operators)


async def until(is_so: Callable[[], bool | Awaitable[bool]]) -> None:
    """Wait for a condition, at most 10 s."""
    async with asyncio.timeout(10):
        while True:
            answer = is_so()
            if answer if isinstance(answer, bool) else await answer:
                return
            await asyncio.sleep(0.01)


def is_fresh(node: Node) -> bool:
    """Say whether the node trusts what it knows."""
    try:
        node.floors.require_fresh()
    except FloorsStale:
        return False
    return True


async def rejected(token: str, node: Node) -> bool:
    """Say whether the node turns the access token down because of what it knows about it."""
    try:
        await node.of(token)
    except NotAuthenticated:
        return True
    return False


async def audit_of(node: Node, username: str) -> list[Event]:
    """Return what the audit says of an account, the newest first."""
    return [entry.event for entry in await node.operators.audit(username, 1000)]
