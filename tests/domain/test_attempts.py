"""Who counts as the same, what is counted first, and what a right password forgets."""

import re
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typing_extensions import override

from emoticon.domain.attempts import UNKNOWN, Attempts, bucket
from emoticon.domain.errors import InvalidUsername, TooManyAttempts
from emoticon.domain.models import Limit
from emoticon.domain.names import fold
from emoticon.domain.ports import Limiter

PASSWORD = Limit("password", count=5, window_s=300)
ADDRESS = Limit("address", count=20, window_s=200)
SIGNUPS = Limit("signups", count=3, window_s=3600)


class Tally(Limiter):
    """Counts within one window that never ends."""

    def __init__(self) -> None:
        self.counted: Counter[tuple[Limit, str]] = Counter()

    @override
    async def hit(self, limit: Limit, key: str) -> int:
        if self.counted[limit, key] == limit.count:
            return limit.window_s
        self.counted[limit, key] += 1
        return 0

    @override
    async def clear(self, limit: Limit, key: str) -> None:
        del self.counted[limit, key]

    @override
    async def aclose(self) -> None:
        self.counted.clear()


@pytest.fixture
def tally() -> Tally:
    return Tally()


@pytest.fixture
def attempts(tally: Tally) -> Attempts:
    return Attempts(tally, password=PASSWORD, address=ADDRESS, signups=SIGNUPS)


async def refused(attempts: Attempts, name: str, address: str) -> int:
    """Try a wrong password; return the seconds to wait, 0 when it may be tried."""
    try:
        await attempts.password(name, address)
    except TooManyAttempts as error:
        return error.retry_after_s
    return 0


async def exhaust(attempts: Attempts, name: str, address: str) -> None:
    for _ in range(5):
        assert await refused(attempts, name, address) == 0
    assert await refused(attempts, name, address) == 300


async def test_the_sixth_password_for_a_name_from_an_address_is_refused(attempts: Attempts) -> None:
    await exhaust(attempts, "alice", "192.0.2.1")


async def test_b02_the_name_is_open_from_every_other_address(attempts: Attempts) -> None:
    for last in range(1, 200):
        await exhaust(attempts, "alice", f"192.0.2.{last}")
    assert await refused(attempts, "alice", "192.0.2.200") == 0


async def test_b03_many_names_from_one_address_are_refused_and_other_addresses_are_not(
    attempts: Attempts,
) -> None:
    waits = [await refused(attempts, f"name{n}", f"2001:db8::{n:x}") for n in range(30)]
    assert waits == [0] * 20 + [200] * 10
    assert await refused(attempts, "name1", "2001:db8:0:1::1") == 0


async def test_who_keeps_trying_one_name_uses_nothing_up_for_others_behind_the_address(
    attempts: Attempts,
) -> None:
    for _ in range(1000):
        await refused(attempts, "alice", "192.0.2.1")
    for name in ("bob", "carol", "dave"):
        await exhaust(attempts, name, "192.0.2.1")


async def test_the_address_refuses_before_its_own_counter_and_harms_no_other_pair(
    attempts: Attempts,
) -> None:
    for n in range(100):
        await refused(attempts, f"name{n}", "192.0.2.1")
    await exhaust(attempts, "name99", "192.0.2.2")


async def test_a_right_password_forgets_the_pair_but_not_the_address(attempts: Attempts) -> None:
    for _ in range(4):
        for _ in range(5):
            assert await refused(attempts, "alice", "192.0.2.1") == 0
        await attempts.right("ALICE", "::ffff:192.0.2.1")
    assert await refused(attempts, "alice", "192.0.2.1") == 200


async def test_a_right_password_forgets_nothing_of_other_pairs(attempts: Attempts) -> None:
    await exhaust(attempts, "alice", "192.0.2.1")
    await attempts.right("bob", "192.0.2.1")
    await attempts.right("alice", "192.0.2.2")
    assert await refused(attempts, "alice", "192.0.2.1") == 300


@pytest.mark.parametrize("same", ["Alice", "ALICE", "ａｌｉｃｅ", "aLiCe"])
async def test_names_that_fold_to_the_same_are_the_same(attempts: Attempts, same: str) -> None:
    await exhaust(attempts, "alice", "192.0.2.1")
    assert await refused(attempts, same, "192.0.2.1") == 300


@pytest.mark.parametrize(
    "name", ["", " ", "\x00", "\ud800", "a\u200bb", "a" * 129, "a" * 100_000, "alice\n", "😀\u202e"]
)
async def test_names_that_nobody_can_have_count_by_themselves(
    attempts: Attempts, name: str
) -> None:
    await exhaust(attempts, name, "192.0.2.1")
    assert await refused(attempts, name + "x", "192.0.2.1") == 0
    await attempts.right(name, "192.0.2.1")
    assert await refused(attempts, name, "192.0.2.1") == 0


async def test_accounts_are_counted_for_each_address_apart_from_passwords(
    attempts: Attempts,
) -> None:
    for n in range(20):
        await attempts.password(f"name{n}", "192.0.2.1")
    for _ in range(3):
        await attempts.sign_up("192.0.2.1")
    with pytest.raises(TooManyAttempts) as caught:
        await attempts.sign_up("192.0.2.1")
    assert caught.value.retry_after_s == 3600
    await attempts.sign_up("192.0.2.2")


async def test_without_a_limiter_everything_passes() -> None:
    attempts = Attempts(None, password=PASSWORD, address=ADDRESS, signups=SIGNUPS)
    for _ in range(50):
        await attempts.password("alice", "192.0.2.1")
        await attempts.sign_up("192.0.2.1")
    await attempts.right("alice", "192.0.2.1")


texts = st.sampled_from(["a", "A", "a:", ":a", "::", "', '", "'", "\\", "", "\ud800"]) | st.text(
    max_size=9
)
hosts = st.sampled_from(["192.0.2.1", "2001:db8::1", "a:192.0.2.1", ":", ""]) | st.text(max_size=9)


@given(st.lists(st.tuples(texts, hosts), max_size=15))
async def test_b09_a_key_is_that_of_one_name_and_one_address_and_shows_neither(
    pairs: list[tuple[str, str]],
) -> None:
    meant: dict[str, tuple[str, str]] = {}
    for name, address in pairs:
        tally = Tally()
        attempts = Attempts(tally, password=PASSWORD, address=ADDRESS, signups=SIGNUPS)
        await attempts.password(name, address)
        keys = [key for _, key in tally.counted]
        assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)
        try:
            person = fold(name), bucket(address)
        except InvalidUsername:
            person = name, bucket(address)
        assert meant.setdefault(keys[0], person) == person
    assert len(meant) == len(set(meant.values()))


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::FFFF:c000:201", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2::", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::/64"),
    ],
)
def test_an_address_counts_as_itself_or_as_its_site(address: str, expected: str) -> None:
    assert bucket(address) == expected


@pytest.mark.parametrize(
    "address",
    [
        "",
        "unix:",
        "testclient",
        "192.0.2.01",
        "192.0.2.1:80",
        "[::1]",
        " ::1",
        "\ud800",
        "1" * 10**6,
    ],
)
def test_everything_else_counts_as_one_address(address: str) -> None:
    assert bucket(address) == UNKNOWN


@given(st.text() | st.ip_addresses().map(str))
def test_a_bucket_is_never_an_error_and_holds_what_it_is_named_after(address: str) -> None:
    name = bucket(address)
    assert name == UNKNOWN or bucket(name.removesuffix("/64")) == name
