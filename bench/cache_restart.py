"""What a restart costs in drawings, with the disk tier of before and with an empty one."""

import asyncio
import re
import secrets
import tempfile
import time
from pathlib import Path

from bench.load import on_fast_loop
from bench.picture_load import CLIENTS, PictureLoad, sign_up_all
from bench.report import Report
from bench.service import Connection, request, running

MEASURED_S = 60.0
_DRAWINGS = re.compile(rb"^emoticon_drawings_total\{[^}]*\} ([0-9.e+]+)", re.MULTILINE)


async def drawings(port: int, token: str) -> int:
    """Return how many pictures the service has drawn since its start."""
    connection = await Connection.open(port)
    _, body = await connection.exchange(request("GET", "/metrics", Authorization=f"Bearer {token}"))
    connection.close()
    return round(sum(float(match[1]) for match in _DRAWINGS.finditer(body)))


async def measure(port: int, token: str, requests: list[bytes]) -> tuple[int, float, float]:
    """Return drawings, pictures a second, and pictures in the first second, of the first minute."""
    load = PictureLoad(port, requests)
    async with load.running():
        began_s = time.perf_counter()
        await asyncio.sleep(MEASURED_S)
        ended_s = time.perf_counter()
    bad = [sample for sample in load.samples if sample.status not in {200, 0}]
    if bad:
        raise RuntimeError(f"{len(bad)} answers were not as expected: {bad[0]}")
    rates = load.per_s(began_s, ended_s), load.per_s(began_s, began_s + 1)
    return await drawings(port, token), *rates


def run() -> Report:
    """Measure three starts of one embedded service, one after the other."""
    token = secrets.token_hex(16)
    settings = {"EMOTICON_METRICS_TOKEN": token}
    rows = []
    with tempfile.TemporaryDirectory() as directory:
        data = Path(directory)
        with running(data, settings) as node:
            requests = on_fast_loop(sign_up_all(node.port))
            rows.append(("first start", on_fast_loop(measure(node.port, token, requests))))
        with running(data, settings) as node:
            rows.append(
                ("restart, disk tier as it was", on_fast_loop(measure(node.port, token, requests)))
            )
        for file in data.glob("pictures.sqlite3*"):
            file.unlink()
        with running(data, settings) as node:
            rows.append(
                ("restart, disk tier empty", on_fast_loop(measure(node.port, token, requests)))
            )
    empty = rows[-1][1][0]
    return Report(
        "Drawings after a restart",
        f"Embedded mode, {CLIENTS} clients that never pause, {len(requests)} pictures (Zipf 0.9), the first"
        f" {MEASURED_S:.0f} s of three starts one after the other with the same accounts.",
        ["", "drawings", "to an empty one", "pictures/s", "in the first second"],
        [
            [name, str(drawn), f"{drawn / empty:.2f}", f"{rate:.0f}", f"{first:.0f}"]
            for name, (drawn, rate, first) in rows
        ],
    )


if __name__ == "__main__":
    print(run().markdown())
