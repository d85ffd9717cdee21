"""What is counted, as Prometheus reads it. Every name is in docs/metrics.md; no label names an account."""

import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from emoticon.domain.models import Format
from emoticon.domain.services import Services
from emoticon.domain.tiers import Tiers
from emoticon.domain.traffic import RESULTS
from emoticon.domain.upstream_traffic import UpstreamTraffic
from emoticon.web.request_figures import of_requests
from emoticon.web.requests import Requests

_DRAWN: Final = {
    "emoticon_drawings": "Pictures drawn",
    "emoticon_drawing_seconds": "Time spent on drawing",
}


def collect(services: Services, requests: Requests, data_dir: Path) -> list[Metric]:
    """Return all figures of this process."""
    registry = CollectorRegistry()
    registry.register(_Own(services, requests, data_dir))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return list(registry.collect())


class _Own(Collector):
    """Reads what was counted when it is asked."""

    def __init__(self, services: Services, requests: Requests, data_dir: Path) -> None:
        self._services = services
        self._requests = requests
        self._data_dir = data_dir

    @override
    def collect(self) -> Iterable[Metric]:
        tiers = self._services.emoticons.tiers
        yield from of_requests(self._requests)
        yield from self._of_tokens()
        asked = self._services.publishing.asked
        yield from _of_traffic(tiers, 0 if asked is None else asked.hits)
        yield from _of_each_tier(tiers)
        yield _by(
            "tier",
            GaugeMetricFamily,
            "emoticon_erasures_pending",
            "Accounts whose pictures are still to go",
            self._services.erasures.pending(),
        )
        pending = {name: pool.pending for name, pool in self._services.pools.items()}
        yield _by("pool", GaugeMetricFamily, "emoticon_pool_pending", "Calls under way", pending)
        if self._services.upstream is not None:
            yield from _of_upstream(self._services.upstream)
        disk = shutil.disk_usage(self._data_dir)
        yield GaugeMetricFamily("emoticon_disk_free_bytes", "Room for the data", disk.free)
        yield GaugeMetricFamily("emoticon_disk_size_bytes", "Room in all", disk.total)

    def _of_tokens(self) -> Iterable[Metric]:
        sessions = self._services.sessions
        for name, about, value in (
            (
                "emoticon_floors_age_seconds",
                "Time since the changes of tokens were read",
                sessions.identities.floors.age_s,
            ),
            (
                "emoticon_bulletin_heard",
                "1 while other nodes' changes are heard at once",
                float(sessions.revocation.heard),
            ),
            (
                "emoticon_verified_tokens",
                "Tokens that need no check",
                float(len(sessions.identities.verified)),
            ),
        ):
            yield GaugeMetricFamily(name, about, value)


def _of_traffic(tiers: Tiers, edge_hits: int) -> Iterable[Metric]:
    traffic = tiers.figures()
    lookups = CounterMetricFamily(
        "emoticon_tier_lookups", "Searches in a tier", labels=["tier", "result"]
    )
    # Whatever did not happen yet is 0: a series that begins with its first event hides it from `rate`.
    found = traffic.lookups
    for tier in (tiers.memory, *tiers.outer):
        for result in RESULTS:
            lookups.add_metric([tier.name, result], found.get((tier.name, result), 0))
    yield lookups
    hits = edge_hits + sum(count for (_, result), count in found.items() if result == "hit")
    yield GaugeMetricFamily(
        "emoticon_hit_ratio",
        "Pictures that were not drawn, of all",
        hits / max(1, hits + sum(traffic.drawings.values())),
    )
    by_format: dict[str, Mapping[Format, float]] = {
        "emoticon_drawings": traffic.drawings,
        "emoticon_drawing_seconds": traffic.drawing_s,
    }
    for name, counts in by_format.items():
        values = {drawn.value: count for drawn, count in counts.items()}
        yield _by("format", CounterMetricFamily, name, _DRAWN[name], values)
    for name, about, total in (
        ("emoticon_edge_hits", "Answers that were published before", edge_hits),
        ("emoticon_flights_joined", "Callers who waited for another one's search", traffic.joined),
        ("emoticon_saved_cpu_seconds", "Drawing that hits have saved, about", traffic.saved_s),
        ("emoticon_failures_repeated", "Callers told of a failed drawing", traffic.refused),
        ("emoticon_deliveries_dropped", "Pictures not sent to a tier", traffic.dropped),
        ("emoticon_puts_barred", "Pictures erased before they were kept", traffic.barred),
        ("emoticon_turns_lost", "Drawings that waited for another node", traffic.turns_lost),
        ("emoticon_turns_waited_out", "Those made here after all", traffic.turns_waited_out),
    ):
        yield CounterMetricFamily(name, about, total)
    yield _by(
        "tier",
        CounterMetricFamily,
        "emoticon_tier_promotions",
        "Pictures found worth a place in a tier",
        {tier.name: traffic.promotions.get(tier.name, 0) for tier in tiers.outer},
    )


def _of_upstream(traffic: UpstreamTraffic) -> Iterable[Metric]:
    yield _by(
        "outcome",
        CounterMetricFamily,
        "emoticon_upstream_drawings",
        "Pictures wanted of the upstream generator",
        traffic.drawings,
    )
    yield CounterMetricFamily("emoticon_upstream_retries", "Second requests", traffic.retries)
    yield GaugeMetricFamily(
        "emoticon_upstream_available",
        "1 while it is asked, 0 while it is left alone after failures",
        int(traffic.available),
    )


def _of_each_tier(tiers: Tiers) -> Iterable[Metric]:
    figures = {tier.name: tier.figures() for tier in (tiers.memory, *tiers.outer)}
    for name, about, counted in (
        ("emoticon_tier_writes", "Pictures written", "writes"),
        ("emoticon_tier_dropped", "Pictures not written", "dropped"),
        ("emoticon_tier_evictions", "Pictures pushed out", "evicted"),
        ("emoticon_tier_damaged", "Pictures that were not as they were written", "damaged"),
    ):
        counts = {tier: getattr(found, counted) for tier, found in figures.items()}
        yield _by("tier", CounterMetricFamily, name, about, counts)
    used = {
        tier: found.used_bytes for tier, found in figures.items() if found.used_bytes is not None
    }
    yield _by("tier", GaugeMetricFamily, "emoticon_tier_bytes", "Room that it takes", used)
    available = {tier: int(found.available) for tier, found in figures.items()}
    yield _by(
        "tier",
        GaugeMetricFamily,
        "emoticon_tier_available",
        "1 while it is asked, 0 while it is left alone after failures",
        available,
    )


def _by(
    label: str,
    kind: type[CounterMetricFamily] | type[GaugeMetricFamily],
    name: str,
    about: str,
    values: Mapping[str, float],
) -> Metric:
    family = kind(name, about, labels=[label])
    for value, count in values.items():
        family.add_metric([value], count)
    return family
