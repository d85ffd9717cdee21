"""Access logs as files: plain, packed with gzip, or standard input."""

import gzip
import sys
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

from emoticon.cli.environment import fail
from emoticon.domain import access_logs
from emoticon.domain.access_logs import Request, Tally
from emoticon.domain.prices import DRAW_MS, body_bytes
from emoticon.domain.simulation import Recorder, Trace, name_of

STANDARD_INPUT: Final = Path("-")
_LINES_PER_UPDATE = 5000


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a log asks for; `draw_ms` is the mean of the formats that were asked for."""

    trace: Trace
    tally: Tally
    draw_ms: float

    @property
    def span_s(self) -> float:
        """How long it lasted, at least a minute."""
        return 60 * max(1, self.trace.span_minutes)


def record(
    path: Path, *, picture_bytes: int | None, span_minutes: int, most_requests: int
) -> Recorded:
    """Read a log, with a progress bar on a terminal, or end the program with a line that says why not.

    Pictures have `picture_bytes`, by default what was sent, else the mean of their size and format. A log without times
    is taken to last `span_minutes`. Of more than `most_requests` there is a sample.
    """
    recorder, tally, draw_ms = Recorder(most_requests), Tally(), 0.0
    for request in requests(path, tally):
        draw_ms += DRAW_MS[request.format]
        recorder.add(
            name_of(request.username.casefold(), request.size_px, request.format.value),
            None if request.at_s is None else int(request.at_s / 60),
            picture_bytes or request.sent_bytes or body_bytes(request.size_px, request.format),
        )
    if not tally.requests:
        skipped = ", ".join(f"{count} {reason}" for reason, count in tally.skipped.most_common())
        raise fail(f"no picture was asked for in {tally.lines} lines ({skipped or 'none'})")
    return Recorded(recorder.trace(span_minutes), tally, draw_ms / tally.requests)


def requests(path: Path, tally: Tally) -> Iterator[Request]:
    """Yield what a log asks for, with a bar on a terminal, or end the program with a line that says why not."""
    try:
        yield from _read(path, tally)
    except (OSError, EOFError, zlib.error) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or "damaged or cut off"
        raise fail(f"cannot read {path}: {reason}") from None


def _read(path: Path, tally: Tally) -> Iterator[Request]:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    with (
        _opened(path) as (stream, raw, size_bytes),
        Progress(
            TextColumn("reading"),
            BarColumn(),
            TextColumn("{task.fields[lines]} lines"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            disable=not sys.stderr.isatty(),
            transient=True,
        ) as bars,
    ):
        task = bars.add_task("", total=size_bytes, lines=0)

        def counted() -> Iterator[bytes]:
            for number, line in enumerate(access_logs.lines(stream)):
                if number % _LINES_PER_UPDATE == 0 and size_bytes is not None:
                    bars.update(task, completed=raw.tell(), lines=number)
                yield line

        yield from access_logs.read(counted(), tally)


@contextmanager
def _opened(path: Path) -> Iterator[tuple[BinaryIO, BinaryIO, int | None]]:
    """Give what to read lines from, the file whose position tells how far that is, and the size of it if known."""
    if path == STANDARD_INPUT:
        yield sys.stdin.buffer, sys.stdin.buffer, None
        return
    with path.open("rb") as raw:
        size_bytes = path.stat().st_size or None
        if path.suffix == ".gz":
            with gzip.open(raw) as unpacked:
                yield cast("BinaryIO", unpacked), raw, size_bytes
        else:
            yield raw, raw, size_bytes
