"""Policies of one size beside each other, and what they cost by the month."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from emoticon.domain.admission import Admission
from emoticon.domain.prices import (
    DISK_FACTOR,
    MONTH_S,
    SHARED_ENTRY_BYTES,
    VALKEY_ENTRY_BYTES,
    Bill,
    Prices,
    bill,
    cpu_s,
)
from emoticon.domain.simulation.optimum import Optimum
from emoticon.domain.simulation.policies import Combined, Policy, Single
from emoticon.domain.simulation.runs import Outcome, run
from emoticon.domain.simulation.stores import Least, Store
from emoticon.domain.simulation.traces import Trace
from emoticon.domain.simulation.valkey import DECAY_MINUTES, ValkeyLfu

MEMORY_SHARE: Final = 0.1


@dataclass(frozen=True, slots=True)
class Comparison:
    """What is the same for all policies.

    Args:
        memory: makes the memory tier of a capacity in bytes for pictures with bodies of these bytes.
        memory_share: how much of the RAM the combined policy gives to memory; the rest is the shared tier's.
        disk_bytes: what it may keep on disk; None is without a limit, 0 without a disk.
        decay_minutes: `lfu-decay-time` of its shared tier.
        draw_ms: CPU time of a drawing.
        span_s: how long the requests took in reality.
        warm_up: how many requests of the trace go before those that count.
    """

    trace: Trace
    memory: Callable[[int, Sequence[int]], Store]
    prices: Prices
    draw_ms: float
    span_s: float
    memory_share: float = MEMORY_SHARE
    disk_bytes: int | None = None
    decay_minutes: int = DECAY_MINUTES
    warm_up: int = 0

    def run(self, policy: str, ram_bytes: int) -> Outcome:
        """Play all requests through a policy, one of POLICIES; takes seconds for a large trace."""
        capacity = max(1, round(ram_bytes * self.trace.rate))
        return run(self.trace, POLICIES[policy](self, capacity), warm_up=self.warm_up)

    def bill(self, outcome: Outcome, ram_bytes: float) -> Bill:
        """Return what a month like the time of the trace costs."""
        busy_s = cpu_s(outcome.hits, outcome.drawings, self.draw_ms)
        disk_bytes = outcome.used_bytes.get("disk", 0)
        return self._month(ram_bytes, disk_bytes, busy_s)

    def drawing_each_time(self) -> Bill:
        """Return what it costs to keep nothing."""
        return self._month(0, 0, cpu_s({}, self.trace.total, self.draw_ms))

    def all_in_ram(self) -> Bill:
        """Return what it costs to keep everything that was asked for in Valkey, a key each."""
        ram_bytes = self.trace.working_set_bytes + self.trace.pictures * VALKEY_ENTRY_BYTES
        busy_s = cpu_s(
            {"shared": self.trace.total - self.trace.pictures}, self.trace.pictures, self.draw_ms
        )
        return self._month(ram_bytes, 0, busy_s)

    def _month(self, ram_bytes: float, disk_bytes: float, busy_s: float) -> Bill:
        monthly_s = busy_s * MONTH_S / self.span_s
        return bill(self.prices, ram_bytes=ram_bytes, disk_bytes=disk_bytes, cpu_s=monthly_s)

    def combined(self, capacity: int) -> Policy:
        """Return the tiers of this service with so much RAM together."""
        trace = self.trace
        memory_bytes = max(1, round(capacity * self.memory_share))
        weights = trace.weights(SHARED_ENTRY_BYTES)
        outer: dict[str, Store] = {}
        if capacity > memory_bytes:
            shared_bytes = capacity - memory_bytes
            outer["shared"] = ValkeyLfu(shared_bytes, weights, decay_minutes=self.decay_minutes)
        if self.disk_bytes != 0:
            room = None if self.disk_bytes is None else round(self.disk_bytes * trace.rate)
            outer["disk"] = Least(room, trace.weights(0, DISK_FACTOR))
        return Combined(
            trace.names,
            memory=self.memory(memory_bytes, trace.body_bytes),
            outer=outer,
            admission=Admission.beside(memory_bytes),
            draw_ms=self.draw_ms,
        )

    def single(self, store: Callable[[int, Sequence[int]], Store], capacity: int) -> Policy:
        """Return a policy of one store in Valkey, a key for each picture."""
        return Single("shared", store(capacity, self.trace.weights(VALKEY_ENTRY_BYTES)))


def _lfu(decay_minutes: int) -> Callable[[Comparison, int], Policy]:
    def make(to: Comparison, capacity: int) -> Policy:
        return to.single(
            lambda room, weights: ValkeyLfu(room, weights, decay_minutes=decay_minutes), capacity
        )

    return make


POLICIES: Final[Mapping[str, Callable[[Comparison, int], Policy]]] = {
    "lru": lambda to, capacity: to.single(Least, capacity),
    "lfu-1": _lfu(1),
    "lfu-60": _lfu(60),
    "lfu-1440": _lfu(1440),
    "memory": lambda to, capacity: Single("memory", to.memory(capacity, to.trace.body_bytes)),
    "combined": Comparison.combined,
    "optimum": lambda to, capacity: to.single(
        lambda room, weights: Optimum(room, weights, to.trace), capacity
    ),
}
"""LRU; Valkey alone with its `lfu-decay-time` in minutes; the memory tier alone; all tiers together; the optimum."""
