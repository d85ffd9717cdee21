"""How long a start takes until the first picture, and what the process then weighs."""

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from statistics import median

import psutil

from bench.report import Report
from bench.service import Connection, emoticon, sign_up

ROUNDS = 5
BASELINE = "import fastapi, uvicorn, sqlalchemy.ext.asyncio, pydantic_settings"


async def first_picture(port: int) -> None:
    """Sign up and fetch."""
    connection = await Connection.open(port)
    _, answer = await connection.exchange(sign_up("ann"))
    status, _ = await connection.exchange(emoticon("ann", answer))
    connection.close()
    if status != 200:  # noqa: PLR2004
        raise RuntimeError(f"the picture answered {status}")


def once(data: str) -> tuple[float, float, float]:
    """Return ms until the address is announced, ms until the first picture, and the RSS in MB after it."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "emoticon", "serve", "--port", "0"],
        env={**os.environ, "EMOTICON_DATA_DIR": data},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None  # noqa: S101 - for the type checker
        port = int(process.stdout.readline().rpartition(":")[2])
        announced = time.perf_counter()
        asyncio.run(first_picture(port))
        drawn = time.perf_counter()
        weight_mb = psutil.Process(process.pid).memory_info().rss / 1e6
    finally:
        process.terminate()
        process.communicate()
    return (announced - began) * 1000, (drawn - began) * 1000, weight_mb


def imports() -> float:
    """Return ms that Python takes to import the frameworks alone."""
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", BASELINE], check=True)
    return (time.perf_counter() - began) * 1000


def run() -> Report:
    """Alternate baseline and start, each time with an empty data directory."""
    rows = []
    for _ in range(ROUNDS):
        with tempfile.TemporaryDirectory() as data:
            rows.append((imports(), *once(data)))
    columns = list(zip(*rows, strict=True))
    middle = [f"{median(column):.0f}" for column in columns]
    spread = [f"{min(column):.0f}..{max(column):.0f}" for column in columns]
    return Report(
        "From `emoticon serve` to the first picture",
        f"Embedded mode with an empty data directory, {ROUNDS} rounds; the baseline is Python importing the frameworks"
        " and nothing else. The first picture includes a sign-up. The targets are 2000 ms and 150 MB.",
        ["", "imports alone, ms", "address announced, ms", "first picture, ms", "RSS, MB"],
        [["median", *middle], ["range", *spread]],
    )


if __name__ == "__main__":
    print(run().markdown())
