"""Two nodes over one database, beside a model that knows what is valid, whatever happens in whatever order.

After each step both nodes take exactly the tokens that the model takes, and under `one-token` these are of one issue.
"""

import asyncio
import itertools
from collections import Counter
from collections.abc import Coroutine
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import event
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.model import Issued, Person, SignIn
from tests.domain.nodes import GRACE_S, IDLE_S, LIFE_S, ORIGIN, SESSION_S, Node, new_node, rejected
from typing_extensions import override

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.sql.engine import open_engine
from emoticon.domain.errors import BulletinUnavailable, InvalidGrant, WrongCredentials
from emoticon.domain.models import Change, TokenPair
from emoticon.domain.sessions import TokenPolicy

T = TypeVar("T")

some_node = st.integers(0, 1)
some = st.integers(0, 99)
pauses = st.sampled_from([0, 0, 1, GRACE_S - 1, GRACE_S, LIFE_S, IDLE_S - 1, IDLE_S])
_names = (f"person-{number}" for number in itertools.count())

WAYS_OUT = ["sign out", "end another", "everywhere", "new password", "leave"]
OPERATIONS = ["disable", "enable", "sign_out", "set_password", "delete"]
REACHED = {"rotated", "repeated", "reuse", "over", "expired", "on both nodes", "nobody heard"}
"""What each run has to come by, else it says little."""


class Lossy(LocalBulletin):
    """Tells everybody or nobody."""

    works = True
    unheard = 0

    @override
    async def publish(self, change: Change) -> None:
        if not self.works:
            self.unheard += 1
            raise BulletinUnavailable
        await super().publish(change)

    @override
    async def aclose(self) -> None:
        """Stay, for the other node."""


class SessionMachine(RuleBasedStateMachine):
    """Alice does and suffers everything, Bob nothing; who has left is followed by a new Alice."""

    def __init__(
        self,
        runner: asyncio.Runner,
        engine: AsyncEngine,
        policy: TokenPolicy,
        reached: Counter[str],
    ) -> None:
        super().__init__()
        self.runner, self.engine, self.policy, self.reached = runner, engine, policy, reached
        self.clock = ManualClock()
        self.bulletin = Lossy()
        self.issued: list[Issued] = []
        self.nodes = [self.new_node(), self.new_node()]
        self.sign_up()
        self.alice = self.sign_up()

    @override
    def teardown(self) -> None:
        self.reached["nobody heard"] += self.bulletin.unheard
        for node in self.nodes:
            self.runner.run(node.revocation.aclose())

    def new_node(self) -> Node:
        node = new_node(self.engine, self.clock, self.bulletin, policy=self.policy)
        self.runner.run(node.revocation.start())
        return node

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Do something and let both nodes hear of it: by the bulletin, else by their next look at the store."""
        try:
            return self.runner.run(work)
        finally:
            self.runner.run(self.hear())

    async def hear(self) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
        if not self.bulletin.works:
            await self.look()

    async def look(self) -> None:
        for node in self.nodes:
            await node.revocation._read()

    def take(self, pair: TokenPair, session: SignIn, version: int) -> None:
        """Note an access token, which has to be the one that the model expects."""
        claims = self.nodes[0].tokens.signer.read(pair.access.value)
        assert (claims.session_id, claims.version) == (session.id, version)
        expires_ms = min(self.clock.ms + LIFE_S * 1000, session.began_ms + SESSION_S * 1000)
        self.issued.append(Issued(pair.access.value, session, version, expires_ms))

    def begin(self, person: Person, pair: TokenPair, version: int) -> None:
        """Note a new session."""
        claims = self.nodes[0].tokens.signer.read(pair.access.value)
        now_ms = self.clock.ms
        session = SignIn(person, claims.session_id, now_ms, now_ms, [pair.refresh])
        person.sessions.append(session)
        self.take(pair, session, version)

    def sign_up(self) -> Person:
        person = Person(next(_names), "seven green boats 0")
        pair = self.run(self.nodes[0].accounts.sign_up(person.name, person.password, ORIGIN))
        self.begin(person, pair, 1)
        return person

    def valid(self) -> list[Issued]:
        return [
            token
            for token in self.issued
            if token.session.person is self.alice and token.is_valid(self.clock.ms)
        ]

    @initialize(works=st.booleans())
    def begin_with_a_bulletin_or_without(self, *, works: bool) -> None:
        self.bulletin.works = works

    @rule(node=some_node, right=st.sampled_from([True, True, False]))
    def sign_in(self, node: int, *, right: bool) -> None:
        alice = self.alice
        password = alice.password if right else "wrong"
        work = self.nodes[node].sessions.sign_in(alice.name, password, ORIGIN)
        if alice.disabled or not right:
            with pytest.raises(WrongCredentials):
                self.run(work)
            return
        pair = self.run(work)
        alone = self.policy is not TokenPolicy.MANY_SESSIONS
        if alone:
            alice.end_sessions()
        self.begin(alice, pair, alice.issue(raise_floor=alone))

    @rule(node=some_node, both=st.booleans(), pauses_s=st.lists(pauses, min_size=1, max_size=3))
    def refresh(self, node: int, *, both: bool, pauses_s: list[int]) -> None:
        """Use the newest refresh token, each after a pause; sign in before when that is needed."""
        if self.alice.disabled:
            self.operate(node, "enable")
        if not self.alice.sessions[-1].is_usable(self.clock.ms):
            self.sign_in(node, right=True)
        session = self.alice.sessions[-1]
        for pause_s in pauses_s:
            self.wait(pause_s)
            self.use(node, session, len(session.refresh) - 1, both=both)

    @rule(node=some_node, behind=st.integers(1, 2), both=st.booleans(), pause_s=pauses)
    def replay(self, node: int, behind: int, *, both: bool, pause_s: int) -> None:
        """Use a refresh token that has been used, once or more often."""
        self.refresh(node, both=False, pauses_s=[0] * behind)
        self.wait(pause_s)
        session = self.alice.sessions[-1]
        self.use(node, session, len(session.refresh) - 1 - behind, both=both)

    @rule(node=some_node, number=some, back=some, both=st.booleans())
    def refresh_another(self, node: int, number: int, back: int, *, both: bool) -> None:
        """Use any refresh token of any session."""
        session = self.alice.sessions[number % len(self.alice.sessions)]
        self.use(node, session, back % len(session.refresh), both=both)

    def use(self, node: int, session: SignIn, counter: int, *, both: bool) -> None:
        """Use a refresh token on one node, or on both at once."""
        asked = self.nodes if both else [self.nodes[node]]

        async def ask() -> list[TokenPair | BaseException]:
            token = session.refresh[counter]
            uses = (one.sessions.refresh(token, ORIGIN) for one in asked)
            return await asyncio.gather(*uses, return_exceptions=True)

        for answer in self.run(ask()):
            what, version = session.use(counter, self.clock.ms, self.policy)
            self.reached[what] += 1
            if not version:
                assert isinstance(answer, InvalidGrant), (what, answer)
                continue
            assert isinstance(answer, TokenPair), (what, answer)
            if what == "rotated":
                session.refresh.append(answer.refresh)
                self.reached["on both nodes"] += both
            assert answer.refresh == session.refresh[-1]
            self.take(answer, session, version)

    @precondition(lambda self: bool(self.valid()))
    @rule(node=some_node, number=some, way=st.sampled_from(WAYS_OUT))
    def end(self, node: int, number: int, way: str) -> None:
        """End sessions, or all, with any valid access token."""
        use, valid = self.nodes[node], self.valid()
        token = valid[number % len(valid)]
        identity = self.run(use.of(token.value))
        if way == "sign out":
            self.run(use.sessions.sign_out(identity, ORIGIN))
            token.session.end()
        elif way == "end another":
            others = [one.session for one in valid if one.session is not token.session]
            for other in others[:1]:
                self.run(use.sessions.end(identity, other.id, ORIGIN))
                other.end()
        elif way == "everywhere":
            self.run(use.sessions.sign_out_everywhere(identity.account.id, ORIGIN))
            self.alice.shut()
        elif way == "new password":
            old, new = self.alice.password, self.new_password()
            pair = self.run(use.accounts.change_password(identity, old, new, ORIGIN))
            self.alice.password = new
            self.begin(self.alice, pair, self.alice.shut())
        else:
            self.run(use.accounts.leave(identity, self.alice.password, ORIGIN))
            self.follow()

    @rule(node=some_node, number=some, access=st.booleans())
    def revoke(self, node: int, number: int, *, access: bool) -> None:
        """End a session by any access token, which has to be valid, or by any refresh token."""
        session = self.alice.sessions[number % len(self.alice.sessions)]
        value, works = session.refresh[number % len(session.refresh)], session.open
        if access:
            token = self.issued[1 + number % (len(self.issued) - 1)]  # the first one is Bob's
            session, value, works = token.session, token.value, token.is_valid(self.clock.ms)
        self.run(self.nodes[node].sessions.revoke(value, ORIGIN))
        if works:
            session.end()

    @rule(node=some_node, act=st.sampled_from(OPERATIONS))
    def operate(self, node: int, act: str) -> None:
        alice, operators = self.alice, self.nodes[node].operators
        if act == "set_password":
            alice.password = self.new_password()
            self.run(operators.set_password(alice.name, alice.password))
        else:
            self.run(getattr(operators, act)(alice.name))
        if act == "delete":
            self.follow()
            return
        if act != "enable":
            alice.shut()
        if act in {"enable", "disable"}:
            alice.disabled = act == "disable"

    def new_password(self) -> str:
        return f"seven green boats {self.alice.version}"

    def follow(self) -> None:
        """Let somebody new come after Alice, who has gone."""
        self.alice.gone = True
        self.alice = self.sign_up()

    @rule(seconds=pauses)
    def wait(self, seconds: int) -> None:
        self.clock.ms += seconds * 1000
        self.runner.run(self.look())

    @rule(node=some_node, what=st.sampled_from(["restart", "no bulletin", "bulletin"]))
    def disturb(self, node: int, what: str) -> None:
        if what == "restart":
            self.runner.run(self.nodes[node].revocation.aclose())
            self.nodes[node] = self.new_node()
        else:
            self.bulletin.works = what == "bulletin"

    @invariant()
    def both_nodes_take_what_the_model_takes(self) -> None:
        valid = [token.is_valid(self.clock.ms) for token in self.issued]
        assert self.runner.run(self.taken(self.nodes[0])) == valid
        assert self.runner.run(self.taken(self.nodes[1])) == valid

    async def taken(self, node: Node) -> list[bool]:
        return [not await rejected(token.value, node) for token in self.issued]

    @invariant()
    def under_one_token_no_two_issues_are_valid(self) -> None:
        issues = {(token.session.id, token.version) for token in self.valid()}
        assert len(issues) <= 1 or self.policy is not TokenPolicy.ONE_TOKEN

    @invariant()
    def the_open_sessions_are_those_of_the_model(self) -> None:
        use = self.nodes[0]
        account = self.runner.run(use.operators.find(self.alice.name))
        shown = {session.id for session in self.runner.run(use.sessions.of(account))}
        usable = {session.id for session in self.alice.sessions if session.is_usable(self.clock.ms)}
        assert shown == usable


@pytest.mark.parametrize("policy", TokenPolicy)
def test_nothing_that_happens_makes_a_node_take_another_token_than_it_should(
    sqlite_database: str, policy: TokenPolicy
) -> None:
    reached: Counter[str] = Counter()
    engine = open_engine(sqlite_database)

    @event.listens_for(engine.sync_engine, "connect")
    def hurry(connection: DBAPIConnection, _: object) -> None:
        connection.cursor().execute("PRAGMA synchronous = OFF")  # nobody needs it after a power cut

    with asyncio.Runner() as runner:
        try:
            run_state_machine_as_test(
                lambda: SessionMachine(runner, engine, policy, reached),  # type: ignore[arg-type]
                settings=settings(
                    max_examples=15,
                    stateful_step_count=30,
                    deadline=None,
                    suppress_health_check=[HealthCheck.too_slow],
                ),
            )
        finally:
            runner.run(settled())
            runner.run(engine.dispose())
    assert (+reached).keys() >= REACHED, reached


async def settled() -> None:
    """Wait for readings that nobody waits for any more: their connections have to be given back."""
    if others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
