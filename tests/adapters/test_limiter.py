"""The limiters beyond their contract: the memory of the local one, and a Valkey that is not there."""

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.servers import Relay
from tests.valkey import ValkeyServer
from typing_extensions import override

from emoticon.adapters.limiter.local import LocalLimiter
from emoticon.adapters.limiter.redis import PREFIX, RedisLimiter
from emoticon.domain.models import Limit
from emoticon.domain.ports import Clock

LIMIT = Limit("password", count=5, window_s=60)
OTHER = Limit("address", count=5, window_s=60)
ONCE = Limit("once", count=1, window_s=60)


@dataclass
class Watch(Clock):
    """Set by hand."""

    ms: int = 5

    @override
    def now_ms(self) -> int:
        return self.ms

    @override
    def elapsed_ms(self) -> int:
        return self.ms


async def passes(limiter: RedisLimiter | LocalLimiter, key: str, tries: int = 10) -> int:
    return [await limiter.hit(LIMIT, key) for _ in range(tries)].count(0)


# In this process


@given(st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 2)), max_size=60))
def test_no_window_has_more_than_the_limit_and_every_wait_is_the_shortest(
    steps: list[tuple[int, int]],
) -> None:
    async def holds() -> None:
        watch, limit = Watch(), Limit("short", count=3, window_s=2)
        limiter = LocalLimiter(watch)
        made: dict[int, list[int]] = {0: [], 1: [], 2: []}

        def within(key: int, at_ms: int) -> int:
            return sum(at_ms - 2000 < then for then in made[key])

        for pause_ms, key in steps:
            watch.ms += pause_ms
            wait_s = await limiter.hit(limit, str(key))
            if wait_s == 0:
                assert within(key, watch.ms) < 3
                made[key].append(watch.ms)
            else:
                assert within(key, watch.ms + wait_s * 1000) < 3
                assert within(key, watch.ms + (wait_s - 1) * 1000) == 3

    asyncio.run(holds())


async def test_keys_beyond_the_bound_push_out_the_one_that_was_quiet_for_longest() -> None:
    limiter = LocalLimiter(Watch(), max_keys=100)
    for number in range(100):
        assert await limiter.hit(ONCE, str(number)) == 0
    assert await limiter.hit(ONCE, "new") == 0
    assert len(limiter._tables[ONCE]) == 100
    assert await limiter.hit(ONCE, "1")
    assert await limiter.hit(ONCE, "0") == 0


async def test_however_many_keys_come_no_more_than_the_bound_are_kept() -> None:
    limiter = LocalLimiter(Watch(), max_keys=1000)
    for number in range(20_000):
        await limiter.hit(LIMIT, str(number))
    assert len(limiter._tables[LIMIT]) == 1000


async def test_keys_leave_after_their_window_two_for_each_that_comes() -> None:
    watch = Watch()
    limiter = LocalLimiter(watch)
    for number in range(100):
        await limiter.hit(LIMIT, str(number))
    watch.ms += 60_000
    for number in range(60):
        await limiter.hit(LIMIT, f"new {number}")
    assert len(limiter._tables[LIMIT]) == 60


async def test_a_key_remembers_no_more_attempts_than_its_limit() -> None:
    watch = Watch()
    limiter = LocalLimiter(watch)
    for _ in range(50):
        watch.ms += 20_000
        assert await limiter.hit(LIMIT, "key") == 0
    assert len(limiter._tables[LIMIT]["key"]) == 5


# In Valkey

Open = Callable[..., RedisLimiter]


@pytest.fixture
async def node(empty_valkey: ValkeyServer) -> AsyncIterator[Open]:
    """Opens a limiter that gives Valkey all the time it needs, unless told otherwise."""
    opened: list[RedisLimiter] = []

    def open_(
        url: str = empty_valkey.url, *, timeout_s: float = 10, retry_s: float = 0.02
    ) -> RedisLimiter:
        opened.append(RedisLimiter(url, Watch(), timeout_s=timeout_s, retry_s=retry_s))
        return opened[-1]

    yield open_
    for limiter in opened:
        await limiter.aclose()


async def counted_together(one: RedisLimiter, other: RedisLimiter) -> None:
    """Return when both count in Valkey again."""
    give_up_at = time.monotonic() + 20
    for number in range(10_000):
        await one.hit(ONCE, f"together {number}")
        if await other.hit(ONCE, f"together {number}"):
            return
        assert time.monotonic() < give_up_at
        await asyncio.sleep(0.01)


async def test_b07_without_valkey_each_process_limits_by_itself_and_together_after_its_return(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    one, other = node(), node()
    assert await passes(one, "before", 3) == 3
    empty_valkey.stop()
    assert [await passes(limiter, "during") for limiter in (one, other)] == [5, 5]
    assert await passes(one, "before") == 2  # what it had counted before
    empty_valkey.start()
    await counted_together(one, other)
    assert await passes(one, "during") == 0
    assert await passes(one, "after") + await passes(other, "after") == 5


async def test_a_valkey_that_comes_back_empty_or_lost_its_scripts_gives_this_process_nothing(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    one, other = node(), node()
    assert await passes(one, "key") == 5
    empty_valkey.flush()
    empty_valkey.call("SCRIPT", "FLUSH")
    assert await passes(one, "key") == 0
    assert await passes(other, "another") + await passes(one, "another") == 5


async def test_what_was_cleared_during_an_outage_is_clear(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    one = node()
    empty_valkey.stop()
    assert await passes(one, "key") == 5
    await one.clear(LIMIT, "key")
    assert await passes(one, "key") == 5


async def test_only_three_callers_wait_for_a_valkey_that_hangs(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    one = node(timeout_s=0.2, retry_s=60)
    assert await one.hit(LIMIT, "key") == 0
    empty_valkey.pause()
    took_s = []
    for _ in range(20):
        began = time.monotonic()
        await one.hit(LIMIT, "key")
        await one.clear(OTHER, "key")
        took_s.append(time.monotonic() - began)
    assert [one_s > 0.15 for one_s in took_s] == [True] * 2 + [False] * 18
    assert max(took_s) < 2
    assert await passes(one, "another") == 5


async def test_only_one_caller_at_a_time_finds_out_whether_it_still_hangs(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    one = node(timeout_s=0.2, retry_s=0.01)
    empty_valkey.pause()
    await asyncio.gather(*(one.hit(LIMIT, "key") for _ in range(3)))
    await asyncio.sleep(0.02)

    async def took_s() -> float:
        began = time.monotonic()
        await one.hit(LIMIT, "key")
        return time.monotonic() - began

    one._local = LocalLimiter(Watch())  # it would refuse without asking
    assert (
        sum([waited > 0.15 for waited in await asyncio.gather(*(took_s() for _ in range(50)))]) == 1
    )


async def test_a_valkey_that_refuses_is_a_valkey_that_is_not_there(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    empty_valkey.call("CONFIG", "SET", "maxmemory", 1)
    try:
        assert await passes(node(), "key") == 5
    finally:
        empty_valkey.call("CONFIG", "SET", "maxmemory", 0)
    assert await passes(node(empty_valkey.url.replace("p%40ss", "wrong")), "key") == 5


async def test_an_outage_is_logged_once_a_minute_without_the_password(
    node: Open, empty_valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    one = node(empty_valkey.url.replace("p%40ss", "wr0ng"), retry_s=0.001)
    watch = one._clock
    assert isinstance(watch, Watch)
    for minutes in (1, 2):
        for number in range(20):
            await one.hit(LIMIT, str(number))
            await asyncio.sleep(0.002)
        lines = [record for record in caplog.records if record.name.startswith("emoticon")]
        assert [line.levelname for line in lines] == ["WARNING"] * minutes
        watch.ms += 60_000
    assert "AuthenticationError" in caplog.text
    assert "wr0ng" not in caplog.text


@pytest.mark.parametrize("url", ["redis://:s3cret/word@127.0.0.1:1/0", "s3cret://127.0.0.1"])
def test_a_url_that_cannot_be_used_is_an_error_that_does_not_show_it(url: str) -> None:
    with pytest.raises(ValueError, match="URL") as caught:
        RedisLimiter(url, Watch())
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_the_answer_to_a_cancelled_attempt_is_never_that_to_another(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    async with Relay(empty_valkey.port) as relay:
        one = node(empty_valkey.url.replace(str(empty_valkey.port), str(relay.port)))
        for turn in range(15):
            full, free = f"full {turn}", f"free {turn}"
            assert await passes(one, full) == 5
            one._local = LocalLimiter(Watch())  # so that Valkey is asked
            relay.freeze()
            tasks = [asyncio.create_task(one.hit(LIMIT, full)) for _ in range(30)]
            for _ in range(
                turn % 5
            ):  # before they begin, while they wait for a turn, for an answer
                await asyncio.sleep(0.001)
            for task in tasks:
                task.cancel()
            relay.thaw()
            await asyncio.gather(*tasks, return_exceptions=True)
            waits = await asyncio.gather(*(one.hit(LIMIT, key) for key in [full, free] * 5))
            assert [wait_s == 0 for wait_s in waits] == [False, True] * 5
        assert len(one._pool._in_use_connections) == 0


async def test_closing_does_not_wait_for_a_valkey_that_hangs(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    one = node()
    await one.hit(LIMIT, "key")
    empty_valkey.pause()
    asking = asyncio.create_task(one.hit(LIMIT, "another"))
    await asyncio.sleep(0.01)
    async with asyncio.timeout(5):
        await one.aclose()
        asking.cancel()
        with suppress(asyncio.CancelledError):
            await asking


async def test_what_lies_in_valkey_expires_and_names_nobody(
    node: Open, empty_valkey: ValkeyServer
) -> None:
    one = node()
    for _ in range(7):
        await one.hit(LIMIT, "alice")
    [key] = empty_valkey.call("KEYS", "*")
    assert key.startswith(PREFIX.encode())
    assert b"alice" not in key
    assert 0 < empty_valkey.call("PTTL", key) <= 60_000
    assert empty_valkey.call("LLEN", key) == 5
