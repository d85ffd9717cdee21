"""The memory tier: the popular pictures of this process, chosen by W-TinyLFU (arXiv:1512.00727)."""

from moka_py import Moka
from typing_extensions import override

from emoticon.domain.models import Picture
from emoticon.domain.ports import Tier

ENTRY_BYTES = 640
"""What an entry costs beside its body: two digests, the objects around them and the cache's own bookkeeping.

Growth of the resident set per entry, less the body, at 20 to 200 thousand entries of 300, 1000 and 3352 random bytes:
548 to 646 with CPython 3.11 and moka-py 0.5. Filled far past a capacity of 200 MB, the
process grew by 1.01 times that.
"""


class MemoryTier(Tier):
    """Keeps at most `max_bytes`, bodies and ENTRY_BYTES each. May forget a picture at once for more popular ones."""

    def __init__(self, max_bytes: int) -> None:
        self._pictures: Moka[bytes, Picture] = Moka(max_bytes, weigher=_weight)

    @property
    @override
    def name(self) -> str:
        return "memory"

    @property
    def used_bytes(self) -> int:
        """What the kept pictures weigh now."""
        return self._pictures.weighted_size()

    @override
    async def get(self, key: bytes) -> Picture | None:
        return self._pictures.get(key)

    @override
    async def put(self, key: bytes, picture: Picture, *, owner: int) -> None:
        self._pictures.set(key, picture)
        # Otherwise up to 64 pictures wait beyond the limit for the next maintenance; half a microsecond more.
        self._pictures.run_pending_tasks()

    @override
    async def aclose(self) -> None:
        self._pictures.clear()
        self._pictures.run_pending_tasks()


def _weight(_key: bytes, picture: Picture) -> int:
    return len(picture.body) + ENTRY_BYTES
