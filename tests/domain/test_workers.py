"""Facts about the bounded pool of threads."""

import asyncio
import os
import sys
import threading

import pytest

from emoticon.domain.errors import HashingBusy
from emoticon.domain.workers import Workers


async def test_one_call_more_than_threads_and_queue_is_refused_and_the_others_finish() -> None:
    workers = Workers("test", threads=1, queue=2, busy=HashingBusy)
    gate = threading.Event()
    calls = [asyncio.create_task(workers.run(gate.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(HashingBusy):
        await workers.run(gate.wait)
    gate.set()
    assert await asyncio.gather(*calls) == [True] * 3
    assert await workers.run(lambda: "again") == "again"
    workers.close()


async def test_a_caller_that_goes_away_does_not_free_its_place_before_the_work_is_done() -> None:
    workers = Workers("test", threads=1, queue=0, busy=HashingBusy)
    gate, running = threading.Event(), threading.Event()

    def work() -> bool:
        running.set()
        return gate.wait()

    call = asyncio.create_task(workers.run(work))
    await asyncio.to_thread(running.wait)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    with pytest.raises(HashingBusy):
        await workers.run(gate.wait)
    gate.set()
    workers.close()


async def test_an_error_reaches_the_caller() -> None:
    workers = Workers("test", threads=1, queue=0, busy=HashingBusy)
    with pytest.raises(ZeroDivisionError):
        await workers.run(lambda: 1 // 0)
    workers.close()


def test_work_that_outlives_the_loop_does_no_harm() -> None:
    workers = Workers("test", threads=1, queue=0, busy=HashingBusy)
    gate, running = threading.Event(), threading.Event()

    def work() -> bool:
        running.set()
        return gate.wait()

    async def go_away() -> None:
        call = asyncio.create_task(workers.run(work))
        await asyncio.to_thread(running.wait)
        call.cancel()

    asyncio.run(go_away())
    gate.set()
    workers.close()


@pytest.mark.skipif(
    sys.platform != "linux", reason="niceness is a property of threads on Linux only"
)
async def test_threads_are_nicer_than_the_loop() -> None:
    workers = Workers("test", threads=1, queue=0, busy=HashingBusy, niceness=7)
    here = os.getpriority(os.PRIO_PROCESS, 0)
    there = await workers.run(lambda: os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
    assert there == max(here, 7)
    workers.close()
