"""Facts about the cache of the memory tier."""

from collections.abc import Callable
from random import Random

import pytest
from moka_py import Moka
from tests.domain.traces import popular

from emoticon.adapters.tiers.tinylfu import TinyLfu

CAPACITY = 1_000_000
Heard = list[tuple[int, str]]


def weight(_key: int, value: int) -> int:
    return value


def opened(max_bytes: int, heard: Heard | None = None) -> TinyLfu[int, int]:
    noted = [] if heard is None else heard
    return TinyLfu(max_bytes, weight, lambda key, _value, cause: noted.append((key, cause)))


def hits(get: Callable[[int], int | None], put: Callable[[int, int], None], keys: list[int]) -> int:
    found = 0
    for key in keys:
        if get(key) is None:
            put(key, 4096)
        else:
            found += 1
    return found


def test_a_new_cache_is_empty_and_has_room_for_all_it_was_promised() -> None:
    cache = opened(CAPACITY)
    assert (len(cache), cache.used_bytes) == (0, 0)
    for number in range(100):
        cache.put(number, 10_000)
        assert (len(cache), cache.used_bytes) == (number + 1, 10_000 * (number + 1))
    assert [cache.get(number) for number in range(101)] == [10_000] * 100 + [None]


def test_it_never_holds_more_than_its_capacity() -> None:
    cache = opened(CAPACITY)
    sizes = Random(1)  # noqa: S311 - the same in each run
    for key in range(5000):
        cache.put(key, sizes.randint(1, 50_000))
        assert cache.used_bytes <= CAPACITY


def test_the_smallest_cache_works() -> None:
    cache = opened(1)
    cache.put(1, 1)
    assert cache.get(1) == 1


@pytest.mark.parametrize("others", [0, 50])
def test_a_key_that_is_put_again_has_its_new_value_and_weight(others: int) -> None:
    """While it is a dictionary, and after."""
    heard: Heard = []
    cache = opened(CAPACITY, heard)
    for number in range(others):
        cache.put(100 + number, 10_000)
    for size_bytes in (5000, 7000):
        cache.put(1, size_bytes)
    assert cache.get(1) == 7000
    assert (len(cache), cache.used_bytes) == (others + 1, others * 10_000 + 7000)
    assert heard == [(1, "replaced")]


@pytest.mark.parametrize("others", [0, 50])
def test_what_is_removed_or_cleared_is_gone_and_heard_of(others: int) -> None:
    heard: Heard = []
    cache = opened(CAPACITY, heard)
    for number in range(others):
        cache.put(100 + number, 10_000)
    for number in (1, 2):
        cache.put(number, 10)
    cache.remove(1)
    cache.remove(3)
    assert (cache.get(1), cache.get(2)) == (None, 10)
    assert heard == [(1, "explicit")]
    cache.clear()
    assert (cache.get(2), len(cache), cache.used_bytes) == (None, 0, 0)


def test_whatever_is_in_it_when_it_grows_stays_and_is_not_heard_of() -> None:
    heard: Heard = []
    cache = opened(CAPACITY, heard)
    for number in range(13):  # an eighth is 125,000
        cache.put(number, 10_000)
    assert [cache.get(number) for number in range(13)] == [10_000] * 13
    assert (len(cache), cache.used_bytes) == (13, 130_000)
    assert heard == []


def test_one_that_is_larger_than_the_cache_is_not_kept_and_heard_of() -> None:
    heard: Heard = []
    cache = opened(1000, heard)
    cache.put(1, 10)
    cache.put(2, 1001)
    assert (cache.get(1), cache.get(2)) == (10, None)
    assert heard == [(2, "size")]


def test_it_tells_the_popular_from_the_lucky_where_the_plain_cache_does_not() -> None:
    keys = popular(200_000, 20_000)
    room = 200 * 4096
    cache, plain = opened(room), Moka[int, int](room, weigher=weight)

    def put(key: int, value: int) -> None:
        plain.set(key, value)
        plain.run_pending_tasks()

    assert hits(cache.get, cache.put, keys) > 1.1 * hits(plain.get, put, keys)
