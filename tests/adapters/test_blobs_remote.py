"""Facts about S3 that refuses, is silent, fails, or is back: what a caller hears, how soon, and what is logged."""

import asyncio
import os
import time

import pytest
from tests.servers import free_port
from tests.stores import SECRET, S3Server, answer, ill, surround, variables

from emoticon.adapters.blobs.remote import RemoteBlobStore
from emoticon.domain.errors import OriginalsUnavailable

NAME = "originals/7-0123abcd"
MOST = 1 << 20
LEAKY = f"<Error><AWSAccessKeyId>AKIDOFTHETESTS</AWSAccessKeyId>{SECRET}</Error>".encode()


def opened(
    monkeypatch: pytest.MonkeyPatch, port: int, timeout_s: float = 10, retry_s: float = 600
) -> RemoteBlobStore:
    surround(monkeypatch, variables(port))
    return RemoteBlobStore("s3://bucket", timeout_s=timeout_s, retry_s=retry_s)


async def ask_everything(store: RemoteBlobStore) -> None:
    """Expect that nothing is answered."""
    with pytest.raises(OriginalsUnavailable):
        await store.put(NAME, b"x")
    with pytest.raises(OriginalsUnavailable):
        await store.get(NAME, max_bytes=MOST)
    with pytest.raises(OriginalsUnavailable):
        await store.delete(NAME)
    with pytest.raises(OriginalsUnavailable):
        await anext(store.walk("originals/"))
    with pytest.raises(OriginalsUnavailable):
        await store.ping()


async def test_a_store_that_refuses_is_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    await ask_everything(opened(monkeypatch, free_port()))


async def test_a_silent_store_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ill() as silent:
        store = opened(monkeypatch, silent.port, timeout_s=0.2)
        began_s = time.monotonic()
        with pytest.raises(OriginalsUnavailable):
            await store.put(NAME, b"x")
        assert 0.1 < time.monotonic() - began_s < 10


async def test_a_store_that_fails_is_asked_again_and_then_given_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ill(answer(500)) as failing:
        store = opened(monkeypatch, failing.port)
        with pytest.raises(OriginalsUnavailable):
            await store.put(NAME, b"x")
        assert failing.asked == 3


async def test_after_three_failures_it_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ill(answer(403)) as failing:
        store = opened(monkeypatch, failing.port)
        for _ in range(3):
            with pytest.raises(OriginalsUnavailable):
                await store.put(NAME, b"x")
        asked = failing.asked
        await ask_everything(store)
        assert failing.asked == asked


async def test_what_is_not_there_is_no_failure(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    surround(monkeypatch, variables(s3.port))
    store = RemoteBlobStore(f"s3://{s3.new_bucket()}", timeout_s=10, retry_s=600)
    for _ in range(4):
        assert await store.get(NAME, max_bytes=MOST) is None
    await store.put(NAME, b"x")


async def test_after_a_while_one_caller_tries_for_all(monkeypatch: pytest.MonkeyPatch) -> None:
    async with ill(answer(403)) as server:
        store = opened(monkeypatch, server.port, timeout_s=60, retry_s=0.05)
        for _ in range(3):
            with pytest.raises(OriginalsUnavailable):
                await store.ping()
        server.answer = b""
        asked = server.asked
        tries: list[asyncio.Task[None]] = []
        until_s = time.monotonic() + 30
        while server.asked == asked:
            assert time.monotonic() < until_s
            tries.append(asyncio.create_task(store.put(NAME, b"x")))
            await asyncio.sleep(0.01)
        with pytest.raises(OriginalsUnavailable):
            await store.put(NAME, b"x")
        assert server.asked == asked + 1
        for each in tries:
            each.cancel()
        await asyncio.gather(*tries, return_exceptions=True)


async def test_that_it_answers_again_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async with ill(answer(500)) as server:
        store = opened(monkeypatch, server.port, retry_s=0.05)
        for _ in range(3):
            with pytest.raises(OriginalsUnavailable):
                await store.put(NAME, b"x")
        asked, until_s = server.asked, time.monotonic() + 30
        while server.asked == asked:
            assert time.monotonic() < until_s
            with pytest.raises(OriginalsUnavailable):
                await store.put(NAME, b"x")
            await asyncio.sleep(0.01)
        assert len(caplog.messages) == 3, "what goes on is not said again"
        server.answer = answer(200)
        while "answers again" not in caplog.text:
            assert time.monotonic() < until_s
            try:
                await store.put(NAME, b"x")
            except OriginalsUnavailable:
                await asyncio.sleep(0.01)
        assert await asyncio.gather(*(store.put(NAME, b"x") for _ in range(5))) == [None] * 5


async def test_nothing_that_the_store_says_is_logged_or_handed_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(0)
    async with ill(answer(403, LEAKY)) as server:
        store = opened(monkeypatch, server.port)
        with pytest.raises(OriginalsUnavailable) as caught:
            await store.put(NAME, b"x")
    assert caught.value.detail == OriginalsUnavailable.default_detail
    assert caught.value.__cause__ is None
    assert caplog.messages == ["the store of uploaded pictures failed: status 403"]


async def test_a_body_that_does_not_come_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = answer(200, b"12345")[:-2]
    head = cut.replace(
        b"\r\n", b"\r\nLast-Modified: Wed, 25 Nov 2026 10:00:00 GMT\r\nETag: x\r\n", 1
    )
    async with ill(head) as server:
        with pytest.raises(OriginalsUnavailable):
            await opened(monkeypatch, server.port).get(NAME, max_bytes=MOST)


async def test_what_is_not_there_may_be_deleted_where_the_store_minds(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with ill(answer(404)) as server:
        store = opened(monkeypatch, server.port)
        for _ in range(4):
            await store.delete(NAME)
        assert server.asked == 4


@pytest.mark.parametrize("url", ["gs://bucket/where", "az://container/where"])
def test_the_other_kinds_are_opened_by_their_own_variables(
    monkeypatch: pytest.MonkeyPatch, url: str
) -> None:
    surround(monkeypatch, {"AZURE_STORAGE_ACCOUNT_NAME": "account"})
    RemoteBlobStore(url, timeout_s=1)


async def test_variables_that_are_empty_are_as_if_they_were_not_set(
    s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = {"AWS_SESSION_TOKEN": "", "AWS_ENDPOINT_URL_S3": "", "AWS_PROFILE": ""}
    surround(monkeypatch, {**variables(s3.port), **empty, "AWS_REGION": ""})
    store = RemoteBlobStore(f"s3://{s3.new_bucket()}", timeout_s=10)
    await store.put(NAME, b"x")
    assert "AWS_REGION" not in os.environ


async def test_an_endpoint_that_is_none_is_no_panic(monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, {**variables(1), "AWS_ENDPOINT_URL": "nowhere"})
    with pytest.raises(OriginalsUnavailable):
        await RemoteBlobStore("s3://bucket", timeout_s=10).put(NAME, b"x")


def test_what_its_variables_lack_is_said_in_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    surround(monkeypatch, {})
    with pytest.raises(ValueError, match="Account must be specified") as caught:
        RemoteBlobStore("az://container", timeout_s=1)
    assert "\n" not in str(caught.value)
