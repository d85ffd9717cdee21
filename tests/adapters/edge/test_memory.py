"""The edge in memory: what it costs, who goes first, and when it forgets by itself."""

import dataclasses

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.accounts import NOW_MS, ManualClock
from tests.adapters.tiers.drawings import drawn

from emoticon.adapters.edge.memory import ANSWER_BYTES, TOKEN_BYTES, MemoryEdge
from emoticon.domain.models import Format, Grant, Picture

BODY_BYTES = 1000
LIFE_S = 600


def grant_of(token: str, account_id: int = 1, size_px: int = 128) -> Grant:
    return Grant(token, account_id, "ann", size_px, Format.PNG, NOW_MS // 1000 + LIFE_S)


def found(edge: MemoryEdge, grant: Grant) -> Picture | None:
    return edge.find(grant.token, grant.username, grant.size_px, grant.format)


def room_for(tokens: int) -> int:
    """Return the bytes of so many tokens of one letter with one answer each."""
    return tokens * (1 + TOKEN_BYTES + BODY_BYTES + ANSWER_BYTES)


def test_an_answer_dies_with_its_token(clock: ManualClock) -> None:
    edge = MemoryEdge(10**6, clock)
    edge.publish(grant_of("a"), drawn(1))
    clock.ms += LIFE_S * 1000 - 1
    assert found(edge, grant_of("a")) == drawn(1)
    clock.ms += 1
    assert found(edge, grant_of("a")) is None
    assert edge.used_bytes == 0
    clock.ms -= 1
    assert found(edge, grant_of("a")) is None


def test_hits_are_counted_and_nothing_else(clock: ManualClock) -> None:
    edge = MemoryEdge(10**6, clock)
    edge.publish(grant_of("a"), drawn(1))
    for grant in (grant_of("a"), grant_of("b"), grant_of("a", size_px=64), grant_of("a")):
        found(edge, grant)
    assert edge.hits == 2


def test_the_token_that_was_used_longest_ago_goes_first(clock: ManualClock) -> None:
    edge = MemoryEdge(room_for(3), clock)
    for number, token in enumerate("abc"):
        edge.publish(grant_of(token, number), drawn(number, BODY_BYTES))
    assert found(edge, grant_of("a")) is not None
    edge.publish(grant_of("b", 1), drawn(7, BODY_BYTES))
    edge.publish(grant_of("d", 9), drawn(9, BODY_BYTES))
    assert [token for token in "abcd" if found(edge, grant_of(token))] == ["a", "b", "d"]
    assert edge.used_bytes == room_for(3)


def test_one_token_keeps_its_latest_answers_and_pushes_nobody_out(clock: ManualClock) -> None:
    edge = MemoryEdge(room_for(40), clock)
    edge.publish(grant_of("b", 2), drawn(0, BODY_BYTES))
    for size_px in range(100, 500):
        edge.publish(grant_of("a", size_px=size_px), drawn(size_px, BODY_BYTES))
    kept = [px for px in range(100, 500) if found(edge, grant_of("a", size_px=px))]
    assert kept == list(range(468, 500))
    assert found(edge, grant_of("b", 2)) is not None


def test_an_answer_that_is_published_again_is_late_again(clock: ManualClock) -> None:
    edge = MemoryEdge(10**6, clock)
    for size_px in (*range(100, 132), 100, 132):
        edge.publish(grant_of("a", size_px=size_px), drawn(size_px))
    kept = [px for px in range(100, 133) if found(edge, grant_of("a", size_px=px))]
    assert kept == [100, *range(102, 133)]


def test_tokens_of_an_account_that_went_one_by_one_leave_nothing(clock: ManualClock) -> None:
    edge = MemoryEdge(room_for(2), clock)
    for number, token in enumerate("abcdef"):
        edge.publish(grant_of(token, number // 3), drawn(number, BODY_BYTES))
    edge.withdraw(0)
    assert edge.used_bytes == room_for(2)
    edge.withdraw(1)
    assert edge.used_bytes == 0


steps = st.tuples(
    st.sampled_from(["publish", "publish", "publish", "withdraw", "find", "later"]),
    st.integers(0, 9),
    st.sampled_from([0, 100, 1000, 5000]),
)


def test_it_never_passes_its_limit_and_never_gives_what_was_not_published() -> None:
    reached: set[str] = set()

    @settings(max_examples=60, deadline=None, derandomize=True)
    @given(st.lists(steps, min_size=30, max_size=120))
    def holds(play: list[tuple[str, int, int]]) -> None:
        clock = ManualClock()
        edge = MemoryEdge(room_for(8), clock)
        published: dict[Grant, Picture] = {}
        for step, number, size_bytes in play:
            grant = grant_of(str(number), number % 4, 100 + size_bytes % 7)
            if step == "publish":
                live = dataclasses.replace(grant, expires_at_s=clock.ms // 1000 + LIFE_S)
                edge.publish(live, drawn(number, size_bytes))
                published[grant] = drawn(number, size_bytes)
            elif step == "withdraw":
                edge.withdraw(number % 4)
                published = {
                    old: each for old, each in published.items() if old.account_id != number % 4
                }
            elif step == "later":
                clock.ms += LIFE_S * 1000
                published.clear()
            else:
                picture = found(edge, grant)
                assert picture in (None, published.get(grant))
                if grant in published:
                    reached.add("lost" if picture is None else "found")
            assert 0 <= edge.used_bytes <= room_for(8)
        for account_id in range(4):
            edge.withdraw(account_id)
        assert edge.used_bytes == 0

    holds()
    assert reached == {"lost", "found"}
