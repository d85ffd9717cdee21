"""Questions to one server: their deadline, their connections, the breaker."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import pytest
from tests.adapters.bulletin.listening import took_at_most, until
from tests.servers import Relay
from tests.valkey import ValkeyServer

from emoticon.adapters.valkey.server import CONNECTIONS, Distrusted, Server, Unanswered

AGES_S = 10.0
"""All the time that it needs."""

Open = Callable[..., Server]


@pytest.fixture
async def opened(empty_valkey: ValkeyServer) -> AsyncIterator[Open]:
    """Opens servers that have all the time they need, unless told otherwise; they are closed after the test."""
    every: list[Server] = []

    def open_(
        url: str = empty_valkey.url, *, timeout_s: float = AGES_S, retry_s: float = 0.02
    ) -> Server:
        every.append(Server(url, timeout_s=timeout_s, retry_s=retry_s))
        return every[-1]

    yield open_
    for server in every:
        await server.aclose()


async def ping(server: Server) -> bool:
    """Say whether it answers."""
    try:
        return await server.ask(("PING",), read=lambda answers: answers == [b"PONG"])
    except Unanswered:
        return False


async def refusal(server: Server, *commands: tuple[str | bytes | int, ...]) -> str:
    """Return what Unanswered says."""
    with pytest.raises(Unanswered) as caught:
        await server.ask(*commands, read=list)
    return str(caught.value)


async def test_answers_come_in_the_order_of_the_commands(opened: Open) -> None:
    commands = [("SET", "key", b"\0\xff"), ("GET", "key"), ("HGETALL", "none"), ("DEL", "key")]
    assert await opened().ask(*commands, read=list) == [b"OK", b"\0\xff", [], 1]


# Connections


async def test_many_at_once_use_a_bounded_number_of_connections(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened()

    async def echo(number: int) -> bool:
        return await server.ask(("ECHO", number), read=lambda got: got == [b"%d" % number])

    assert all(await asyncio.gather(*(echo(number) for number in range(1000))))
    assert len(empty_valkey.connections()) <= CONNECTIONS


async def test_the_answer_to_a_cancelled_question_is_never_that_to_another(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    """And no connection is lost, whether it was cancelled before it began, in the queue or waiting for the answer."""
    async with Relay(empty_valkey.port) as relay:
        server = opened(empty_valkey.url.replace(str(empty_valkey.port), str(relay.port)))
        for turn in range(10):
            relay.freeze()
            asking = [
                asyncio.create_task(server.ask(("ECHO", "old"), ("ECHO", "old"), read=list))
                for _ in range(2 * CONNECTIONS)
            ]
            for _ in range(turn % 5):
                await asyncio.sleep(0.001)
            for task in asking:
                task.cancel()
            relay.thaw()
            await asyncio.wait(asking)
            answers = await asyncio.gather(
                *(server.ask(("ECHO", "new"), read=list) for _ in range(2 * CONNECTIONS))
            )
            assert answers == [[b"new"]] * len(answers)
        assert not server.pool._in_use_connections
        assert server.available


async def test_a_question_that_was_given_up_takes_its_connection_with_it(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened()
    assert await ping(server)
    [before] = empty_valkey.connections()
    empty_valkey.pause()
    with pytest.raises(Unanswered, match="TimeoutError"):
        await server.ask(("ECHO", "old"), read=list, timeout_s=0.05)
    empty_valkey.resume()
    assert await server.ask(("ECHO", "new"), read=list) == [b"new"]
    assert before not in empty_valkey.connections()


async def test_an_answer_that_is_not_trusted_takes_its_connection_with_it_and_no_other(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened()
    await asyncio.gather(*(ping(server) for _ in range(5)))
    before = empty_valkey.connections()

    def read(_answers: object) -> None:
        raise Distrusted

    with pytest.raises(Distrusted):
        await server.ask(("PING",), read=read)
    await until(lambda: len(empty_valkey.connections()) == len(before) - 1)
    assert server.available


async def test_a_refusal_keeps_the_connection_and_the_other_answers_are_not_left_in_it(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened()
    assert await ping(server)
    before = empty_valkey.connections()
    for _ in range(5):
        assert await refusal(server, ("PING",), ("NONSENSE",), ("PING",)) == "ResponseError"
    assert server.available
    assert await server.ask(("ECHO", "new"), read=list) == [b"new"]
    assert empty_valkey.connections() == before


async def test_closing_cuts_whoever_waits_and_leaves_no_connection(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened()
    assert await ping(server)
    empty_valkey.pause()
    asking = [asyncio.create_task(ping(server)) for _ in range(2 * CONNECTIONS)]
    await asyncio.sleep(0.01)
    with took_at_most(5):
        await asyncio.gather(server.aclose(), server.aclose())
        assert not any(await asyncio.gather(*asking))
    empty_valkey.resume()
    assert not await ping(server)
    assert not server.available
    await until(lambda: not empty_valkey.connections())
    await server.aclose()


# The breaker


@pytest.mark.parametrize("wrong", [ValkeyServer.stop, ValkeyServer.pause])
async def test_after_three_failures_in_a_row_nobody_waits_until_it_is_back(
    opened: Open, empty_valkey: ValkeyServer, wrong: Callable[[ValkeyServer], None]
) -> None:
    server = opened(timeout_s=0.1, retry_s=0.3)
    assert await ping(server)
    wrong(empty_valkey)
    for number in range(3):
        assert server.available, number
        with took_at_most(5):
            assert not await ping(server)
    assert not server.available
    assert await refusal(server, ("PING",)) == "left alone for a moment"
    empty_valkey.start()
    empty_valkey.resume()
    async with asyncio.timeout(20):
        while not await ping(server):
            pass
    assert server.available


async def test_one_caller_tries_it_again_and_the_others_do_not_wait(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened(timeout_s=0.2, retry_s=0.01)
    empty_valkey.pause()
    await asyncio.gather(*(ping(server) for _ in range(3)))
    await asyncio.sleep(0.05)  # the breaker has a clock of its own
    said = await asyncio.gather(*(refusal(server, ("PING",)) for _ in range(50)))
    assert sorted(said) == ["TimeoutError"] + ["closed, or another caller is trying"] * 49


async def test_callers_that_go_away_do_not_open_it(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened()
    empty_valkey.pause()
    asking = [asyncio.create_task(ping(server)) for _ in range(5)]
    await asyncio.sleep(0.01)
    for task in asking:
        task.cancel()
    await asyncio.wait(asking)
    assert server.available


async def test_to_wait_in_vain_for_a_turn_does_not_open_it(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened()
    empty_valkey.pause()
    holding = [asyncio.create_task(ping(server)) for _ in range(CONNECTIONS)]
    await asyncio.sleep(0.01)
    for _ in range(5):
        with pytest.raises(Unanswered, match="TimeoutError"):
            await server.ask(("PING",), read=list, timeout_s=0.01)
    assert server.available
    empty_valkey.resume()
    assert all(await asyncio.gather(*holding))


async def test_a_server_that_is_loading_has_failed(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened()
    assert await ping(server)
    with empty_valkey.loading():
        assert [await refusal(server, ("PING",)) for _ in range(3)] == ["BusyLoadingError"] * 3
        assert not server.available


# The address


async def test_a_wrong_password_is_not_told(
    opened: Open, empty_valkey: ValkeyServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    told = await refusal(opened(empty_valkey.url.replace("p%40ss", "wr0ng")), ("PING",))
    assert told == "AuthenticationError"
    assert "wr0ng" not in caplog.text


@pytest.mark.parametrize(
    "url", ["redis://:s3cret/word@127.0.0.1:1/0", "s3cret://127.0.0.1", "unix+cluster:///s3cret"]
)
def test_an_address_that_cannot_be_used_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(ValueError, match="URL of Valkey") as caught:
        Server(url, timeout_s=1, retry_s=1)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_options_in_the_address_do_not_change_how_it_is_asked(
    opened: Open, empty_valkey: ValkeyServer
) -> None:
    server = opened(
        f"{empty_valkey.url}?protocol=3&decode_responses=true&max_connections=1&socket_timeout=0.001"
    )
    asked = (server.ask(("ECHO", "bytes"), read=list) for _ in range(CONNECTIONS))
    assert await asyncio.gather(*asked) == [[b"bytes"]] * CONNECTIONS


async def test_it_can_be_at_a_socket(tmp_path: Path) -> None:
    socket = tmp_path / "s"
    with ValkeyServer(tmp_path, f"unixsocket {socket}\n") as valkey:
        password = valkey.url.split("@")[0].rpartition(":")[2]
        url = f"unix://:{password}@{socket}"
        async with aclosing(Server(url, timeout_s=AGES_S, retry_s=1)) as server:
            assert await ping(server)


@pytest.mark.parametrize("answer", [b"+OK\r\n", b":1\r\n", b"*-1\r\n", b"nonsense\r\n"])
async def test_what_answers_like_no_valkey_is_no_answer(opened: Open, answer: bytes) -> None:
    async def agree(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while line := await reader.readline():
            if line.startswith(b"*"):
                writer.write(answer)
        writer.close()

    async with await asyncio.start_server(agree, "127.0.0.1", 0) as listening:
        port = listening.sockets[0].getsockname()[1]
        server = opened(f"redis://127.0.0.1:{port}")
        with pytest.raises(Unanswered):
            await server.ask(("MGET", "key"), read=lambda answers: answers[0][0].decode())
        await server.aclose()
