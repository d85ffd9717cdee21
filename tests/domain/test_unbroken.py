"""What goes on when whoever asked for it has gone away."""

import asyncio
import gc

import pytest

from emoticon.domain.unbroken import finished, unbroken


class Work:
    """In two parts."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.may_go_on = asyncio.Event()
        self.done = asyncio.Event()

    @unbroken
    async def do(self, what: str, *, fail: bool = False) -> str:
        """Do it."""
        self.begun.set()
        await self.may_go_on.wait()
        self.done.set()
        if fail:
            raise LookupError(what)
        return what


async def abandon(work: Work, *, fail: bool = False) -> None:
    """Let a caller begin the work and go away before it is done."""
    caller = asyncio.create_task(work.do("a thing", fail=fail))
    await work.begun.wait()
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    assert not work.done.is_set()


async def test_who_is_cancelled_goes_at_once_and_the_work_goes_on() -> None:
    work = Work()
    await abandon(work)
    work.may_go_on.set()
    async with asyncio.timeout(5):
        await work.done.wait()


async def test_an_error_that_nobody_waits_for_is_reported() -> None:
    loop = asyncio.get_running_loop()
    reported: asyncio.Queue[BaseException] = asyncio.Queue()
    before = loop.get_exception_handler()
    loop.set_exception_handler(lambda _, context: reported.put_nowait(context["exception"]))
    try:
        work = Work()
        await abandon(work, fail=True)
        work.may_go_on.set()
        async with asyncio.timeout(5):
            while reported.empty():
                await asyncio.sleep(0)
                gc.collect()  # an error counts as waited for until its task is gone
            assert isinstance(reported.get_nowait(), LookupError)
    finally:
        loop.set_exception_handler(before)


async def test_who_waits_gets_the_result_or_the_error() -> None:
    work = Work()
    work.may_go_on.set()
    assert await work.do("a thing") == "a thing"
    with pytest.raises(LookupError, match="a thing"):
        await work.do("a thing", fail=True)


async def test_what_goes_on_can_be_waited_for() -> None:
    works = [Work() for _ in range(2)]
    for work in works:
        await abandon(work)
    waiting = asyncio.create_task(finished())
    works[0].may_go_on.set()
    await works[0].done.wait()
    await asyncio.sleep(0)
    assert not waiting.done()
    works[1].may_go_on.set()
    async with asyncio.timeout(5):
        await waiting
    assert works[1].done.is_set()
    await finished()


def test_what_goes_on_in_another_event_loop_is_not_waited_for() -> None:
    with asyncio.Runner() as other:
        other.run(abandon(Work()))
        asyncio.run(asyncio.wait_for(finished(), 5))


def test_the_method_keeps_its_name_and_what_it_says_of_itself() -> None:
    assert Work.do.__name__ == "do"
    assert Work.do.__doc__ == "Do it."
