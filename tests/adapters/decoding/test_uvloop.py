"""The same facts in the event loop that the service has."""

import asyncio
import sys

import pytest
import uvloop
from tests.adapters.decoding.conftest import MEASURED, ROGUE, nothing_left, nurseries
from tests.adapters.decoding.samples import sample

from emoticon.adapters.decoding.decoder import ProcessDecoder
from emoticon.domain.errors import InvalidPicture, UploadsBusy


def rogue(conduct: str, deadline_s: float) -> ProcessDecoder:
    command = (sys.executable, str(ROGUE), conduct)
    return ProcessDecoder(nursery=command, environment=MEASURED, deadline_s=deadline_s)


async def decoded(decoder: ProcessDecoder) -> bytes:
    return await decoder.decode(sample("png"), None, side_px=64)


async def all_ends() -> None:
    honest = ProcessDecoder(environment=MEASURED, cpu_s=20, deadline_s=120)
    assert await decoded(honest)
    with nothing_left():
        with pytest.raises(InvalidPicture):
            await honest.decode(sample("png")[:300], None, side_px=64)
        patient, hasty = rogue("wait", 60), rogue("wait", 0.2)
        with pytest.raises(UploadsBusy):
            await decoded(hasty)
        decoding = asyncio.create_task(decoded(patient))
        while len(nurseries()) < 3:  # noqa: ASYNC110 - other processes set no event
            await asyncio.sleep(0.005)
        decoding.cancel()
        with pytest.raises(asyncio.CancelledError):
            await decoding
        await hasty.aclose()
        await patient.aclose()
    await honest.aclose()
    assert nurseries() == []


def test_a_picture_a_deadline_and_a_caller_who_goes_end_well() -> None:
    uvloop.run(all_ends())
