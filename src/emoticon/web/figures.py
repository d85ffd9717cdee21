"""What is counted, as Prometheus reads it. Every name is in docs/metrics.md; no label names an account."""

from collections.abc import Iterable, Mapping
from typing import Final

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from typing_extensions import override

from emoticon.domain.models import Format
from emoticon.domain.services import Services
from emoticon.domain.traffic import RESULTS

MEDIA_TYPE: Final = CONTENT_TYPE_LATEST
_DRAWN: Final = {
    "emoticon_drawings": "Pictures drawn",
    "emoticon_drawing_seconds": "Time spent on drawing",
}


def text(services: Services) -> bytes:
    """Return all figures of this process in the text format."""
    registry = CollectorRegistry()
    registry.register(_Tiers(services))
    for collector in (ProcessCollector, PlatformCollector, GCCollector):
        collector(registry=registry)
    return generate_latest(registry)


class _Tiers(Collector):
    """Reads the counts of the tiers when it is asked."""

    def __init__(self, services: Services) -> None:
        self._services = services

    @override
    def collect(self) -> Iterable[Metric]:
        tiers = self._services.emoticons.tiers
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
        yield _gauge(
            "emoticon_hit_ratio", "Pictures that were not drawn, of all", traffic.hit_ratio
        )
        by_format: dict[str, Mapping[Format, float]] = {
            "emoticon_drawings": traffic.drawings,
            "emoticon_drawing_seconds": traffic.drawing_s,
        }
        for name, counts in by_format.items():
            values = {drawn.value: count for drawn, count in counts.items()}
            yield _by("format", CounterMetricFamily, name, _DRAWN[name], values)
        for name, about, total in (
            (
                "emoticon_flights_joined",
                "Callers who waited for another one's search",
                traffic.joined,
            ),
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
        yield _by(
            "tier",
            GaugeMetricFamily,
            "emoticon_erasures_pending",
            "Accounts whose pictures are still to go",
            self._services.erasures.pending(),
        )
        yield from self._of_each_tier()

    def _of_each_tier(self) -> Iterable[Metric]:
        tiers = self._services.emoticons.tiers
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
            tier: found.used_bytes
            for tier, found in figures.items()
            if found.used_bytes is not None
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


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(name, about, value)


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
