"""Facts about the nursery and a service that ends without a word."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from tests.adapters.decoding.conftest import MEASURED, ROGUE, running
from tests.adapters.decoding.samples import sample

from emoticon.adapters.decoding.orders import BEAR, KILL, ORDER, READY, REPORT

SERVICE = """
import asyncio, json, sys
from pathlib import Path
import psutil
from emoticon.adapters.decoding.decoder import ProcessDecoder

async def main():
    command = json.loads(sys.argv[1])
    others = {"nursery": command} if command else {}
    decoder = ProcessDecoder(deadline_s=60, **others)
    data = Path(sys.argv[2]).read_bytes()
    decoding = asyncio.create_task(decoder.decode(data, None, side_px=64))
    if not command:
        await decoding
    me = psutil.Process()
    while len(me.children(recursive=True)) < (2 if command else 1):
        await asyncio.sleep(0.005)
    print(*(child.pid for child in me.children(recursive=True)), flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@contextmanager
def nursery(conduct: str) -> Iterator[tuple[socket.socket, subprocess.Popen[bytes]]]:
    """A nursery that is ready, and what one says to it."""
    control, theirs = socket.socketpair()
    with theirs:
        command = [sys.executable, str(ROGUE), conduct, str(2**29), "4"]
        process = subprocess.Popen(command, stdin=theirs.fileno())
    with control:
        control.settimeout(60)
        assert report(control) == (READY, 0)
        yield control, process
    assert process.wait(60) == 0


def report(control: socket.socket) -> tuple[int, int]:
    number, status = REPORT.unpack(control.recv(REPORT.size))
    return number, status


def born(control: socket.socket, number: int) -> socket.socket:
    """Let a process be born; return the other end of its connection."""
    ours, theirs = socket.socketpair()
    with theirs:
        socket.send_fds(control, [ORDER.pack(BEAR, number)], [theirs.fileno()])
    ours.settimeout(60)
    return ours


def test_it_tells_how_a_process_ended() -> None:
    with nursery("leave") as (control, _), born(control, 5):
        assert report(control) == (5, 0)


def test_it_kills_a_process_when_it_is_told_to() -> None:
    with nursery("wait") as (control, _), born(control, 5), born(control, 6) as other:
        control.sendall(ORDER.pack(KILL, 5))
        assert report(control) == (5, signal.SIGKILL)
        control.sendall(ORDER.pack(KILL, 6))
        assert other.recv(1) == b""


def test_it_overlooks_a_process_that_has_ended_already() -> None:
    with nursery("leave") as (control, _), born(control, 5):
        assert report(control) == (5, 0)
        control.sendall(ORDER.pack(KILL, 5))
        with born(control, 6):
            assert report(control) == (6, 0)


def test_when_nobody_speaks_to_it_any_more_it_ends_its_processes() -> None:
    with nursery("wait") as (control, process):
        connections = [born(control, number) for number in range(1, 4)]
        until_born(process, 3)
    for connection in connections:
        with connection:
            assert connection.recv(1) == b""


def until_born(process: subprocess.Popen[bytes], count: int) -> None:
    give_up_at = time.monotonic() + 60
    while len(psutil.Process(process.pid).children()) < count:
        assert time.monotonic() < give_up_at
        time.sleep(0.005)


def left_after_kill(tmp_path: Path, command: list[str]) -> tuple[int, list[psutil.Process]]:
    """Kill a service with a nursery; return how many processes it had, and those that outlived it."""
    picture = tmp_path / "picture"
    picture.write_bytes(sample("png"))
    service = subprocess.Popen(
        [sys.executable, "-c", SERVICE, json.dumps(command), str(picture)],
        # Not measured, for what is killed while it writes leaves half a file.
        env={name: value for name, value in os.environ.items() if name not in MEASURED},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert service.stdout is not None
    processes = [psutil.Process(int(number)) for number in service.stdout.readline().split()]
    service.send_signal(signal.SIGKILL)
    service.communicate()
    give_up_at = time.monotonic() + 20
    while (alive := [process for process in processes if running(process)]) and (
        time.monotonic() < give_up_at
    ):
        time.sleep(0.005)
    return len(processes), alive


def test_an_idle_nursery_ends_with_the_service(tmp_path: Path) -> None:
    assert left_after_kill(tmp_path, []) == (1, [])


def test_a_process_with_a_picture_ends_with_the_service(tmp_path: Path) -> None:
    assert left_after_kill(tmp_path, [sys.executable, str(ROGUE), "wait"]) == (2, [])
