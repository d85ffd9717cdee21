"""A nursery whose processes misbehave, as if a picture had taken them over: `rogue.py CONDUCT MEMORY_BYTES CPU_S`."""

import os
import signal
import socket
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial

from emoticon.adapters.decoding.confinement import Limits, confine, end_with
from emoticon.adapters.decoding.nursery import Nursery


def burn(limits: Limits) -> None:
    confine(limits)
    while True:
        pass


def hoard(limits: Limits) -> None:
    confine(limits)
    hoarded = []
    while True:
        hoarded.append(bytearray(b"x" * 2**20))


def write(limits: Limits) -> None:
    """Write into a file that was open before."""
    with tempfile.TemporaryFile(buffering=0) as file:
        confine(limits)
        file.write(b"x")
        os._exit(0)


def wait(limits: Limits) -> None:
    confine(limits)
    signal.pause()


def break_down(limits: Limits) -> None:
    confine(limits)
    os.abort()


def leave(limits: Limits) -> None:
    """End well, without an answer."""
    confine(limits)
    os._exit(0)


def chatter(limits: Limits) -> None:
    """Answer without end."""
    confine(limits)
    connection = socket.socket(fileno=0)
    while True:
        connection.sendall(bytes(2**20))


def tell(answer: bytes, limits: Limits) -> None:
    confine(limits)
    connection = socket.socket(fileno=0)
    while connection.recv(2**20):
        pass
    connection.sendall(answer)
    os._exit(0)


CONDUCT: dict[str, Callable[[Limits], None]] = {
    "burn": burn,
    "hoard": hoard,
    "write": write,
    "wait": wait,
    "break-down": break_down,
    "leave": leave,
    "chatter": chatter,
    "tell-page": partial(tell, b"\0<script>alert(1)</script>"),
    "tell-large": partial(tell, b"\0" + struct.pack("!HB", 600, 3) + bytes(3 * 600**2)),
    "tell-small": partial(tell, b"\0" + struct.pack("!HB", 8, 3) + bytes(3 * 8**2)),
    "tell-short": partial(tell, b"\0" + struct.pack("!HB", 64, 3) + bytes(100)),
    "tell-deep": partial(tell, b"\0" + struct.pack("!HB", 64, 40) + bytes(40 * 64**2)),
    "tell-number": partial(tell, b"\xfe"),
}


if __name__ == "__main__":
    end_with(os.getppid())
    if sys.argv[1] == "hang":
        time.sleep(60)
    with socket.socket(fileno=0) as control:
        limits = Limits(int(sys.argv[2]), int(sys.argv[3]), files=64)
        Nursery(control, partial(CONDUCT[sys.argv[1]], limits)).run()
