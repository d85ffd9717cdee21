"""The time of this machine."""

import time

import pytest

from emoticon.adapters.clock import SystemClock


def test_now_is_unix_time_in_milliseconds() -> None:
    before_s = time.time()
    now_ms = SystemClock().now_ms()
    assert int(before_s * 1000) <= now_ms <= time.time() * 1000


def test_what_has_elapsed_is_in_milliseconds_and_never_goes_back() -> None:
    clock = SystemClock()
    began_s, first_ms = time.monotonic(), clock.elapsed_ms()
    last_ms = first_ms
    while last_ms < first_ms + 20:
        elapsed_ms = clock.elapsed_ms()
        assert elapsed_ms >= last_ms
        last_ms = elapsed_ms
    assert time.monotonic() - began_s >= 0.019


def test_all_clocks_of_a_machine_count_from_the_same_moment() -> None:
    one, other = SystemClock(), SystemClock()
    assert one.elapsed_ms() <= other.elapsed_ms() <= one.elapsed_ms()


@pytest.mark.skipif(not hasattr(time, "CLOCK_BOOTTIME"), reason="this system has no such clock")
def test_it_goes_on_while_the_machine_sleeps() -> None:
    before_ns = time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    elapsed_ms = SystemClock().elapsed_ms()
    assert before_ns // 10**6 <= elapsed_ms <= time.clock_gettime_ns(time.CLOCK_BOOTTIME) // 10**6
