"""The figures of requests, as Prometheus reads them."""

from collections.abc import Iterable
from itertools import accumulate
from typing import Final

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric

from emoticon.web.requests import BUCKETS_S, CLASSES, Requests

_BOUNDS: Final = [*map(str, BUCKETS_S), "+Inf"]


def of_requests(requests: Requests) -> Iterable[Metric]:
    """Yield what was counted of requests."""
    answers = CounterMetricFamily(
        "emoticon_http_requests", "Answers", labels=["route", "method", "status"]
    )
    times = HistogramMetricFamily(
        "emoticon_http_request_seconds", "Time until the answer", labels=["route", "method"]
    )
    for route, method, series in requests.items():
        for status_class, count in zip(CLASSES, series.statuses, strict=True):
            answers.add_metric([route, method, status_class], count)
        buckets = list(zip(_BOUNDS, map(float, accumulate(series.buckets)), strict=True))
        times.add_metric([route, method], buckets=buckets, sum_value=series.total_s)
    yield answers
    yield times
    errors = CounterMetricFamily("emoticon_http_errors", "Answers that said no", labels=["code"])
    for code, count in requests.errors.items():
        errors.add_metric([code], count)
    yield errors
