"""How long a cached picture takes while 32 clients sign in, beside the same service idle."""

import asyncio
import time
from statistics import median

from bench.report import Report, percentile
from bench.service import Connection, emoticon, running_service, sign_in, sign_up

ROUNDS = 3
ROUND_S = 10.0
CLIENTS = 32
PICTURES_PER_S = 200
CONNECTIONS = 8


async def pictures(port: int, wanted: bytes, seconds: float) -> list[float]:
    """Ask at a steady rate and return each latency in ms, counted from the planned time (open loop)."""
    free: asyncio.Queue[Connection] = asyncio.Queue()
    connections = [await Connection.open(port) for _ in range(CONNECTIONS)]
    for connection in connections:
        free.put_nowait(connection)
    latencies_ms: list[float] = []

    async def ask(planned: float) -> None:
        connection = await free.get()
        status, _ = await connection.exchange(wanted)
        latencies_ms.append((time.perf_counter() - planned) * 1000)
        free.put_nowait(connection)
        if status != 200:  # noqa: PLR2004
            raise RuntimeError(f"a picture answered {status}")

    began = time.perf_counter()
    asked = []
    for number in range(int(seconds * PICTURES_PER_S)):
        planned = began + number / PICTURES_PER_S
        await asyncio.sleep(max(0.0, planned - time.perf_counter()))
        asked.append(asyncio.create_task(ask(planned)))
    await asyncio.gather(*asked)
    for connection in connections:
        connection.close()
    return latencies_ms


async def sign_in_until(port: int, username: str, stop: asyncio.Event) -> tuple[int, int]:
    """Sign in again and again; return how often it went well and how often the queue was full."""
    connection = await Connection.open(port)
    done = refused = 0
    while not stop.is_set():
        status, _ = await connection.exchange(sign_in(username))
        if status == 200:  # noqa: PLR2004
            done += 1
        else:
            refused += 1
            await asyncio.sleep(0.1)
    connection.close()
    return done, refused


async def measure(port: int) -> list[list[float]]:
    """Alternate idle and loaded rounds; each row is idle p50, p99, loaded p50, p99, sign-ins/s, refused/s."""
    connection = await Connection.open(port)
    _, answer = await connection.exchange(sign_up("watcher"))
    wanted = emoticon("watcher", answer)
    for number in range(CLIENTS):
        await connection.exchange(sign_up(f"client-{number}"))
    await pictures(port, wanted, 2)
    rows = []
    for _ in range(ROUNDS):
        idle = await pictures(port, wanted, ROUND_S)
        stop = asyncio.Event()
        clients = [
            asyncio.create_task(sign_in_until(port, f"client-{number}", stop))
            for number in range(CLIENTS)
        ]
        await asyncio.sleep(0.5)
        loaded = await pictures(port, wanted, ROUND_S)
        stop.set()
        counts = await asyncio.gather(*clients)
        seconds = ROUND_S + 0.5
        rows.append(
            [
                *(percentile(idle, 0.5), percentile(idle, 0.99)),
                *(percentile(loaded, 0.5), percentile(loaded, 0.99)),
                *(sum(column) / seconds for column in zip(*counts, strict=True)),
            ]
        )
    connection.close()
    return rows


def run() -> Report:
    """Measure with a service of its own."""
    with running_service() as port:
        rows = asyncio.run(measure(port))
    ratios = [row[3] / row[1] for row in rows]
    shown = [[f"{value:.1f}" for value in row] for row in rows]
    table = [
        [str(number), *row, f"{ratio:.1f}"]
        for number, (row, ratio) in enumerate(zip(shown, ratios, strict=True), 1)
    ]
    table.append(
        [
            "median",
            *(f"{median(column):.1f}" for column in zip(*rows, strict=True)),
            f"{median(ratios):.1f}",
        ]
    )
    return Report(
        "A cached picture while 32 clients sign in",
        f"Embedded mode, one process. {PICTURES_PER_S} pictures a second, open loop over {CONNECTIONS} connections,"
        f" {ROUND_S:.0f} s idle and {ROUND_S:.0f} s with {CLIENTS} clients that sign in without pause, alternating."
        " Latency in ms. The target is a ratio of at most 4; the client shares the cores with the service.",
        [
            "round",
            "idle p50",
            "idle p99",
            "loaded p50",
            "loaded p99",
            "sign-ins/s",
            "refused/s",
            "p99 ratio",
        ],
        table,
    )


if __name__ == "__main__":
    print(run().markdown())
