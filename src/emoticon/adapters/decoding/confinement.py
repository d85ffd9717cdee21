"""What a process gives up before it looks at a stranger's picture.

The limits of processes work everywhere; what Linux alone has is asked for where it is there.
"""

import os
import resource
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from emoticon.adapters.decoding.linux import prctl

_NICENESS: Final = 5
"""Beside a busy thread of the service such a process gets a quarter of a core; with 10 it is a tenth."""
_DIES_FIRST: Final = "1000"
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_OOM_SCORE: Final = Path("/proc/self/oom_score_adj")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one picture may cost.

    There is no limit of processes: it counts threads and everything else of the user, and libvips needs a thread.
    """

    memory_bytes: int
    cpu_s: int
    file_bytes: int = 0
    files: int = 1
    """The connection to the service is the one file that is open, so no other can be opened beside it."""


def confine(limits: Limits) -> None:
    """Confine this process, for good. One that takes too much memory or time is told so or is ended by a signal.

    Neither it nor its successors can gain rights; other processes of the user can neither trace it nor read its
    memory, and it leaves no core file.
    """
    os.nice(_NICENESS)
    for kind, soft, hard in (
        (resource.RLIMIT_DATA, limits.memory_bytes, limits.memory_bytes),
        # One second between the two: the soft limit ends it by a signal that tells why, the hard one by SIGKILL.
        (resource.RLIMIT_CPU, limits.cpu_s, limits.cpu_s + 1),
        (resource.RLIMIT_FSIZE, limits.file_bytes, limits.file_bytes),
        (resource.RLIMIT_NOFILE, limits.files, limits.files),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))
    prctl(_PR_SET_DUMPABLE, 0)
    prctl(_PR_SET_NO_NEW_PRIVS, 1)


def end_with(parent_id: int) -> None:
    """Let the kernel end this process when its parent ends, however that comes about.

    Raises ProcessLookupError when it has ended already.
    """
    prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_id:
        raise ProcessLookupError


def end_first() -> None:
    """Let the kernel choose this process and its successors when the memory of the machine runs out."""
    with suppress(OSError):
        _OOM_SCORE.write_text(_DIES_FIRST, encoding="ascii")
