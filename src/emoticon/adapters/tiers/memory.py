"""The memory tier: the popular pictures of this process, chosen by W-TinyLFU (arXiv:1512.00727)."""

from collections.abc import Sequence

from typing_extensions import override

from emoticon.adapters.tiers.tinylfu import TinyLfu
from emoticon.domain.keeping import Label, TierFigures
from emoticon.domain.models import Picture
from emoticon.domain.ports import Tier

ENTRY_BYTES = 800
"""What an entry costs beside its body: two digests, the objects around them, the cache's own bookkeeping, its owner.

Growth of the resident set per entry, less the body, at 20 to 200 thousand entries of 300, 1000 and 3352 random bytes:
717 to 776 when every owner has one, 810 to 873 when every owner has two, with CPython 3.11 and moka-py 0.5. Filled far
past a capacity of 200 MB, the process grew by 1.03 to 1.05 times that.
"""


class MemoryTier(Tier):
    """Keeps at most `max_bytes`, bodies and ENTRY_BYTES each. May forget a picture at once for more popular ones."""

    def __init__(self, max_bytes: int) -> None:
        self._owners = _Owners()
        # A listener that knew this tier would keep it for ever: the garbage collector cannot look into the cache.
        self._pictures = TinyLfu[bytes, Picture](max_bytes, _weight, self._owners.gone)
        self._writes = 0

    @property
    @override
    def name(self) -> str:
        return "memory"

    @override
    async def get(self, label: Label) -> Picture | None:
        return self._pictures.get(label.key)

    @override
    async def put(self, label: Label, picture: Picture) -> None:
        self._writes += 1
        self._owners.note(label.key, label.owner)
        self._pictures.put(label.key, picture)

    @override
    async def forget(self, owners: Sequence[int]) -> int:
        keys = [key for owner in set(owners) for key in self._owners.keys_of(owner)]
        for key in keys:
            self._pictures.remove(key)
        return len(keys)

    @override
    def figures(self) -> TierFigures:
        return TierFigures(
            writes=self._writes,
            evicted=self._owners.evicted,
            used_bytes=self._pictures.used_bytes,
        )

    @override
    async def aclose(self) -> None:
        self._pictures.clear()


class _Owners:
    """Whose the pictures are. Most owners have one, which is kept without a set around it: that would be 216 bytes."""

    def __init__(self) -> None:
        self._owner_of: dict[bytes, int] = {}
        self._keys_of: dict[int, bytes | set[bytes]] = {}
        self.evicted = 0

    def keys_of(self, owner: int) -> Sequence[bytes]:
        """Return all keys of an owner."""
        keys = self._keys_of.get(owner, set())
        return [keys] if isinstance(keys, bytes) else list(keys)

    def note(self, key: bytes, owner: int) -> None:
        """Say that the key is from now on this owner's, 0 for nobody's."""
        if self._owner_of.get(key, 0) == owner:
            return
        self.drop(key)
        if not owner:
            return
        self._owner_of[key] = owner
        keys = self._keys_of.setdefault(owner, key)
        if isinstance(keys, set):
            keys.add(key)
        elif keys != key:
            self._keys_of[owner] = {keys, key}

    def gone(self, key: bytes, _picture: Picture, cause: str) -> None:
        """Hear what has left the cache; called within the call that made it go, also for what was not let in."""
        if cause != "replaced":
            self.drop(key)
        if cause == "size":
            self.evicted += 1

    def drop(self, key: bytes) -> None:
        """Forget a key; one that nobody has is no mistake."""
        owner = self._owner_of.pop(key, 0)
        keys = self._keys_of.get(owner)
        if isinstance(keys, set) and len(keys) > 1:
            keys.remove(key)
        elif keys:
            del self._keys_of[owner]


def _weight(_key: bytes, picture: Picture) -> int:
    return len(picture.body) + ENTRY_BYTES
