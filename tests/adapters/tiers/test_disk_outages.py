"""A disk tier whose file cannot be used."""

from pathlib import Path

import pytest
from tests.accounts import ManualClock
from tests.adapters.tiers.conftest import OpenTier
from tests.adapters.tiers.drawings import drawn, label_of
from tests.adapters.tiers.files import (
    fill,
    make_directory,
    move_away,
    present,
    remove_directory,
)

from emoticon.adapters.tiers.disk import RETRY_MS
from emoticon.domain.errors import TierUnavailable


async def test_a_directory_that_cannot_be_made_is_unavailable_logged_once_and_tried_again(
    open_tier: OpenTier, path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    path.parent.write_text("in the way")
    tier = open_tier()
    for _ in range(3):
        with pytest.raises(TierUnavailable):
            await tier.get(label_of(1))
        with pytest.raises(TierUnavailable):
            await tier.put(label_of(1), drawn(1))
        await tier.flush()
        clock.ms += RETRY_MS
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    path.parent.unlink()
    await fill(tier, range(3))
    assert await present(tier, range(3)) == [0, 1, 2]


async def test_a_second_outage_is_logged_again(
    open_tier: OpenTier, path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    tier = open_tier()
    for _ in range(2):
        await fill(tier, range(3))
        caplog.clear()
        move_away(path)
        make_directory(path)
        with pytest.raises(TierUnavailable):
            await tier.get(label_of(1))
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        remove_directory(path)
        clock.ms += RETRY_MS


async def test_pictures_put_before_the_directory_was_found_unusable_are_dropped_and_counted(
    open_tier: OpenTier, path: Path
) -> None:
    path.parent.write_text("in the way")
    tier = open_tier()
    for number in range(3):
        await tier.put(label_of(number, owner=1), drawn(number))
    await tier.flush()
    assert tier.figures().dropped == 3
    with pytest.raises(TierUnavailable):
        await tier.put(label_of(1), drawn(1))


async def test_an_owner_that_no_account_has_stops_nothing(open_tier: OpenTier) -> None:
    tier = open_tier()
    await tier.put(label_of(0, owner=-1), drawn(0))
    assert tier._writing
    writing = tier._writing
    await tier.flush()
    assert writing.exception() is not None
    await fill(tier, range(1, 3))
    assert await present(tier, range(3)) == [1, 2]
    assert (tier.figures().writes, tier.figures().dropped) == (2, 1)
