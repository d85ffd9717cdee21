"""Ways to answer a request: from one store, or from the tiers of this service."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from typing_extensions import override

from emoticon.domain.admission import Admission
from emoticon.domain.simulation.stores import Store


class Policy(Protocol):
    """Answers requests for pictures, known by their numbers in a trace."""

    @property
    def tiers(self) -> Mapping[str, Store]:
        """Its stores in the order in which they are asked."""
        ...

    def ask(self, key: int, minute: int) -> str:
        """Return the name of the store that had it; empty when it has to be drawn."""
        ...


class Single(Policy):
    """One store, into which everything goes that it does not have."""

    def __init__(self, name: str, store: Store) -> None:
        self._name = name
        self._store = store

    @property
    @override
    def tiers(self) -> Mapping[str, Store]:
        return {self._name: self._store}

    @override
    def ask(self, key: int, minute: int) -> str:
        if self._store.get(key, minute):
            return self._name
        self._store.put(key, minute)
        return ""


class Combined(Policy):
    """The tiers of this service with its own admission; each of the outer two may be missing.

    Args:
        names: 16 bytes for each picture, by which admission knows it.
        draw_ms: what a drawing takes.
    """

    def __init__(
        self,
        names: Sequence[bytes],
        *,
        memory: Store,
        outer: Mapping[str, Store],
        admission: Admission,
        draw_ms: float,
    ) -> None:
        self._names = names
        self._memory = memory
        self._outer = outer
        self._admission = admission
        self._draw_ms = draw_ms

    @property
    @override
    def tiers(self) -> Mapping[str, Store]:
        return {"memory": self._memory, **self._outer}

    @override
    def ask(self, key: int, minute: int) -> str:
        name = self._names[key]
        if self._memory.get(key, minute):
            self._keep(key, minute, self._admission.again(name))
            return "memory"
        self._memory.put(key, minute)
        for tier, store in self._outer.items():
            if store.get(key, minute):
                self._keep(key, minute, self._admission.found(name, tier))
                return tier
        self._keep(key, minute, self._admission.drawn(name, self._draw_ms))
        return ""

    def _keep(self, key: int, minute: int, places: frozenset[str]) -> None:
        for tier in places:
            if tier in self._outer:
                self._outer[tier].put(key, minute)
