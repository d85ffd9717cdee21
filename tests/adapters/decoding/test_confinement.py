"""Facts about a process that may hold a stranger's picture, asked of real ones."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable

import pytest

from emoticon.adapters.decoding.linux import prctl
from emoticon.adapters.decoding.sealing import seal

_PR_SET_NO_NEW_PRIVS = 38
CONFINED = """
import os, resource, socket, subprocess, sys
from emoticon.adapters.decoding.confinement import Limits, confine, end_first, end_with
from emoticon.adapters.decoding.sealing import seal
end_first()
end_with(os.getppid())
confine(Limits(2**29, 4, **eval(sys.argv[1])))
"""
LAX = "{'file_bytes': 2**30, 'files': 64}"


def said(script: str, limits: str = LAX) -> str:
    """Return what a confined process prints."""
    return subprocess.run(
        [sys.executable, "-c", CONFINED + script, limits],
        check=True,
        capture_output=True,
        text=True,
        env=os.environ,
    ).stdout


ACTS: dict[str, Callable[[], object]] = {
    "open": lambda: open("/proc/self/environ", "rb"),  # noqa: SIM115, PTH123 - it is not opened
    "open a directory": lambda: os.open(".", os.O_RDONLY),
    "socket": socket.socket,
    "socketpair": socket.socketpair,
    "fork": os.fork,
    "exec": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 - it is not started
    "kill": lambda: os.kill(os.getppid(), 0),
    "pidfd_open": lambda: os.pidfd_open(os.getppid()),
    "unlink": lambda: os.unlink("/nowhere"),  # noqa: PTH108 - as the kernel has it
    "getxattr": lambda: os.getxattr("/", "user.x"),
}


@pytest.fixture(scope="module")
def outcomes() -> dict[str, object]:
    """What comes of each act in a sealed thread; one for all, for it cannot be undone."""
    found: dict[str, object] = {}

    def run() -> None:
        prctl(_PR_SET_NO_NEW_PRIVS, 1)
        seal()
        for name, act in ACTS.items():
            try:
                found[name] = act()
            except OSError as error:
                found[name] = type(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    return found


@pytest.mark.parametrize("act", ACTS)
def test_a_sealed_thread_reaches_nothing_outside(outcomes: dict[str, object], act: str) -> None:
    assert outcomes[act] is PermissionError


def test_a_sealed_process_computes_and_has_threads() -> None:
    script = """
import threading
seal()
thread = threading.Thread(target=lambda: print(sum(bytearray(2**20))))
thread.start()
thread.join()
sys.stdout.flush()
os._exit(0)
"""
    assert said(script) == "0\n"


def test_a_machine_that_is_not_known_is_not_sealed() -> None:
    seal("pdp11")
    ours, theirs = socket.socketpair()
    ours.close()
    theirs.close()


def test_a_confined_process_cannot_be_looked_into_nor_gain_rights() -> None:
    status = said("print(open('/proc/self/status').read(), os.stat('/proc/self/mem').st_uid)")
    assert "NoNewPrivs:\t1" in status
    libc = "import ctypes; print(ctypes.CDLL(None).prctl(3, 0, 0, 0, 0))"
    assert said(libc) == "0\n"


def test_a_confined_process_is_nice_and_the_first_to_go() -> None:
    assert said("print(os.nice(0), open('/proc/self/oom_score_adj').read())").split() == [
        "5",
        "1000",
    ]


def test_a_process_whose_parent_has_ended_already_goes_no_further() -> None:
    script = """
try:
    end_with(0)
except ProcessLookupError:
    print("alone")
"""
    assert said(script) == "alone\n"


def test_a_confined_process_leaves_no_core_file() -> None:
    assert said("print(resource.getrlimit(resource.RLIMIT_CORE))") == "(0, 0)\n"


def test_a_confined_process_can_open_nothing_and_write_into_nothing() -> None:
    script = """
os.closerange(3, 64)
for act in (lambda: open("/dev/zero"), lambda: socket.socket()):
    try:
        print(act())
    except OSError as error:
        print(error.errno)
"""
    assert said(script, "{'files': 3}").split() == ["24", "24"]
