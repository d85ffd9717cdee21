"""A trace through a policy, and what comes of it."""

from collections.abc import Mapping
from dataclasses import dataclass

from emoticon.domain.simulation.policies import Policy
from emoticon.domain.simulation.traces import Trace


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a policy did with all requests; estimated from the sample when the trace is one."""

    requests: int
    drawings: int
    hits: Mapping[str, int]
    """By tier."""
    inserts: Mapping[str, int]
    evictions: Mapping[str, int]
    used_bytes: Mapping[str, int]
    """At the end."""

    @property
    def hit_ratio(self) -> float:
        """The share of requests that needed no drawing."""
        return 1 - self.drawings / self.requests if self.requests else 0.0


def run(trace: Trace, policy: Policy, *, warm_up: int = 0) -> Outcome:
    """Play the requests in their order; those before number `warm_up` count for nothing but the state they leave.

    A sample is off mostly by how many of the requests are for its few most popular pictures, which every cache has;
    so misses are scaled and the rest are hits of the first tier (the adjustment of the SHARDS paper).
    """
    tiers = policy.tiers
    counts = dict.fromkeys([*tiers, ""], 0)
    begun = dict.fromkeys(tiers, (0, 0))
    for at, (key, minute) in enumerate(zip(trace.keys, trace.minutes, strict=True)):
        if at == warm_up:
            counts = dict.fromkeys(counts, 0)
            begun = {name: (store.inserts, store.evictions) for name, store in tiers.items()}
        counts[policy.ask(key, minute)] += 1
    scale = 1 / trace.rate
    requests = max(0, trace.total - round(warm_up * scale))
    misses = {name: min(requests, round(count * scale)) for name, count in counts.items()}
    first, *others = tiers
    drawings = misses[""]
    hits = {name: misses[name] for name in others}
    hits = {first: max(0, requests - drawings - sum(hits.values())), **hits}
    return Outcome(
        requests,
        drawings,
        hits,
        {name: round((store.inserts - begun[name][0]) * scale) for name, store in tiers.items()},
        {name: round((store.evictions - begun[name][1]) * scale) for name, store in tiers.items()},
        {name: round(store.used_bytes * scale) for name, store in tiers.items()},
    )
