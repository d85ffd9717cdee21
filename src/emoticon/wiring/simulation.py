"""The memory tier for the simulator, which is plain Python and cannot have the real cache by itself."""

from collections.abc import Sequence

from typing_extensions import override

from emoticon.adapters.tiers.memory import ENTRY_BYTES
from emoticon.adapters.tiers.tinylfu import TinyLfu
from emoticon.domain.simulation import Store


class MemoryStore(Store):
    """The cache of the memory tier, with its weights, holding sizes instead of pictures.

    Its choices differ a little from run to run: it hashes with a secret of the process.
    """

    def __init__(self, capacity_bytes: int, body_bytes: Sequence[int]) -> None:
        self._body_bytes = body_bytes
        self._cache = TinyLfu[int, int](capacity_bytes, _weight)
        self.inserts = 0

    @override
    def get(self, key: int, minute: int) -> bool:
        return self._cache.get(key) is not None

    @override
    def put(self, key: int, minute: int) -> None:
        self.inserts += 1
        self._cache.put(key, self._body_bytes[key])

    @property
    @override
    def used_bytes(self) -> int:
        return self._cache.used_bytes

    @property
    @override
    def evictions(self) -> int:
        return self.inserts - len(self._cache)


def _weight(_key: int, body_bytes: int) -> int:
    return body_bytes + ENTRY_BYTES
