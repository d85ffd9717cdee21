"""The log: its format, and what never enters it."""

import logging
import re
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final

import structlog

REDACTED: Final = "[redacted]"
_SECRET_KEY = re.compile(
    r"authorization|cookie|password|passwd|secret|token|credential", re.IGNORECASE
)
_SECRET_TEXT = re.compile(
    r"eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_.-]+"  # a JWT
    r"|(?<![A-Za-z0-9_-])A[Q-Za-f][A-Za-z0-9_-]{74}(?![A-Za-z0-9_-])"  # a refresh token
    r"|(?<=://)[^\s/@:]*:[^\s/@]+(?=@)"  # user:password@ of a URL
    r"|(?<=[?&])(?:access_token|refresh_token|password)=[^\s&]+"
)


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
            event[name] = _SECRET_TEXT.sub(REDACTED, value)
    return event
