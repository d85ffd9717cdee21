"""`python -m emoticon.adapters.decoding.nursery MEMORY_BYTES CPU_S`: has loaded libvips, and forks for each picture.

Standard input is a socket on which the service says what to do. With the order to bear a process comes a connection
for it; pictures go over those connections, past the nursery. It reports how each process ended. When the service ends,
however that comes about, the nursery ends all of them and itself.
"""

import os
import resource
import selectors
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import partial

from emoticon.adapters.decoding.confinement import Limits, confine, end_first, end_with
from emoticon.adapters.decoding.orders import BEAR, ORDER, READY, REPORT
from emoticon.adapters.decoding.sealing import seal
from emoticon.adapters.decoding.worker import MOST_FILES, serve


class Nursery:
    """Processes by the number that the service has given them."""

    def __init__(self, control: socket.socket, *give_up: Callable[[], None]) -> None:
        self._control = control
        self._give_up: tuple[Callable[[], None], ...] = (
            partial(end_with, os.getpid()),
            *give_up,
        )
        self._processes: dict[int, int] = {}

    def run(self) -> None:
        """Do what is asked until the service is gone, then end what is left."""
        alarm, wakeup = socket.socketpair()
        wakeup.settimeout(0)
        signal.set_wakeup_fd(wakeup.fileno())
        signal.signal(signal.SIGCHLD, lambda *_: None)
        with alarm, wakeup, selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ, self._obey)
            selector.register(alarm, selectors.EVENT_READ, lambda: self._reap(alarm))
            self._report(READY, 0)
            serving = True
            while serving:
                serving = all(key.data() for key, _ in selector.select())
            self._end_all()
            signal.set_wakeup_fd(-1)

    def _obey(self) -> bool:
        """Carry out one order; False when there will be none any more."""
        record = b""
        # A service that has ended with a report unread says so by this error.
        with suppress(ConnectionResetError):
            record, descriptors, *_ = socket.recv_fds(self._control, ORDER.size, 1)
        if not record:
            return False
        order, number = ORDER.unpack(record)
        if order == BEAR:
            with socket.socket(fileno=descriptors[0]) as connection:
                # One expression, for whoever is born must not come back from it.
                self._processes[number] = os.fork() or os._exit(serve(connection, *self._give_up))
        elif number in self._processes:
            os.kill(self._processes[number], signal.SIGKILL)
        return True

    def _reap(self, alarm: socket.socket) -> bool:
        alarm.recv(1)
        for number, process_id in tuple(self._processes.items()):
            ended, status = os.waitpid(process_id, os.WNOHANG)
            if ended:
                del self._processes[number]
                self._report(number, status)
        return True

    def _report(self, number: int, status: int) -> None:
        # A service that has gone does not listen; that it has gone is seen by reading.
        with suppress(BrokenPipeError):
            self._control.sendall(REPORT.pack(number, status))

    def _end_all(self) -> None:
        for process_id in self._processes.values():
            os.kill(process_id, signal.SIGKILL)
            os.waitpid(process_id, 0)


def main(memory_bytes: int, cpu_s: int) -> None:
    """Serve the service at the other end of standard input. Its signals to a whole group are not for the nursery."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_with(os.getppid())
    end_first()
    resource.setrlimit(resource.RLIMIT_NOFILE, (MOST_FILES, MOST_FILES))
    with socket.socket(fileno=sys.stdin.fileno()) as control:
        Nursery(control, partial(confine, Limits(memory_bytes, cpu_s)), seal).run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
