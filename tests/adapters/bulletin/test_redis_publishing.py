"""The bulletin in Valkey: publishing while Valkey is away, and its address."""

import asyncio
import logging
from collections.abc import Callable
from contextlib import aclosing

import pytest
from tests.accounts import ManualClock
from tests.adapters.bulletin.listening import (
    connections_of,
    expect_unavailable,
    hear,
    took_at_most,
    until,
)
from tests.valkey import ValkeyServer

from emoticon.adapters.bulletin.redis import PUBLISH_S, RETRY_S, RedisBulletin
from emoticon.domain.errors import BulletinUnavailable
from emoticon.domain.models import Change


async def until_published(bulletin: RedisBulletin, change: Change) -> None:
    """Publish, in vain as long as the breaker is open."""
    async with asyncio.timeout(5):
        while True:
            try:
                return await bulletin.publish(change)
            except BulletinUnavailable:
                await asyncio.sleep(0.02)


@pytest.mark.parametrize("wrong", [ValkeyServer.stop, ValkeyServer.pause])
async def test_a_server_that_is_away_costs_a_quarter_of_a_second_then_nothing_until_it_is_back(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer, wrong: Callable[[ValkeyServer], None]
) -> None:
    await bulletin.publish(Change(1))
    wrong(empty_valkey)
    for _ in range(3):
        with took_at_most(PUBLISH_S + 0.25):
            await expect_unavailable(bulletin.publish(Change(1)))
    with took_at_most(0.1):
        for _ in range(20):
            await expect_unavailable(bulletin.publish(Change(1)))
    empty_valkey.start()
    empty_valkey.resume()
    with took_at_most(RETRY_S + 1):
        await until_published(bulletin, Change(2))
    await bulletin.publish(Change(3))


async def test_one_caller_tries_a_server_that_was_away_while_others_do_not_wait(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    empty_valkey.pause()
    for _ in range(3):
        await expect_unavailable(bulletin.publish(Change(1)))
    await asyncio.sleep(RETRY_S + 0.05)  # the breaker has a clock of its own
    trying = asyncio.create_task(expect_unavailable(bulletin.publish(Change(1))))
    await asyncio.sleep(0)
    with took_at_most(0.1):
        await expect_unavailable(bulletin.publish(Change(1)))
    assert not trying.done()
    await trying


async def test_callers_that_go_away_do_not_open_the_breaker(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    empty_valkey.pause()
    publishing = [asyncio.create_task(bulletin.publish(Change(1))) for _ in range(5)]
    await asyncio.sleep(0.01)
    for task in publishing:
        task.cancel()
    await asyncio.wait(publishing)
    empty_valkey.resume()
    await bulletin.publish(Change(2))


async def test_a_publish_that_was_cancelled_or_timed_out_takes_its_connection_with_it(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    """Its answer, which comes late, would be taken for the answer to the next."""
    changes = await bulletin.subscribe()
    await bulletin.publish(Change(1))
    for cancel in (True, False):
        before = connections_of(empty_valkey)
        empty_valkey.pause()
        publishing = asyncio.create_task(bulletin.publish(Change(2)))
        if cancel:
            await asyncio.sleep(0.05)  # until it has been sent
            publishing.cancel()
        await asyncio.wait([publishing])
        empty_valkey.resume()
        await bulletin.publish(Change(3))
        assert len(before - connections_of(empty_valkey)) == 1
    heard = [await hear(changes) for _ in range(5)]
    assert heard == [Change(1), Change(2), Change(3), Change(2), Change(3)]


async def test_a_publish_that_waits_when_the_bulletin_is_closed_ends_and_leaves_no_connection(
    bulletin: RedisBulletin, empty_valkey: ValkeyServer
) -> None:
    empty_valkey.pause()
    publishing = [asyncio.create_task(bulletin.publish(Change(1))) for _ in range(20)]
    await asyncio.sleep(0.02)
    await bulletin.aclose()
    for task in publishing:
        await expect_unavailable(task)
    empty_valkey.resume()
    await until(lambda: not connections_of(empty_valkey))


# The address


async def test_a_wrong_password_is_unavailable_and_is_not_told(
    empty_valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    wrong = RedisBulletin(
        f"redis://:wrongpassword@127.0.0.1:{empty_valkey.port}/0", clock=ManualClock()
    )
    for waiting in (wrong.publish(Change(1)), wrong.subscribe()):
        told = await expect_unavailable(waiting)
        assert "AuthenticationError" in told
        assert "wrongpassword" not in told + caplog.text
    await wrong.aclose()


def test_an_address_that_cannot_be_used_is_refused_without_its_text() -> None:
    with pytest.raises(ValueError, match="URL of Valkey") as caught:
        RedisBulletin("redis://:pass/word@127.0.0.1/0", clock=ManualClock())
    assert "pass" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_options_in_the_address_do_not_change_how_answers_are_read(
    empty_valkey: ValkeyServer,
) -> None:
    url = f"{empty_valkey.url}?protocol=3&decode_responses=true&socket_timeout=9"
    async with aclosing(RedisBulletin(url, clock=ManualClock())) as bulletin:
        changes = await bulletin.subscribe()
        await bulletin.publish(Change(1))
        assert await hear(changes) == Change(1)


async def test_a_server_that_answers_something_else_is_unavailable() -> None:
    async def agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.startswith(b"*"):
                writer.write(b"+OK\r\n")
        writer.close()

    async with await asyncio.start_server(agree, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"redis://127.0.0.1:{port}/0"
        async with aclosing(RedisBulletin(url, clock=ManualClock())) as bulletin:
            for waiting in (bulletin.publish(Change(1)), bulletin.subscribe()):
                await expect_unavailable(waiting)
