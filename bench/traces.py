"""Made-up requests whose popularity is like that of real ones."""

import random
from array import array
from collections.abc import Sequence
from itertools import accumulate

from bench.disk_tier import sizes_bytes
from emoticon.domain.simulation import Trace, name_of


def zipf(
    *,
    pictures: int,
    requests: int,
    per_minute: float,
    exponent: float = 0.9,
    one_hit: float = 0.1,
    seed: int = 0,
) -> Trace:
    """Return requests for pictures by Zipf's law; a share of `one_hit` are for others that come only once.

    Bodies have the sizes of real PNGs of 128 px, whatever their popularity.
    """
    chance = random.Random(seed)  # noqa: S311 - the same in each run
    weights = list(accumulate(rank**-exponent for rank in range(1, pictures + 1)))
    keys = array("I", chance.choices(range(pictures), cum_weights=weights, k=requests))
    total = pictures
    for at in range(requests):
        if chance.random() < one_hit:
            keys[at] = total
            total += 1
    minutes = array("I", (int(at / per_minute) for at in range(requests)))
    names = [name_of(f"{seed} {number}", 128, "png") for number in range(total)]
    return Trace(keys, minutes, names, array("I", _sizes(total, chance)), requests)


def _sizes(count: int, chance: random.Random) -> Sequence[int]:
    sizes = sizes_bytes(count)
    chance.shuffle(sizes)
    return sizes
