"""A cluster's address, and what servers may say of it; tests/adapters/tiers/test_shared_cluster.py has a real one."""

import asyncio
from contextlib import aclosing, suppress
from typing import Self

import pytest

from emoticon.adapters.valkey.cluster import Valkey
from emoticon.adapters.valkey.server import Server, Unanswered

ALL = b"*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n%b\r\n:%d\r\n"


class Speaker:
    """Says that it is a cluster's server, and answers everything else with its name."""

    def __init__(self, host: str) -> None:
        self._host = host
        self.slots = b""

    async def __aenter__(self) -> Self:
        self._listening = await asyncio.start_server(self._speak, self._host, 0)
        self.port: int = self._listening.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listening.close()

    async def _speak(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while line := await reader.readline():
                if line == b"CLUSTER\r\n":
                    writer.write(self.slots)
                elif line in (b"ECHO\r\n", b"CLIENT\r\n"):
                    writer.write(b"+%d\r\n" % self.port)
        writer.close()


def text(word: bytes) -> bytes:
    return b"$%d\r\n%b" % (len(word), word)


async def answer(valkey: Valkey) -> object:
    return await valkey.ask("key", ("ECHO", "key"), read=lambda answers: answers[0])


@pytest.mark.parametrize("host", [text(b"127.0.0.1"), text(b"localhost"), text(b""), b"$-1"])
async def test_a_server_is_named_by_its_address_or_is_where_it_was_asked(host: bytes) -> None:
    async with Speaker("127.0.0.1") as speaker, Speaker("127.0.0.1") as other:
        speaker.slots = ALL % (host, other.port)
        url = f"redis+cluster://127.0.0.1:{speaker.port}"
        async with aclosing(Valkey(url, timeout_s=10, retry_s=1)) as valkey:
            assert await answer(valkey) == b"%d" % other.port


async def test_addresses_of_version_6_are_understood() -> None:
    async with Speaker("::1") as speaker, Speaker("::1") as other:
        for host in (text(b"::1"), text(b"")):
            speaker.slots = ALL % (host, other.port)
            url = f"redis+cluster://[::1]:{speaker.port}"
            async with aclosing(Valkey(url, timeout_s=10, retry_s=1)) as valkey:
                assert await answer(valkey) == b"%d" % other.port


@pytest.mark.parametrize(
    "slots",
    [
        ALL.replace(b"16383", b"16384") % (text(b"127.0.0.1"), 1),
        ALL.replace(b":0", b":-1") % (text(b"127.0.0.1"), 1),
        ALL % (text(b"user:password@127.0.0.1"), 1),
        ALL % (text(b"127.0.0.1/?db=1"), 1),
        ALL.replace(b":%d", b"+1") % text(b"127.0.0.1"),
        b"*1\r\n*0\r\n",
        b":1\r\n",
        b"-ERR This instance has cluster support disabled\r\n",
    ],
)
async def test_slots_of_a_form_that_no_cluster_has_are_no_answer(slots: bytes) -> None:
    async with Speaker("127.0.0.1") as speaker:
        speaker.slots = slots
        url = f"redis+cluster://127.0.0.1:{speaker.port}"
        async with aclosing(Valkey(url, timeout_s=10, retry_s=1)) as valkey:
            for _ in range(2):
                with pytest.raises(Unanswered, match="servers of the cluster are not known"):
                    await answer(valkey)


async def test_closing_while_it_finds_out_who_has_the_keys_ends_that() -> None:
    async with Speaker("127.0.0.1") as silent:
        valkey = Valkey(f"redis+cluster://127.0.0.1:{silent.port}", timeout_s=10, retry_s=1)
        asking = asyncio.create_task(answer(valkey))
        await asyncio.sleep(0.01)
        await valkey.aclose()
        with pytest.raises(Unanswered):
            await asking
        await valkey.aclose()


@pytest.mark.parametrize(
    "url",
    [
        "redis+cluster://:s3cret/word@127.0.0.1:1,127.0.0.1:2",
        "redis+cluster://:s3cret@127.0.0.1:x,127.0.0.1:2",
        "redis+cluster://:s3cret@",
        "unix+cluster:///s3cret",
        "redis+sentinel://s3cret",
    ],
)
def test_an_address_that_cannot_be_used_is_refused_without_its_text(url: str) -> None:
    with pytest.raises(ValueError, match="URL of Valkey") as caught:
        Valkey(url, timeout_s=1, retry_s=1)
    assert "s3cret" not in str(caught.value)
    assert caught.value.__suppress_context__


async def test_one_server_has_all_keys() -> None:
    async with aclosing(Valkey("redis://127.0.0.1:1", timeout_s=1, retry_s=1)) as valkey:
        [server] = await valkey.servers()
        assert isinstance(server, Server)
        assert valkey.available
