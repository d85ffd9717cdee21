"""What a process may ask of the kernel while it holds a stranger's picture: memory, threads, time, and its connection.

Everything else is refused, so whoever takes over a decoder can open no file and no connection, start no program, and
neither signal nor look into another process. Known for the two kinds of machine that images are built for; elsewhere
the limits of `emoticon.adapters.decoding.confinement` have to do.
"""

import ctypes
import errno
import platform
import struct
from typing import Final, NamedTuple

from emoticon.adapters.decoding.linux import prctl

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_LOAD_WORD, _JUMP_IF_EQUAL, _JUMP_IF_ANY_BIT, _RETURN = 0x20, 0x15, 0x45, 0x06
_CALL_OFFSET, _MACHINE_OFFSET, _FIRST_ARGUMENT_OFFSET = 0, 4, 16
_ALLOW, _KILL, _REFUSE_WITH = 0x7FFF0000, 0x80000000, 0x00050000
_CLONE_THREAD: Final = 0x00010000


class _Machine(NamedTuple):
    audit: int
    """Its number in linux/audit.h."""
    clone: int
    clone3: int
    calls: tuple[int, ...]


_MACHINES: Final = {
    # In both: read write close, mmap mprotect munmap mremap madvise brk, rt_sigaction rt_sigprocmask rt_sigreturn
    # sigaltstack restart_syscall, futex sched_yield sched_getaffinity set_robust_list rseq membarrier, nanosleep
    # clock_nanosleep clock_gettime gettimeofday, recvfrom sendto shutdown, getpid gettid getrusage getrandom, exit
    # exit_group.
    "x86_64": _Machine(
        0xC000003E,
        56,
        435,
        (
            *(0, 1, 3, 9, 10, 11, 25, 28, 12, 13, 14, 15, 131, 219, 202, 24, 204, 273, 334, 324),
            *(35, 230, 228, 96, 45, 44, 48, 39, 186, 98, 318, 60, 231),
        ),
    ),
    "aarch64": _Machine(
        0xC00000B7,
        220,
        435,
        (
            *(63, 64, 57, 222, 226, 215, 216, 233, 214, 134, 135, 139, 132, 128, 98, 124, 123, 99),
            *(293, 283, 101, 115, 113, 169, 207, 206, 210, 172, 178, 165, 278, 93, 94),
        ),
    ),
}


def seal(machine: str = platform.machine()) -> None:
    """Seal this thread and those that it starts, for good. It must not be able to gain rights any more."""
    known = _MACHINES.get(machine)
    if known is not None:
        program = ctypes.create_string_buffer(_program(known))
        # struct sock_fprog: how many instructions there are, of 8 bytes each, and where.
        where = ctypes.create_string_buffer(
            struct.pack("@HP", len(program) // 8, ctypes.addressof(program))
        )
        prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(where))


def _program(machine: _Machine) -> bytes:
    """Return the filter for the kernel's packet filter machine."""
    refuse = (_RETURN, 0, 0, _REFUSE_WITH | errno.EPERM)
    allow = (_RETURN, 0, 0, _ALLOW)
    steps = [
        (_LOAD_WORD, 0, 0, _MACHINE_OFFSET),
        (_JUMP_IF_EQUAL, 1, 0, machine.audit),
        (_RETURN, 0, 0, _KILL),
        (_LOAD_WORD, 0, 0, _CALL_OFFSET),
        # Its flags lie where a filter cannot look. Without it the C library takes `clone`.
        (_JUMP_IF_EQUAL, 0, 1, machine.clone3),
        (_RETURN, 0, 0, _REFUSE_WITH | errno.ENOSYS),
    ]
    for call in machine.calls:
        steps += [(_JUMP_IF_EQUAL, 0, 1, call), allow]
    steps += [
        (_JUMP_IF_EQUAL, 1, 0, machine.clone),
        refuse,
        (_LOAD_WORD, 0, 0, _FIRST_ARGUMENT_OFFSET),
        (_JUMP_IF_ANY_BIT, 0, 1, _CLONE_THREAD),
        allow,
        refuse,
    ]
    return b"".join(struct.pack("=HBBI", *step) for step in steps)
