"""Facts about processes that take too much, that break down, and that end for any other reason."""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable
from typing import TypeVar

import psutil
import pytest
from PIL import Image
from tests.adapters.decoding.conftest import MEASURED, nothing_left, nurseries, running
from tests.adapters.decoding.samples import sample, saved

from emoticon.adapters.decoding.decoder import ProcessDecoder
from emoticon.domain.errors import InvalidPicture, UploadsBusy

T = TypeVar("T")
Rogue = Callable[..., ProcessDecoder]


@pytest.fixture
async def decoder() -> AsyncIterator[ProcessDecoder]:
    """One that nobody has used before."""
    decoder = ProcessDecoder(environment=MEASURED, cpu_s=20, deadline_s=120)
    yield decoder
    await decoder.aclose()


async def decoded(decoder: ProcessDecoder) -> bytes:
    return await decoder.decode(sample("png"), None, side_px=64)


async def eventually(ask: Callable[[], T]) -> T:
    """Ask again and again until the answer is a yes; return it."""
    async with asyncio.timeout(20):
        while not (answer := ask()):  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.005)
    return answer


async def child() -> psutil.Process:
    """Return the process that has a picture, once there is one that was confined."""
    (process,) = await eventually(
        lambda: [
            process
            for nursery in nurseries()
            for process in nursery.children()
            if process.nice() == 5
        ]
    )
    return process


async def test_a_picture_that_takes_too_much_memory_is_refused() -> None:
    data = saved(Image.new("RGB", (3000, 3000)), "WEBP", lossless=True)
    little = ProcessDecoder(memory_bytes=48 * 2**20, environment=MEASURED)
    with pytest.raises(InvalidPicture):
        await little.decode(data, None, side_px=64)
    await little.aclose()
    enough = ProcessDecoder(memory_bytes=192 * 2**20, environment=MEASURED)
    assert await enough.decode(data, None, side_px=64)
    await enough.aclose()


async def test_a_process_that_takes_memory_without_end_is_refused(rogue: Rogue) -> None:
    with pytest.raises(InvalidPicture):
        await decoded(rogue("hoard", memory_bytes=128 * 2**20))


async def test_a_process_that_computes_without_end_is_ended(rogue: Rogue) -> None:
    with pytest.raises(InvalidPicture, match="too long"):
        await decoded(rogue("burn", cpu_s=1, deadline_s=60))


async def test_a_process_that_is_not_ready_at_the_deadline_is_killed(rogue: Rogue) -> None:
    with pytest.raises(UploadsBusy):
        await decoded(rogue("wait", deadline_s=0.3))
    assert not [process for nursery in nurseries() for process in nursery.children()]


@pytest.mark.parametrize("conduct", ["write", "break-down", "leave"])
async def test_a_process_that_breaks_down_is_a_refusal(rogue: Rogue, conduct: str) -> None:
    with pytest.raises(InvalidPicture):
        await decoded(rogue(conduct))


@pytest.mark.parametrize(
    "conduct", ["tell-page", "tell-large", "tell-small", "tell-short", "tell-deep", "tell-number"]
)
async def test_a_process_that_tells_no_pixels_is_a_refusal(rogue: Rogue, conduct: str) -> None:
    with pytest.raises(InvalidPicture):
        await decoded(rogue(conduct))


async def test_a_process_that_answers_without_end_is_killed(rogue: Rogue) -> None:
    with pytest.raises((InvalidPicture, UploadsBusy)):
        await decoded(rogue("chatter"))
    assert not [process for nursery in nurseries() for process in nursery.children()]


async def test_a_process_that_is_killed_from_outside_is_no_fault_of_the_picture(
    rogue: Rogue,
) -> None:
    decoding = asyncio.create_task(decoded(rogue("wait")))
    (await child()).kill()
    with pytest.raises(UploadsBusy):
        await decoding


async def test_a_nursery_that_is_killed_is_started_anew(decoder: ProcessDecoder) -> None:
    assert await decoded(decoder)
    (before,) = nurseries()
    before.kill()
    while running(before):
        """Without a word to the event loop, so that the decoder learns it by asking."""
    with pytest.raises(UploadsBusy):
        await decoded(decoder)
    assert await decoded(decoder)
    (after,) = nurseries()
    assert after != before


async def test_a_nursery_that_ended_in_between_is_not_noticed(decoder: ProcessDecoder) -> None:
    assert await decoded(decoder)
    (before,) = nurseries()
    before.kill()
    await eventually(lambda: not running(before))
    # The event loop was told before the next picture comes.
    await asyncio.to_thread(lambda: None)
    assert await decoded(decoder)


async def test_what_is_under_way_ends_with_the_nursery(rogue: Rogue) -> None:
    decoding = asyncio.create_task(decoded(rogue("wait")))
    process = await child()
    nurseries()[0].kill()
    with pytest.raises(UploadsBusy):
        await decoding
    await eventually(lambda: not running(process))


async def test_a_nursery_that_does_not_obey_is_started_anew(rogue: Rogue) -> None:
    decoder = rogue("leave", deadline_s=0.3)
    with pytest.raises(InvalidPicture):
        await decoded(decoder)
    (before,) = nurseries()
    before.suspend()
    with pytest.raises(UploadsBusy):
        await decoded(decoder)
    with pytest.raises(InvalidPicture):
        await decoded(decoder)
    assert before not in nurseries()


async def test_a_caller_who_goes_takes_the_process_along(rogue: Rogue) -> None:
    decoding = asyncio.create_task(decoded(rogue("wait")))
    process = await child()
    decoding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await decoding
    assert not process.is_running()


async def test_a_caller_who_goes_while_the_nursery_starts_takes_it_along(rogue: Rogue) -> None:
    decoding = asyncio.create_task(decoded(rogue("hang")))
    await eventually(nurseries)
    decoding.cancel()
    with pytest.raises(asyncio.CancelledError):
        await decoding
    assert nurseries() == []


@pytest.mark.parametrize(
    "command", [("/nowhere/python",), (sys.executable, "-c", "")], ids=["nowhere", "ends"]
)
async def test_without_a_nursery_nothing_is_decoded(command: tuple[str, ...]) -> None:
    decoder = ProcessDecoder(nursery=command)
    with pytest.raises(UploadsBusy):
        await decoded(decoder)
    await decoder.aclose()


async def test_more_pictures_than_may_wait_are_refused_at_once(rogue: Rogue) -> None:
    decoder = rogue("wait", at_once=1, waiting=1)
    first, second = (asyncio.create_task(decoded(decoder)) for _ in range(2))
    process = await child()
    with pytest.raises(UploadsBusy):
        await decoded(decoder)
    assert [found for nursery in nurseries() for found in nursery.children()] == [process]
    await decoder.aclose()
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    assert [type(outcome) for outcome in outcomes] == [UploadsBusy, UploadsBusy]


async def test_a_closed_decoder_decodes_nothing_and_has_no_process(rogue: Rogue) -> None:
    decoder = rogue("leave")
    with pytest.raises(InvalidPicture):
        await decoded(decoder)
    await decoder.aclose()
    await decoder.aclose()
    with pytest.raises(UploadsBusy):
        await decoded(decoder)
    assert nurseries() == []


async def test_no_file_and_no_process_is_left_of_many_pictures(rogue: Rogue) -> None:
    lost = rogue("wait", deadline_s=0.1)
    decoder = ProcessDecoder(environment=MEASURED)
    with nothing_left():
        assert await decoded(decoder)
        with pytest.raises(UploadsBusy):
            await decoded(lost)
        with nothing_left():
            for name in ("png", "jpeg", "gif"):
                await decoder.decode(sample(name), None, side_px=64)
                with pytest.raises(InvalidPicture):
                    await decoder.decode(sample(name)[:200], None, side_px=64)
                with pytest.raises(UploadsBusy):
                    await decoded(lost)
        await decoder.aclose()
        await lost.aclose()


async def test_signals_for_all_do_not_reach_the_nursery(decoder: ProcessDecoder) -> None:
    assert await decoded(decoder)
    (nursery,) = nurseries()
    os.kill(nursery.pid, signal.SIGINT)
    os.kill(nursery.pid, signal.SIGTERM)
    assert await decoded(decoder)
    assert nurseries() == [nursery]
