"""Facts about what is worth a place beyond memory."""

from hashlib import blake2b

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticon.domain.admission import DISK, EVERYWHERE, NOWHERE, SHARED, Admission, Doorkeeper


def name(number: int) -> bytes:
    return blake2b(b"%d" % number, digest_size=16).digest()


A, B = name(1), name(2)


@pytest.fixture
def admission() -> Admission:
    return Admission(keys=1000, fresh=2)


def test_the_first_drawing_stays_in_memory_and_the_second_goes_everywhere(
    admission: Admission,
) -> None:
    assert admission.drawn(A, 19.9) == NOWHERE
    assert admission.drawn(A, 19.9) == EVERYWHERE
    assert admission.drawn(B, 19.9) == NOWHERE


def test_a_drawing_of_twenty_milliseconds_goes_to_disk_at_once(admission: Admission) -> None:
    assert admission.drawn(A, 20) == DISK
    assert admission.again(A) == SHARED
    assert admission.again(A) == NOWHERE


def test_the_second_request_of_what_memory_has_sends_it_everywhere_once(
    admission: Admission,
) -> None:
    admission.drawn(A, 1)
    assert admission.again(B) == NOWHERE
    assert admission.again(A) == EVERYWHERE
    assert admission.again(A) == NOWHERE


def test_what_went_everywhere_when_it_was_drawn_again_goes_nowhere_on_the_next_hit(
    admission: Admission,
) -> None:
    admission.drawn(A, 1)
    assert admission.drawn(A, 1) == EVERYWHERE
    assert admission.again(A) == NOWHERE


def test_of_more_fresh_ones_than_are_watched_the_oldest_is_let_go(admission: Admission) -> None:
    for number in range(3):
        admission.drawn(name(number), 1)
    assert [admission.again(name(number)) for number in range(3)] == [
        NOWHERE,
        EVERYWHERE,
        EVERYWHERE,
    ]


def test_beside_a_memory_tier_as_many_are_watched_as_it_holds() -> None:
    admission = Admission.beside(40_960)
    for number in range(11):
        admission.drawn(name(number), 1)
    assert [admission.again(name(number)) for number in range(3)] == [
        NOWHERE,
        EVERYWHERE,
        EVERYWHERE,
    ]


@pytest.mark.parametrize("memory_bytes", [0, 1, 4096, 1 << 20])
def test_beside_a_memory_tier_of_any_size_a_second_drawing_goes_everywhere(
    memory_bytes: int,
) -> None:
    admission = Admission.beside(memory_bytes)
    assert admission.drawn(A, 1) == NOWHERE
    assert admission.drawn(A, 1) == EVERYWHERE


def test_the_second_find_on_disk_goes_to_the_shared_tier(admission: Admission) -> None:
    assert admission.found(A, "disk") == NOWHERE
    assert admission.found(A, "disk") == SHARED


def test_a_find_in_the_shared_tier_goes_nowhere_else(admission: Admission) -> None:
    for _ in range(3):
        assert admission.found(A, "shared") == NOWHERE


def test_a_doorkeeper_knows_every_key_of_its_window() -> None:
    doorkeeper = Doorkeeper(100)
    for number in range(1000):
        doorkeeper.came(name(number))
        recent = range(max(0, number - 99), number + 1)
        if number % 37 == 0:
            assert all(doorkeeper.came(name(one)) for one in recent)


def test_a_doorkeeper_forgets_what_came_two_windows_ago() -> None:
    doorkeeper = Doorkeeper(1000)
    for number in range(10_000):
        doorkeeper.came(name(number))
    assert sum(doorkeeper.came(name(number)) for number in range(900)) < 45


def test_a_key_that_keeps_coming_is_never_forgotten() -> None:
    doorkeeper = Doorkeeper(100)
    doorkeeper.came(A)
    for number in range(2, 2000):
        doorkeeper.came(name(number))
        if number % 90 == 0:
            assert doorkeeper.came(A)


def test_one_new_key_in_seventy_is_taken_for_an_old_one() -> None:
    doorkeeper = Doorkeeper(5000)
    for number in range(10_000):
        doorkeeper.came(name(number))
    wrong = sum(doorkeeper.came(name(number)) for number in range(10_000, 60_000))
    assert 1 / 100 < wrong / 50_000 < 1 / 50


@given(st.lists(st.binary(min_size=16, max_size=16), max_size=50), st.integers(1, 60))
def test_any_key_that_has_just_come_is_known(keys: list[bytes], window: int) -> None:
    doorkeeper = Doorkeeper(window)
    for key in keys:
        doorkeeper.came(key)
        assert doorkeeper.came(key)
