"""The bulletin of one process beyond its contract."""

import pytest

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.domain.errors import BulletinUnavailable
from emoticon.domain.models import Change


async def test_a_listener_that_has_missed_one_is_told_so_first_and_others_go_on() -> None:
    bulletin = LocalBulletin(max_waiting=2)
    slow, quick = await bulletin.subscribe(), await bulletin.subscribe()
    for number in (1, 2, 3):
        await bulletin.publish(Change(number))
        assert await anext(quick) == Change(number)
    for _ in range(2):
        with pytest.raises(BulletinUnavailable):
            await anext(slow)
    await bulletin.publish(Change(4))
    assert await anext(quick) == Change(4)


async def test_a_listener_that_is_just_full_hears_everything() -> None:
    bulletin = LocalBulletin(max_waiting=2)
    changes = await bulletin.subscribe()
    for number in (1, 2):
        await bulletin.publish(Change(number))
    assert [await anext(changes), await anext(changes)] == [Change(1), Change(2)]


async def test_listeners_that_nobody_reads_are_forgotten() -> None:
    bulletin = LocalBulletin(max_waiting=1)
    await bulletin.subscribe()
    for number in (1, 2):
        await bulletin.publish(Change(number))
    assert not bulletin._listeners
