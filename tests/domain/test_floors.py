"""What the map of floors knows, for how long, and when it does not trust itself."""

import random

import pytest
from hypothesis import event, given
from hypothesis import strategies as st
from tests.accounts import ManualClock

from emoticon.domain.errors import FloorsStale, SessionEnded, SessionSuperseded
from emoticon.domain.floors import Floors
from emoticon.domain.models import Change, Claims

LIFE_S = 600
KEPT_MS = (LIFE_S + 60) * 1000


@pytest.fixture
def floors(clock: ManualClock) -> Floors:
    return loaded(clock)


def loaded(clock: ManualClock) -> Floors:
    floors = Floors(clock, life_s=LIFE_S, stale_s=5)
    floors.refreshed(clock.ms)
    return floors


def claims(account_id: int = 1, version: int = 1, session_id: str = "a") -> Claims:
    return Claims(account_id, "alice", session_id, version, 0, LIFE_S)


def verdict(floors: Floors, token: Claims) -> str:
    try:
        floors.check(token)
    except (SessionSuperseded, SessionEnded) as error:
        return error.code
    return "nothing is known against it"


def test_nothing_is_trusted_before_the_map_was_loaded(clock: ManualClock) -> None:
    floors = Floors(clock, life_s=LIFE_S, stale_s=5)
    floors.merge(Change(1, floor=2))
    for version in (1, 2):
        with pytest.raises(FloorsStale):
            floors.check(claims(version=version))
    with pytest.raises(FloorsStale):
        floors.require_fresh()


def test_a_token_is_superseded_below_the_floor_of_its_account_only(floors: Floors) -> None:
    floors.merge(Change(1, floor=3))
    floors.check(claims(1, version=3))
    floors.check(claims(1, version=4))
    floors.check(claims(2, version=1))
    with pytest.raises(SessionSuperseded):
        floors.check(claims(1, version=2))


def test_a_session_that_ended_ends_its_own_tokens_only(floors: Floors) -> None:
    floors.merge(Change(1, session_id="a"))
    floors.check(claims(session_id="b"))
    with pytest.raises(SessionEnded):
        floors.check(claims(session_id="a", version=99))


def test_news_is_what_was_not_known(floors: Floors) -> None:
    assert floors.merge(Change(1, floor=3))
    assert not floors.merge(Change(1, floor=3))
    assert not floors.merge(Change(1, floor=2))
    assert floors.merge(Change(1, floor=4))
    assert floors.merge(Change(1, session_id="a"))
    assert not floors.merge(Change(1, session_id="a"))
    assert not floors.merge(Change(1, floor=4, session_id="a"))
    assert floors.merge(Change(2, floor=3))
    assert not floors.merge(Change(2))
    assert len(floors) == 4


def test_another_look_is_news_and_ends_no_token(floors: Floors) -> None:
    floors.merge(Change(1, floor=3))
    assert floors.merge(Change(1, revision=1))
    assert not floors.merge(Change(1, floor=3, revision=1))
    assert not floors.merge(Change(1, revision=1))
    assert floors.merge(Change(1, revision=3))
    assert not floors.merge(Change(1, revision=2))
    floors.check(claims(1, version=3))


def test_whoever_looks_later_sees_that_there_was_news(floors: Floors, clock: ManualClock) -> None:
    began = floors.news
    floors.merge(Change(1, revision=1))
    assert floors.mark(1) > began
    assert floors.mark(2) <= began
    clock.ms += KEPT_MS
    began = floors.news
    floors.merge(Change(1, revision=2))
    clock.ms += 1
    floors.merge(Change(2, revision=1))  # by now the first is forgotten
    assert floors.mark(1) > began
    assert not floors.merge(Change(1, revision=2))
    clock.ms += KEPT_MS + 1
    floors.merge(Change(3, revision=1))
    assert floors.mark(1) == floors.mark(2) == 0
    assert floors.merge(Change(1, revision=2))


changes = st.builds(
    Change,
    account_id=st.integers(1, 3),
    floor=st.integers(0, 4),
    session_id=st.sampled_from(["", "a", "b", "c"]),
    revision=st.integers(0, 2),
)


@given(st.lists(changes, max_size=12), st.randoms(use_true_random=False))
def test_changes_may_come_twice_and_in_any_order(
    published: list[Change], chance: random.Random
) -> None:
    heard = published + chance.choices(published, k=len(published)) if published else []
    chance.shuffle(heard)
    one, other = loaded(ManualClock()), loaded(ManualClock())
    for change in published:
        one.merge(change)
    for change in heard:
        other.merge(change)
    tokens = [
        claims(account_id, version, session_id)
        for account_id in (1, 2, 3)
        for version in range(5)
        for session_id in "abcd"
    ]
    verdicts = [verdict(one, token) for token in tokens]
    assert verdicts == [verdict(other, token) for token in tokens]
    event(f"{len(set(verdicts))} verdicts")


def test_the_map_is_trusted_for_five_seconds(floors: Floors, clock: ManualClock) -> None:
    clock.ms += 5000
    floors.check(claims())
    clock.ms += 1
    with pytest.raises(FloorsStale):
        floors.check(claims())
    with pytest.raises(FloorsStale):
        floors.require_fresh()
    floors.refreshed(clock.ms)
    floors.check(claims())


def test_the_five_seconds_begin_when_the_reading_began(floors: Floors, clock: ManualClock) -> None:
    began_ms = clock.ms
    clock.ms += 4000
    floors.refreshed(began_ms)
    clock.ms += 1001
    with pytest.raises(FloorsStale):
        floors.require_fresh()


def test_a_dead_token_stays_dead_for_as_long_as_it_could_live(
    floors: Floors, clock: ManualClock
) -> None:
    floors.merge(Change(1, floor=3))
    floors.merge(Change(2, session_id="a"))
    clock.ms += KEPT_MS
    floors.refreshed(clock.ms)
    floors.merge(Change(3, floor=1))  # news are when old news are forgotten
    with pytest.raises(SessionSuperseded):
        floors.check(claims(1, version=2))
    with pytest.raises(SessionEnded):
        floors.check(claims(2))
    assert len(floors) == 3


def test_what_no_living_token_needs_is_forgotten(floors: Floors, clock: ManualClock) -> None:
    floors.merge(Change(1, floor=3))
    floors.merge(Change(2, session_id="a"))
    clock.ms += KEPT_MS + 1
    floors.refreshed(clock.ms)
    floors.merge(Change(3, floor=1))
    floors.check(claims(1, version=2))
    floors.check(claims(2))
    assert len(floors) == 1
    assert floors.mark(1) == floors.mark(2) == 0


def test_a_floor_is_kept_from_when_it_was_raised_last(floors: Floors, clock: ManualClock) -> None:
    floors.merge(Change(1, floor=3))
    clock.ms += KEPT_MS
    floors.merge(Change(1, floor=4))
    clock.ms += 1
    floors.refreshed(clock.ms)
    floors.merge(Change(2, floor=1))
    with pytest.raises(SessionSuperseded):
        floors.check(claims(1, version=3))
    clock.ms += KEPT_MS
    floors.merge(Change(3, floor=1))
    assert len(floors) == 2


one_sided = st.one_of(
    st.builds(Change, st.integers(1, 3), floor=st.integers(1, 6)),
    st.builds(Change, st.integers(1, 3), session_id=st.sampled_from("abcdef")),
)


@given(st.lists(st.tuples(st.sampled_from([0, 1, 60_000, 300_000, 600_000]), one_sided)))
def test_over_time_nothing_is_forgotten_too_soon_and_memory_is_bounded_by_one_life(
    happened: list[tuple[int, Change]],
) -> None:
    clock = ManualClock()
    floors = loaded(clock)
    news: list[tuple[int, Change]] = []
    for later_ms, change in happened:
        clock.ms += later_ms
        floors.refreshed(clock.ms)
        if not floors.merge(change):
            continue
        news.append((clock.ms, change))
        assert len(floors) == sum(clock.ms - at_ms <= KEPT_MS for at_ms, _ in news)
        for at_ms, known in news:
            if clock.ms - at_ms <= LIFE_S * 1000:
                dead = claims(known.account_id, known.floor - 1, known.session_id or "z")
                assert verdict(floors, dead) != "nothing is known against it"
    if len(floors) < len(news):
        event("something was forgotten")


def test_a_mark_is_another_one_after_news_about_the_account(
    floors: Floors, clock: ManualClock
) -> None:
    marks = [floors.mark(1)]
    for change in (Change(1, floor=2), Change(1, floor=3), Change(1, session_id="a")):
        floors.merge(change)
        marks.append(floors.mark(1))
    floors.merge(Change(1, floor=2))
    floors.merge(Change(2, floor=9))
    assert floors.mark(1) == marks[-1]
    clock.ms += KEPT_MS + 1
    floors.merge(Change(1, floor=4))
    assert len({*marks, floors.mark(1)}) == 5
