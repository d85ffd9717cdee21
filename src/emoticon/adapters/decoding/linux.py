"""The one call of Linux that this package needs and Python does not have."""

import ctypes


def prctl(option: int, value: int, other: int = 0) -> None:
    """Ask the kernel for something about this process or thread; without effect where there is no such call."""
    call = getattr(ctypes.CDLL(None), "prctl", lambda *_: 0)
    call(option, *(ctypes.c_ulong(argument) for argument in (value, other, 0, 0)))
