"""The simulator's model of Valkey beside a real one."""

from pathlib import Path

import pytest
from redis import Redis
from tests.domain.traces import popular, trace_of
from tests.valkey import ValkeyServer

from emoticon.domain.simulation import Single, ValkeyLfu, run
from emoticon.domain.simulation.valkey import SAMPLES

SETTINGS = f"""
maxmemory-policy allkeys-lfu
maxmemory-samples {SAMPLES}
lfu-decay-time 60
maxmemory 8mb
"""
PICTURES = 10_000


def test_it_hits_as_often_as_the_real_one(tmp_path: Path) -> None:
    keys = popular(40_000, PICTURES)
    server = ValkeyServer(tmp_path, SETTINGS)
    server.start()
    try:
        with Redis.from_url(server.url) as valkey:
            hits = 0
            for key in keys:
                if valkey.get(str(key)) is None:
                    valkey.set(str(key), b"x" * 3352)
                else:
                    hits += 1
            found = valkey.dbsize()
    finally:
        server.stop()
    assert isinstance(found, int)
    assert 0.05 * PICTURES < found < 0.5 * PICTURES, "it had to evict"
    trace = trace_of(keys, minutes=[0] * len(keys))
    model = ValkeyLfu(found * 1000, trace.weights(0), decay_minutes=60)
    assert run(trace, Single("it", model)).hit_ratio == pytest.approx(hits / len(keys), abs=0.02)
