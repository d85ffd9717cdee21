"""The bulletin in Valkey: listening while something is wrong with Valkey or in it."""

import asyncio
import time

import pytest
from tests.accounts import ManualClock
from tests.adapters.bulletin.listening import (
    connections_of,
    expect_unavailable,
    hear,
    took_at_most,
    until,
    until_listened_to,
)
from tests.valkey import ValkeyServer

from emoticon.adapters.bulletin.redis import KEPT_MS, KEY, PUBLISH_S, RedisBulletin
from emoticon.domain.models import Change

FUTURE = "9999999999999-0"


async def test_a_listener_waits_for_longer_than_one_question_lasts(bulletin: RedisBulletin) -> None:
    waiting = asyncio.create_task(hear(await bulletin.subscribe()))
    assert not (await asyncio.wait([waiting], timeout=2.5))[0]
    await bulletin.publish(Change(1))
    assert await waiting == Change(1)


async def test_a_listener_beside_others_does_not_hold_up_whoever_publishes(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    waiting = asyncio.create_task(hear(await bulletin.subscribe()))
    await until_listened_to(empty_valkey)
    with took_at_most(PUBLISH_S):
        await bulletin.publish(Change(1))
    assert await waiting == Change(1)


async def test_a_server_that_stops_ends_listeners_and_is_heard_again_when_it_is_back_empty(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    changes = await bulletin.subscribe()
    await bulletin.publish(Change(1))
    assert await hear(changes) == Change(1)
    waiting = asyncio.create_task(hear(changes))
    await until_listened_to(empty_valkey)
    empty_valkey.stop()
    await expect_unavailable(waiting)
    await expect_unavailable(bulletin.subscribe())
    empty_valkey.start()
    await expect_unavailable(anext(changes))
    changes = await bulletin.subscribe()
    await bulletin.publish(Change(2))  # the connection from before is not used
    assert await hear(changes) == Change(2)


async def test_a_server_that_hangs_ends_listeners_soon(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    waiting = asyncio.create_task(hear(await bulletin.subscribe()))
    empty_valkey.pause()
    with took_at_most(4):
        assert "TimeoutError" in await expect_unavailable(waiting)
    with took_at_most(4):
        await expect_unavailable(bulletin.subscribe())


async def test_a_flushed_stream_is_heard_on(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    changes = await bulletin.subscribe()
    await bulletin.publish(Change(1))
    assert await hear(changes) == Change(1)
    empty_valkey.flush()
    await bulletin.publish(Change(2))
    assert await hear(changes) == Change(2)


async def test_a_stream_that_goes_away_is_noticed(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    changes = await bulletin.subscribe()
    await bulletin.publish(Change(1))
    assert await hear(changes) == Change(1)
    empty_valkey.flush()
    assert "emptied" in await expect_unavailable(hear(changes))


async def test_a_new_stream_with_ids_before_the_old_ones_is_noticed(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    """As when the clock of the server was set back."""
    empty_valkey.call("XADD", KEY, FUTURE, "c", "1 0 ")
    changes = await bulletin.subscribe()
    empty_valkey.flush()
    await bulletin.publish(Change(2))
    assert "emptied" in await expect_unavailable(hear(changes))


async def test_another_type_at_the_key_is_unavailable_for_both_sides(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    changes = await bulletin.subscribe()
    empty_valkey.call("SET", KEY, "text")
    for waiting in (bulletin.publish(Change(1)), hear(changes), bulletin.subscribe()):
        assert "ResponseError" in await expect_unavailable(waiting)


async def test_another_type_that_comes_while_a_listener_waits_ends_it(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    waiting = asyncio.create_task(hear(await bulletin.subscribe()))
    await until_listened_to(empty_valkey)
    empty_valkey.call("SET", KEY, "text")
    assert "ResponseError" in await expect_unavailable(waiting)


async def test_who_reads_too_slowly_is_told_that_something_may_be_gone(
    bulletin: RedisBulletin, watch: ManualClock
) -> None:
    changes = await bulletin.subscribe()
    await bulletin.publish(Change(1))
    watch.ms += KEPT_MS
    assert "trimmed" in await expect_unavailable(hear(changes))


async def test_a_cancelled_listener_leaves_no_connection(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    waiting = asyncio.create_task(hear(await bulletin.subscribe()))
    await until_listened_to(empty_valkey)
    waiting.cancel()
    await asyncio.wait([waiting])
    assert waiting.cancelled()
    assert not bulletin._listeners
    await until(lambda: not connections_of(empty_valkey))


# What stands in the stream


@pytest.mark.parametrize(
    "fields",
    [
        ("c", ""),
        ("c", "0 0 "),
        ("c", "-1 0 "),
        ("c", "01 0 "),
        ("c", "1 00 "),
        ("c", "1 -1 "),
        ("c", "1 1.0 "),
        ("c", "1 0"),
        ("c", "1 0  "),
        ("c", "1 0 \n"),
        ("c", " 1 0 "),
        ("c", "١ 0 "),
        ("c", f"{2**63} 0 "),
        ("c", f"1 {2**63} "),
        ("c", "1" * 100_000 + " 0 "),
        ("c", f"1 0 {'a' * 31}"),
        ("c", f"1 0 {'A' * 32}"),
        ("c", f"1 0 {'a' * 33}"),
        ("c", "1 0  0"),
        ("c", "1 0  01"),
        ("c", f"1 0  {2**63}"),
        ("c", "1 0  1 "),
        ("x", "1 0 "),
        ("c", "1 0 ", "x", "1"),
        ("\0", "\0"),
    ],
)
async def test_what_is_no_change_is_passed_over(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer, fields: tuple[str, ...]
) -> None:
    changes = await bulletin.subscribe()
    empty_valkey.call("XADD", KEY, "*", *fields)
    await bulletin.publish(Change(5))
    assert await hear(changes) == Change(5)


async def test_what_is_no_change_is_logged_once_a_minute_without_its_text(
    bulletin: RedisBulletin,
    empty_valkey: ValkeyServer,
    watch: ManualClock,
    caplog: pytest.LogCaptureFixture,
) -> None:
    changes = await bulletin.subscribe()

    async def pass_over_two() -> int:
        for _ in range(2):
            empty_valkey.call("XADD", KEY, "*", "c", "secret")
        await bulletin.publish(Change(1))
        await hear(changes)
        return len(caplog.records)

    assert [await pass_over_two(), await pass_over_two()] == [1, 1]
    watch.ms += 60_000
    changes = await bulletin.subscribe()
    assert await pass_over_two() == 2
    assert "secret" not in caplog.text


async def test_a_change_takes_one_short_field(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    await bulletin.publish(Change(7, floor=3, session_id="a" * 32))
    await bulletin.publish(Change(7, revision=4))
    ((_, ends), (_, looks)) = empty_valkey.call("XRANGE", KEY, "-", "+")
    assert ends == {b"c": b"7 3 " + b"a" * 32}
    assert looks == {b"c": b"7 0  4"}


async def test_only_what_is_older_than_a_minute_is_trimmed(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    now_ms = int(time.time() * 1000)
    for number in range(300):
        empty_valkey.call("XADD", KEY, f"{now_ms - 2 * KEPT_MS}-{number + 1}", "c", "old")
    for number in range(300):
        empty_valkey.call("XADD", KEY, f"{now_ms - KEPT_MS // 2}-{number + 1}", "c", "new")
    for _ in range(2):  # the first learns the time of the server
        await bulletin.publish(Change(1))
    kept = [fields[b"c"] for _, fields in empty_valkey.call("XRANGE", KEY, "-", "+")]
    assert kept.count(b"old") <= 100  # whole blocks of the stream go
    assert kept.count(b"new") == 300
