"""Facts about what is remembered of drawings that failed."""

import pytest
from tests.accounts import ManualClock

from emoticon.domain.errors import DrawingFailed, DrawingTimedOut
from emoticon.domain.failures import Failures


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(0)


@pytest.fixture
def failures(clock: ManualClock) -> Failures:
    return Failures(clock, most=3)


def test_the_error_is_repeated_with_the_seconds_that_are_left(
    failures: Failures, clock: ManualClock
) -> None:
    original = DrawingFailed("the reason")
    failures.add(b"a", original)
    assert original.retry_after_s == 2
    for clock.ms, left_s in ((0, 2), (999, 2), (1000, 1), (1999, 1)):
        with pytest.raises(DrawingFailed, match="the reason") as caught:
            failures.check(b"a")
        assert caught.value is not original
        assert caught.value.retry_after_s == left_s
    clock.ms = 2000
    failures.check(b"a")


def test_other_keys_are_not_concerned(failures: Failures) -> None:
    failures.add(b"a", DrawingFailed())
    failures.check(b"b")


def test_each_further_failure_doubles_the_pause_up_to_a_minute(
    failures: Failures, clock: ManualClock
) -> None:
    pauses_s = []
    for _ in range(100):
        error = DrawingTimedOut()
        failures.add(b"a", error)
        pauses_s.append(error.retry_after_s)
        clock.ms += error.retry_after_s * 1000
    assert pauses_s == [2, 4, 8, 16, 32] + [60] * 95


def test_a_success_begins_anew(failures: Failures) -> None:
    failures.add(b"a", DrawingFailed())
    failures.forget(b"a")
    failures.forget(b"b")
    failures.check(b"a")
    again = DrawingFailed()
    failures.add(b"a", again)
    assert again.retry_after_s == 2


def test_of_more_than_the_bound_those_that_failed_longest_ago_go(failures: Failures) -> None:
    for key in (b"a", b"b", b"c", b"a", b"d"):
        failures.add(key, DrawingFailed())
    failures.check(b"b")
    for key in (b"a", b"c", b"d"):
        with pytest.raises(DrawingFailed):
            failures.check(key)
