"""Facts about traces, and about what policies make of them."""

from dataclasses import replace

import pytest
from tests.domain.traces import popular, trace_of

from emoticon.domain.admission import Admission
from emoticon.domain.prices import VALKEY_ENTRY_BYTES, Prices
from emoticon.domain.simulation import (
    POLICIES,
    Combined,
    Comparison,
    Least,
    Recorder,
    Single,
    Trace,
    name_of,
    run,
)
from emoticon.wiring.simulation import MemoryStore


def recorded(keys: list[int], most: int) -> Trace:
    recorder = Recorder(most)
    for at, key in enumerate(keys):
        recorder.add(name_of(str(key), 128, "png"), at, 1000 + key)
    return recorder.trace(0)


def compared(trace: Trace, **changes: float | None) -> Comparison:
    comparison = Comparison(trace, MemoryStore, Prices(), draw_ms=3.3, span_s=30 * 86400)
    return replace(comparison, **changes)  # type: ignore[arg-type] # fields by name


def test_names_are_the_same_for_the_same_picture_only() -> None:
    wishes = [("ann", 128, "png"), ("ann", 64, "png"), ("ann", 128, "svg"), ("\ud800", 128, "png")]
    assert len({name_of(*wish) for wish in wishes}) == 4
    assert name_of("ann", 128, "png") == name_of("ann", 128, "png")


def test_a_short_trace_is_kept_whole() -> None:
    trace = recorded([3, 1, 3, 2], most=10)
    assert list(trace.keys) == [0, 1, 0, 2]
    assert list(trace.body_bytes) == [1003, 1001, 1002]
    assert (trace.rate, trace.total, trace.pictures) == (1, 4, 3)
    assert (trace.span_minutes, trace.working_set_bytes) == (3, 3006)
    assert list(trace.weights(10, 2)) == [2016, 2012, 2014]


def test_a_long_trace_is_sampled_by_picture() -> None:
    keys = popular(50_000, 5000)
    trace = recorded(keys, most=5000)
    assert trace.total == 50_000
    assert 1000 < len(trace.keys) <= 5000
    assert trace.rate in {1 / 8, 1 / 16, 1 / 32}
    sampled = {body - 1000 for body in trace.body_bytes}
    assert [1000 + key for key in keys if key in sampled] == [
        trace.body_bytes[key] for key in trace.keys
    ]
    assert trace.pictures == pytest.approx(len(set(keys)), rel=0.25)
    at = [minute for minute, key in enumerate(keys) if key in sampled]
    assert list(trace.minutes) == at


def test_a_sample_has_about_the_hit_ratio_of_the_whole() -> None:
    keys = popular(80_000, 8000)
    whole, sample = recorded(keys, most=10**6), recorded(keys, most=30_000)
    assert sample.rate < whole.rate == 1
    for policy in ("lru", "combined"):
        exact = compared(whole).run(policy, 800_000)
        near = compared(sample).run(policy, 800_000)
        assert near.requests == exact.requests
        assert near.hit_ratio == pytest.approx(exact.hit_ratio, abs=0.04)
        assert near.used_bytes == pytest.approx(exact.used_bytes, rel=0.2)


def test_without_times_requests_are_spread_and_one_without_takes_that_of_the_last() -> None:
    recorder, mixed = Recorder(), Recorder()
    for at in range(4):
        recorder.add(name_of(str(at), 128, "png"), None, 1)
        mixed.add(name_of(str(at), 128, "png"), 7 if at == 1 else None, 1)
    assert list(recorder.trace(100).minutes) == [0, 25, 50, 75]
    assert list(mixed.trace(100).minutes) == [0, 7, 7, 7]
    assert Recorder().trace(100).span_minutes == 0


def test_the_last_size_of_a_picture_counts() -> None:
    recorder = Recorder()
    for body_bytes in (10, 20):
        recorder.add(name_of("ann", 128, "png"), 0, body_bytes)
    assert list(recorder.trace(0).body_bytes) == [20]


def test_requests_of_the_warm_up_leave_their_state_but_are_not_counted() -> None:
    trace = trace_of([0, 1, 0, 1, 2])
    outcome = run(trace, Single("it", Least(None, trace.weights(0))), warm_up=2)
    assert (outcome.requests, outcome.drawings, outcome.hits) == (3, 1, {"it": 2})
    assert outcome.inserts == {"it": 1}
    assert outcome.hit_ratio == pytest.approx(2 / 3)


def test_of_no_requests_none_hits() -> None:
    trace = trace_of([])
    assert run(trace, Single("it", Least(None, []))).hit_ratio == 0


def combined(trace: Trace, draw_ms: float, window: int = 100) -> Combined:
    """Room for one picture in memory, for all in the others."""
    weights = trace.weights(0)
    return Combined(
        trace.names,
        memory=Least(1000, weights),
        outer={"shared": Least(2000, weights), "disk": Least(None, weights)},
        admission=Admission(keys=window, fresh=window),
        draw_ms=draw_ms,
    )


def test_what_is_asked_for_once_stays_in_memory() -> None:
    trace = trace_of(list(range(10)))
    assert run(trace, combined(trace, 3)).inserts == {"memory": 10, "shared": 0, "disk": 0}


def test_the_second_request_brings_a_picture_into_the_outer_tiers() -> None:
    trace = trace_of([0, 0])
    outcome = run(trace, combined(trace, 3))
    assert outcome.inserts == {"memory": 1, "shared": 1, "disk": 1}
    assert outcome.hits == {"memory": 1, "shared": 0, "disk": 0}


def test_what_took_long_to_draw_is_on_disk_at_once() -> None:
    trace = trace_of([0, 1, 0])
    outcome = run(trace, combined(trace, 25))
    assert outcome.inserts["disk"] == 2
    assert outcome.hits["disk"] == 1
    assert outcome.inserts["shared"] == 1, "it came again"


def test_outer_tiers_are_asked_in_their_order() -> None:
    trace = trace_of([0, 0, 1, 0])
    assert run(trace, combined(trace, 3)).hits == {"memory": 1, "shared": 1, "disk": 0}


@pytest.mark.parametrize("policy", POLICIES)
def test_every_policy_counts_every_request_once(policy: str) -> None:
    trace = trace_of(popular(3000, 300))
    outcome = compared(trace).run(policy, 50_000)
    assert sum(outcome.hits.values()) + outcome.drawings == outcome.requests == 3000
    assert 0 < outcome.hit_ratio < 0.91


def test_tiers_that_have_no_room_are_left_out() -> None:
    trace = trace_of([0, 0])
    assert set(compared(trace, memory_share=1.0).run("combined", 5000).hits) == {"memory", "disk"}
    assert set(compared(trace, disk_bytes=0).run("combined", 5000).hits) == {"memory", "shared"}
    assert compared(trace, disk_bytes=100).run("combined", 5000).used_bytes["disk"] == 0


def test_a_month_is_charged_for_room_and_for_work() -> None:
    trace = trace_of([0, 0, 1, 1] * 1000)
    comparison = compared(trace, span_s=86400.0)
    outcome = comparison.run("combined", 10**9)
    bill = comparison.bill(outcome, 10**9)
    assert bill.ram == pytest.approx(4)
    assert bill.disk == pytest.approx(outcome.used_bytes["disk"] / 1e9 * 0.1)
    drawn = comparison.drawing_each_time()
    assert (drawn.ram, drawn.disk) == (0, 0)
    assert drawn.cpu == pytest.approx(30 * 4000 * 3.3e-3 * Prices().cpu_s)
    assert comparison.all_in_ram().ram == pytest.approx(2 * (1000 + VALKEY_ENTRY_BYTES) / 1e9 * 4)
