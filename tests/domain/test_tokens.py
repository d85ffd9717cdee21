"""How sessions begin, how long their tokens live, and what is stored of where a request came from."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.accounts import NOW_MS, ManualClock, new_session
from tests.domain.nodes import IDLE_S, LIFE_S, ORIGIN, SESSION_S, new_node

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.sql.engine import open_engine
from emoticon.domain.models import Account, Look, Origin, Rotation
from emoticon.domain.tokens import Tokens, shown

ALICE = Account(7, "alice", "alice", "", Look("moods", "x"), "private", 5, 5, NOW_MS)


@pytest.fixture
def tokens() -> Tokens:
    nowhere = open_engine("sqlite+aiosqlite:////nowhere.db")  # never connected to
    return new_node(nowhere, ManualClock(NOW_MS), LocalBulletin()).tokens


def test_a_session_begins_now_with_an_id_that_nobody_guesses(tokens: Tokens) -> None:
    opened = [tokens.new_session(ORIGIN) for _ in range(100)]
    assert len({session.id for session in opened}) == 100
    for session in opened:
        assert re.fullmatch("[0-9a-f]{32}", session.id)
        assert session.created_at == NOW_MS
        assert session.expires_at == NOW_MS + SESSION_S * 1000
        assert session.origin == ORIGIN


def test_the_first_tokens_say_whose_they_are_and_how_long_they_live(tokens: Tokens) -> None:
    session = tokens.new_session(ORIGIN)
    pair = tokens.first(ALICE, session, 5)
    claims = tokens.signer.read(pair.access.value)
    assert (claims.account_id, claims.username, claims.session_id) == (7, "alice", session.id)
    assert claims.version == 5
    assert claims.issued_at_s == NOW_MS // 1000
    assert claims.expires_at_s - claims.issued_at_s == pair.access.expires_in_s == LIFE_S
    assert tokens.refresh_signer.open(pair.refresh) == (session.id, 0)
    assert pair.refresh_expires_in_s == IDLE_S


def test_the_next_tokens_are_those_of_the_rotation(tokens: Tokens) -> None:
    session = new_session()
    rotation = Rotation(ALICE, session.id, counter=3, version=9, expires_at=session.expires_at)
    one, again = tokens.next(rotation), tokens.next(rotation)
    assert tokens.signer.read(one.access.value).version == 9
    assert tokens.refresh_signer.open(one.refresh) == (session.id, 3)
    assert one.refresh == again.refresh


@pytest.mark.parametrize(
    ("left_ms", "access_s", "refresh_s"),
    [
        (IDLE_S * 1000 + 999, LIFE_S, IDLE_S),
        (IDLE_S * 1000 - 1, LIFE_S, IDLE_S - 1),
        (LIFE_S * 1000, LIFE_S, LIFE_S),
        (59_999, 59, 59),
        (1, 1, 1),
    ],
)
def test_no_token_outlives_its_session(
    tokens: Tokens, left_ms: int, access_s: int, refresh_s: int
) -> None:
    session = new_session(expires_at=NOW_MS + left_ms)
    pair = tokens.first(ALICE, session, 5)
    assert pair.access.expires_in_s == access_s
    assert pair.refresh_expires_in_s == refresh_s


def test_neither_token_shows_when_a_pair_is_printed(tokens: Tokens) -> None:
    pair = tokens.first(ALICE, tokens.new_session(ORIGIN), 5)
    assert pair.refresh not in repr(pair)
    assert pair.access.value not in repr(pair)


def test_what_would_forge_a_line_is_shown_as_a_question_mark() -> None:
    origin = Origin("a\nb\x1b[2J\u202e\x00\ud800", "192.0.2.1\r", "x" * 201)
    assert shown(origin) == Origin("a?b?[2J???", "192.0.2.1?", "x" * 200)


@given(st.text(max_size=300))
def test_what_is_shown_is_short_and_printable_and_stays_as_it_is(text: str) -> None:
    once = shown(Origin(user_agent=text))
    assert len(once.user_agent) == min(len(text), 200)
    assert once.user_agent.isprintable()
    assert shown(once) == once
