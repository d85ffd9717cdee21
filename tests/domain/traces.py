"""Made-up requests for the simulator."""

import random
from array import array
from collections.abc import Sequence
from itertools import accumulate

from emoticon.domain.simulation import Trace, name_of

BODY_BYTES = 1000


def trace_of(
    keys: Sequence[int], sizes: Sequence[int] | None = None, minutes: Sequence[int] | None = None
) -> Trace:
    """Return requests for pictures by their numbers, a minute between two, all of one size by default."""
    count = max(keys, default=-1) + 1
    return Trace(
        array("I", keys),
        array("I", minutes or range(len(keys))),
        [name_of(str(number), 128, "png") for number in range(count)],
        array("I", sizes or [BODY_BYTES] * count),
        len(keys),
    )


def popular(count: int, pictures: int, seed: int = 1) -> list[int]:
    """Return numbers of pictures by Zipf's law."""
    weights = list(accumulate(rank**-0.9 for rank in range(1, pictures + 1)))
    chance = random.Random(seed)  # noqa: S311 - the same in each run
    return chance.choices(range(pictures), cum_weights=weights, k=count)
