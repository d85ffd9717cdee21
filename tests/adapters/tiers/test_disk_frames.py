"""What may happen to single pictures in the file of a disk tier: they are misses."""

from pathlib import Path

import pytest
from tests.accounts import NOW_MS
from tests.adapters.tiers.conftest import OpenTier
from tests.adapters.tiers.drawings import drawn, key_of, label_of
from tests.adapters.tiers.files import (
    change,
    content,
    fill,
    overwrite,
    present,
    rows,
)

from emoticon.domain.pictures import FRAME_BYTES, frame

FIELDS = {
    "magic": 0,
    "format": 4,
    "unused": 5,
    "size": 6,
    "length": 8,
    "time": 12,
    "style": 16,
    "owner": 20,
    "key": 28,
    "digest": 44,
    "check": 60,
    "body": FRAME_BYTES,
    "last_byte": -1,
}


@pytest.mark.parametrize("field", FIELDS)
async def test_a_flipped_bit_of_a_frame_in_the_file_is_a_miss_and_the_row_is_deleted(
    open_tier: OpenTier, path: Path, field: str, caplog: pytest.LogCaptureFixture
) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    framed = frame(label_of(2), drawn(2), drawn_at_s=NOW_MS // 1000)
    offset = content(path).index(framed) + FIELDS[field] % len(framed)
    overwrite(path, offset, bytes([content(path)[offset] ^ 0x10]))
    tier = open_tier()
    assert await present(tier, range(5)) == [0, 1, 3, 4]
    assert tier.figures().damaged == 1
    assert [record.getMessage() for record in caplog.records] == [
        "Row 3 of the disk tier is damaged and will be deleted"
    ]
    await tier.flush()
    assert rows(path, "SELECT seq FROM pictures") == [(1,), (2,), (4,), (5,)]
    await fill(tier, range(2, 3))
    assert await present(tier, range(5)) == list(range(5))


async def test_two_pictures_whose_bytes_were_swapped_in_the_file_are_misses(
    open_tier: OpenTier, path: Path
) -> None:
    await fill(first := open_tier(), range(5))
    await first.aclose()
    data = content(path)
    one, two = (frame(label_of(n), drawn(n), drawn_at_s=NOW_MS // 1000) for n in (1, 2))
    overwrite(path, data.index(one), two)
    overwrite(path, data.index(two), one)
    tier = open_tier()
    assert await present(tier, range(5)) == [0, 3, 4]
    assert tier.figures().damaged == 2


async def test_two_rows_whose_keys_were_swapped_are_misses(open_tier: OpenTier, path: Path) -> None:
    await fill(open_tier(), range(5))
    change(path, "UPDATE pictures SET key = zeroblob(16) WHERE seq = 2")
    change(path, "UPDATE pictures SET key = ? WHERE seq = 3", key_of(1))
    change(path, "UPDATE pictures SET key = ? WHERE seq = 2", key_of(2))
    tier = open_tier()
    assert await present(tier, range(5)) == [0, 3, 4]
    assert tier.figures().damaged == 2


@pytest.mark.parametrize("value", [None, 7, 1.5, "text", b"", b"EMO2"])
async def test_a_value_that_is_no_frame_at_all_is_a_miss(
    open_tier: OpenTier, path: Path, value: object
) -> None:
    await fill(open_tier(), range(2))
    change(path, "UPDATE pictures SET frame = ?, day = ? WHERE seq = 1", value, value)
    tier = open_tier()
    assert await present(tier, range(2)) == [1]
    assert tier.figures().damaged == 1
