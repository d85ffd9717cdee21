"""Shared tiers for tests, and the hashes behind them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from tests.adapters.tiers.drawings import key_of

from emoticon.adapters.tiers.shared import PREFIX, SharedTier
from emoticon.domain.errors import TierUnavailable
from emoticon.domain.keeping import Kept, Label
from emoticon.domain.ports import OuterTier

OpenShared = Callable[..., SharedTier]

AGES_S = 10.0
"""All the time that it needs."""


def label_of(number: int, owner: int = 1) -> Label:
    return Label(key_of(number), owner, 7)


def hash_of(owner: int) -> str:
    return f"{PREFIX}{owner}"


async def all_of(tier: OuterTier) -> list[Kept]:
    return [kept async for batch in tier.walk() for kept in batch]


@contextmanager
def unavailable(kind: str = "") -> Iterator[None]:
    """State that the body raises TierUnavailable, with this kind of error."""
    with pytest.raises(TierUnavailable, match=f"A cache cannot be reached: {kind}"):
        yield
