"""The log: its format, and what never enters it."""

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog
from typing_extensions import override

REDACTED: Final = "[redacted]"
_SECRET_KEY = re.compile(
    r"authorization|cookie|password|passwd|secret|token|credential", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+"  # a JWT
    r"|(?<![A-Za-z0-9_-])A[Q-Za-f][A-Za-z0-9_-]{74}(?![A-Za-z0-9_-])"  # a refresh token
    r"|(?<![A-Za-z0-9_-])[A-Za-z0-9_-]{43}(?![A-Za-z0-9_-])"  # the token of a share link
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"  # user:password@ of a URL
    r"|(?<=[?&])(?:access_token|refresh_token|password)=[^\s&]+"
)

LINES_PER_S: Final = 10
"""Of one warning of one logger. Whoever throttles on its own account has to stay below it."""
_MAX_KINDS: Final = 1000


class Throttle:
    """Lets through so many lines of each kind a second; `kinds` are texts of our own, and few."""

    def __init__(self, lines_per_s: int) -> None:
        self._lines_per_s = lines_per_s
        self.kinds: dict[str, tuple[int, int]] = {}
        """The second of the last line of each, and the lines in it."""

    def left_out(self, kind: str) -> int | None:
        """Return None for a line too many, else how many were that since the last one that was not."""
        second = int(time.monotonic())
        last, lines = self.kinds.get(kind, (second, 0))
        if last != second:
            self.kinds[kind] = second, 1
            return max(0, lines - self._lines_per_s)
        if len(self.kinds) >= _MAX_KINDS:
            self.kinds.clear()
        self.kinds[kind] = second, lines + 1
        return 0 if lines < self._lines_per_s else None


class ThrottledWarnings(logging.Filter):
    """Keeps a warning that comes again and again, as in a long outage, from flooding the log."""

    def __init__(self) -> None:
        super().__init__()
        self._throttle = Throttle(LINES_PER_S)

    @override
    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        event = record.msg.get("event") if isinstance(record.msg, dict) else record.msg
        left_out = self._throttle.left_out(f"{record.name} {event}")
        if left_out:
            if isinstance(record.msg, dict):
                record.msg.setdefault("left_out", left_out)
            else:
                record.left_out = left_out
        return left_out is not None


def configure_logging(level: str, log_format: str) -> None:
    """Send all logs of the process to standard error, redacted, one event a line in the JSON format.

    `log_format` is auto (console on a terminal, else JSON), console or json.
    """
    console = log_format == "console" or (log_format == "auto" and sys.stderr.isatty())
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    rendering: list[structlog.types.Processor] = (
        [redact, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
        if console
        else [
            structlog.processors.format_exc_info,
            structlog.processors.EventRenamer("message"),
            redact,
            structlog.processors.JSONRenderer(),
        ]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=shared,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *rendering],
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    handler.addFilter(ThrottledWarnings())
    logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
    if level != "debug":
        for chatty in ("alembic", "pyvips", "uvicorn"):
            logging.getLogger(chatty).setLevel(logging.WARNING)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )


def redact(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    """Blank out values of telling names, and tokens and passwords inside of any text."""
    for name, value in event.items():
        if _SECRET_KEY.search(name):
            event[name] = REDACTED
        elif isinstance(value, str):
            event[name] = redacted(value)
    return event


def redacted(text: str) -> str:
    """Blank out tokens and passwords inside of a text; call it before the text is cut."""
    return _SECRET_TEXT.sub(REDACTED, text)
