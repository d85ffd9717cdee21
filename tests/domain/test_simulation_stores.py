"""Facts about the single stores of the simulator."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.traces import popular, trace_of

from emoticon.adapters.tiers.memory import ENTRY_BYTES
from emoticon.domain.simulation import Least, Optimum, Single, Store, Trace, ValkeyLfu, run
from emoticon.domain.simulation.valkey import DECAY_MINUTES, SAMPLES
from emoticon.wiring.simulation import MemoryStore

ROOT = Path(__file__).parents[2]
HEAVIEST = 50


def least(trace: Trace, capacity: int) -> Store:
    return Least(capacity, trace.weights(0))


def valkey(trace: Trace, capacity: int) -> Store:
    return ValkeyLfu(capacity, trace.weights(0), decay_minutes=60)


def optimum(trace: Trace, capacity: int) -> Store:
    return Optimum(capacity, trace.weights(0), trace)


def memory(trace: Trace, capacity: int) -> Store:
    return MemoryStore(capacity, trace.body_bytes)


MAKERS = [least, valkey, optimum, memory]
Maker = Callable[[Trace, int], Store]
requests = st.lists(
    st.tuples(st.integers(0, 30), st.integers(0, 10_000)), min_size=1, max_size=200
).map(lambda pairs: ([key for key, _ in pairs], sorted(minute for _, minute in pairs)))


@pytest.mark.parametrize("maker", MAKERS)
@given(requests=requests, sizes=st.lists(st.integers(1, HEAVIEST), min_size=31, max_size=31))
def test_no_store_ever_holds_more_than_its_capacity(
    maker: Maker, requests: tuple[list[int], list[int]], sizes: list[int]
) -> None:
    keys, minutes = requests
    trace = trace_of(keys, sizes, minutes)
    store = maker(trace, 3 * HEAVIEST)
    hits = 0
    for key, minute in zip(keys, minutes, strict=True):
        if store.get(key, minute):
            hits += 1
        else:
            store.put(key, minute)
        assert 0 <= store.used_bytes <= 3 * HEAVIEST
    assert 0 <= store.evictions <= store.inserts <= len(keys)
    assert hits <= len(keys) - len(set(keys))


@pytest.mark.parametrize("maker", [least, valkey, optimum])
def test_with_room_for_all_only_the_first_request_for_a_picture_misses(maker: Maker) -> None:
    trace = trace_of(popular(2000, 50))
    outcome = run(trace, Single("it", maker(trace, 10**6)))
    assert outcome.drawings == 50
    assert outcome.evictions == {"it": 0}


@pytest.mark.parametrize("maker", [least, valkey])
def test_a_second_put_changes_nothing_but_the_count(maker: Maker) -> None:
    store = maker(trace_of([0]), 5000)
    store.put(0, 0)
    store.put(0, 0)
    assert (store.used_bytes, store.inserts) == (1000, 2)


@pytest.mark.parametrize("maker", [least, valkey])
def test_what_is_larger_than_the_store_is_not_kept(maker: Maker) -> None:
    store = maker(trace_of([0]), 999)
    store.put(0, 0)
    assert not store.get(0, 0)
    assert store.used_bytes == 0


def test_without_a_capacity_nothing_goes() -> None:
    trace = trace_of(list(range(100)))
    store = Least(None, trace.weights(0))
    for key in range(100):
        store.put(key, 0)
    assert store.used_bytes == 100_000


def test_the_least_recently_used_goes_first() -> None:
    store = least(trace_of([0, 1, 2]), 2000)
    store.put(0, 0)
    store.put(1, 0)
    assert store.get(0, 0)
    store.put(2, 0)
    assert [store.get(key, 0) for key in (0, 1, 2)] == [True, False, True]


def test_no_store_of_equal_pictures_hits_more_than_the_optimum() -> None:
    trace = trace_of(popular(20_000, 2000))
    best = run(trace, Single("it", optimum(trace, 40_000))).drawings
    for maker in (least, valkey):
        assert run(trace, Single("it", maker(trace, 40_000))).drawings > best


def test_valkey_keeps_the_popular_from_many_that_come_once() -> None:
    keys = [key for once in range(20, 2000) for key in (once % 5, once)]
    trace = trace_of(keys, minutes=[0] * len(keys))
    lru = run(trace, Single("it", least(trace, 7000)))
    lfu = run(trace, Single("it", valkey(trace, 7000)))
    assert lru.hits["it"] == 0
    assert lfu.hits["it"] > 1500


def test_valkey_forgets_who_was_popular_after_its_decay() -> None:
    trace = trace_of(range(40))
    store = valkey(trace, 2000)
    store.put(0, 0)
    for _ in range(1000):
        store.get(0, 0)
    store.put(1, 0)
    store.put(2, 60)
    assert store.get(0, 60), "a use less in an hour, of many"
    late = 60 * 255
    assert store.get(2, late)
    for key in range(3, 40):
        store.put(key, late)
        store.get(key, late)
    assert not store.get(0, late)


def test_valkey_does_not_mind_a_clock_that_goes_back() -> None:
    store = valkey(trace_of([0]), 2000)
    store.put(0, 100)
    assert store.get(0, 50)


def test_valkeys_counters_stay_within_a_byte() -> None:
    store = ValkeyLfu(2000, [1000], decay_minutes=1)
    store.put(0, 0)
    store._counters[0] = 255
    assert store.get(0, 0)
    assert store._counters[0] == 255


def test_the_model_of_valkey_has_the_settings_of_its_configuration() -> None:
    settings = (ROOT / "deploy" / "valkey.conf").read_text(encoding="utf-8").splitlines()
    assert f"lfu-decay-time {DECAY_MINUTES}" in settings
    assert f"maxmemory-samples {SAMPLES}" in settings


def test_the_memory_tier_beats_lru_by_a_fifth_and_comes_near_the_optimum() -> None:
    trace = trace_of(popular(100_000, 10_000), sizes=[3352] * 10_000)
    room = 400_000
    weights = trace.weights(ENTRY_BYTES)
    stores = (
        MemoryStore(room, trace.body_bytes),
        Least(room, weights),
        Optimum(room, weights, trace),
    )
    ours, lru, best = (run(trace, Single("it", store)).hit_ratio for store in stores)
    assert ours >= 1.2 * lru
    assert ours >= 0.8 * best
