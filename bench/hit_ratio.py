"""Hit ratios of the memory tier, and of memory and shared tier together, beside what they are measured by.

The memory tier's cache and admission are the service's own, Valkey's eviction is a model of its source: its counters
decay by the minute, and a replay in real time would take weeks. Minutes are those of the requests.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from statistics import median

from bench.report import Report
from bench.traces import zipf
from emoticon.adapters.tiers.memory import ENTRY_BYTES
from emoticon.domain.prices import MONTH_S, VALKEY_ENTRY_BYTES, Prices
from emoticon.domain.simulation import (
    Comparison,
    Least,
    Optimum,
    Outcome,
    Single,
    Trace,
)
from emoticon.domain.simulation import (
    run as play,
)
from emoticon.wiring.simulation import MemoryStore

PICTURES = 50_000
REQUESTS = 600_000
WARM_UP = 200_000
SEEDS = (1, 2, 3)
A_MONTH = PICTURES * 10 / (MONTH_S / 60)
AN_HOUR = PICTURES / 60
RATES = {"10 a month": A_MONTH, "1 an hour": AN_HOUR}
DECAYS = (60, 1440)


def memory_tier(trace: Trace) -> tuple[float, float, float]:
    """Return hit ratios of the memory tier, LRU and the optimum, with room for 1 % of the pictures."""
    weights = trace.weights(ENTRY_BYTES)
    room = sum(weights) * PICTURES // len(weights) // 100
    stores = (
        MemoryStore(room, trace.body_bytes),
        Least(room, weights),
        Optimum(room, weights, trace),
    )
    ours, lru, best = (play(trace, Single("memory", store), warm_up=WARM_UP) for store in stores)
    return ours.hit_ratio, lru.hit_ratio, best.hit_ratio


def both_tiers(trace: Trace, share: float, decay_minutes: int) -> tuple[Outcome, Outcome]:
    """Return what memory and shared tier do, and Valkey alone, in RAM for this share of the pictures."""
    comparison = Comparison(
        trace,
        MemoryStore,
        Prices(),
        draw_ms=3.3,
        span_s=MONTH_S,
        disk_bytes=0,
        decay_minutes=decay_minutes,
        warm_up=WARM_UP,
    )
    weights = trace.weights(VALKEY_ENTRY_BYTES)
    ram_bytes = round(share * PICTURES * sum(weights) / len(weights))
    return comparison.run("combined", ram_bytes), comparison.run(f"lfu-{decay_minutes}", ram_bytes)


def run() -> Report:
    """Simulate in this process; two minutes."""
    memory: list[tuple[float, float, float]] = []
    both: dict[tuple[float, str, int], list[tuple[Outcome, Outcome]]] = {}
    for seed in SEEDS:
        trace = zipf(pictures=PICTURES, requests=REQUESTS, per_minute=AN_HOUR, seed=seed)
        memory.append(memory_tier(trace))
        for name, rate in RATES.items():
            minutes = [int(at / rate) for at in range(REQUESTS)]
            for share in (0.02, 0.1):
                for decay in DECAYS:
                    found = both_tiers(replace(trace, minutes=minutes), share, decay)
                    both.setdefault((share, name, decay), []).append(found)
    rows = [
        row("memory tier to LRU, room for 1 %", [m / lru for m, lru, _ in memory], ">= 1.20"),
        row(
            "memory tier to the optimum, room for 1 %",
            [m / best for m, _, best in memory],
            ">= 0.80",
        ),
    ]
    for (share, name, decay), pairs in both.items():
        what = f"memory + shared to Valkey alone, room for {share:.0%}, {name}, decay {decay}"
        rows.append(row(f"{what}: hits", each(pairs, lambda it: it.hit_ratio), ">= 1"))
        rows.append(row(f"{what}: inserts", each(pairs, lambda it: it.inserts["shared"]), "<= 0.5"))
    hits = ", ".join(f"{median(column):.3f}" for column in zip(*memory, strict=True))
    return Report(
        "Hit ratios of memory and shared tier",
        f"{REQUESTS} requests for {PICTURES} pictures by Zipf's law with exponent 0.9, of which 10 % are for pictures"
        f" that come once; sizes of real PNGs; seeds {', '.join(map(str, SEEDS))}; the first {WARM_UP} do not count."
        f" Memory tier, LRU and optimum (Belady's, which may refuse) weigh alike and hit {hits}. Valkey alone"
        " (allkeys-lfu, 10 samples) gets every picture that was drawn and needs less room for each; of the same RAM the"
        " memory tier has a tenth. Rates are requests for each picture, `lfu-decay-time` is in minutes, which are"
        " simulated.",
        ["", "median", "range", "target"],
        rows,
    )


def each(
    pairs: Sequence[tuple[Outcome, Outcome]], figure: Callable[[Outcome], float]
) -> Sequence[float]:
    """Return the figure of ours to that of Valkey alone."""
    return [figure(ours) / figure(alone) for ours, alone in pairs]


def row(what: str, ratios: Sequence[float], target: str) -> list[str]:
    """Return a row of the table."""
    return [what, f"{median(ratios):.3f}", f"{min(ratios):.3f}..{max(ratios):.3f}", target]


if __name__ == "__main__":
    print(run().markdown())
