"""What caches of various kinds and sizes would make of requests that were really made."""

from emoticon.domain.simulation.comparison import MEMORY_SHARE, POLICIES, Comparison
from emoticon.domain.simulation.optimum import Optimum
from emoticon.domain.simulation.policies import Combined, Policy, Single
from emoticon.domain.simulation.runs import Outcome, run
from emoticon.domain.simulation.stores import Least, Store
from emoticon.domain.simulation.traces import MOST_REQUESTS, Recorder, Trace, name_of
from emoticon.domain.simulation.valkey import ValkeyLfu

__all__ = [
    "MEMORY_SHARE",
    "MOST_REQUESTS",
    "POLICIES",
    "Combined",
    "Comparison",
    "Least",
    "Optimum",
    "Outcome",
    "Policy",
    "Recorder",
    "Single",
    "Store",
    "Trace",
    "ValkeyLfu",
    "name_of",
    "run",
]
