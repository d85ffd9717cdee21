"""A command on a terminal of its own, for what it does only there."""

import os
import pty
import select
import subprocess
import sys
import time
from typing import Self

PATIENCE_S = 30


class Terminal:
    """Runs `emoticon ...` with the environment of the test; `screen` is all that was shown."""

    def __init__(self, *arguments: str) -> None:
        self._end, theirs = pty.openpty()
        self.screen = ""
        self._seen = 0
        # Without a session of its own, passwords would be asked for on the terminal of whoever runs the tests.
        self.process = subprocess.Popen(
            [sys.executable, "-m", "emoticon", *arguments],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._end)

    def expect(self, text: str) -> None:
        """Wait until the text is shown, after what was waited for before."""
        until = time.monotonic() + PATIENCE_S
        while (found := self.screen.find(text, self._seen)) < 0:
            assert self._read(until), f"{text!r} was never shown: {self.screen!r}"
        self._seen = found + len(text)

    def type(self, line: str) -> None:
        os.write(self._end, f"{line}\n".encode())

    def finish(self) -> int:
        """Wait for the end and return the status."""
        until = time.monotonic() + PATIENCE_S
        while self._read(until):
            pass
        return self.process.wait(PATIENCE_S)

    def _read(self, until: float) -> bool:
        """Add to the screen; False when nothing more comes."""
        ready, _, _ = select.select([self._end], [], [], max(0, until - time.monotonic()))
        assert ready, f"nothing more in {PATIENCE_S} s: {self.screen!r}"
        try:
            shown = os.read(self._end, 4096)
        except OSError:  # how Linux says that nobody has the other end open
            return False
        self.screen += shown.decode(errors="replace")
        return bool(shown)
