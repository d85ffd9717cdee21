"""Services that may log as much as they like."""

from collections.abc import Mapping
from pathlib import Path

from tests.e2e.conftest import Service
from typing_extensions import override

_WITH_LOG = """
import os, sys
os.dup2(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY | os.O_APPEND), 2)
os.execv(sys.executable, [sys.executable, "-m", "emoticon", "serve"])
"""


class LoggingService(Service):
    """A service with its log in a file: a pipe that nobody reads would make it stand still when it is full."""

    def __init__(self, home: Path, environment: Mapping[str, str]) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.log = home / "stderr.log"
        super().__init__(home, dict(environment), ("-c", _WITH_LOG, str(self.log)))

    @override
    def finish(self) -> str:
        super().finish()
        return self.log.read_text()
