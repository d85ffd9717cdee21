"""Whether the time of a sign-in that fails tells why it failed: interleaved samples and a rank test."""

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlencode

from bench.report import Report
from bench.service import PASSWORD, request, running_service
from bench.timing import HEAD, compared, interleaved

SAMPLES = 200
BASELINE = "wrong password"
CASES: Mapping[str, tuple[str, str, int]] = {
    BASELINE: ("ann", "nine brown boats", 401),
    "wrong password, once more": ("ann", "nine brown boats", 401),
    "unknown name": ("somebody", "nine brown boats", 401),
    "name that nobody can have": ("\0\u202e", "nine brown boats", 401),
    "disabled account, right password": ("disabled", PASSWORD, 401),
    "disabled account, wrong password": ("disabled", "nine brown boats", 401),
    "deleted account, former password": ("deleted", PASSWORD, 401),
    "empty password": ("ann", "", 401),
    "empty password, unknown name": ("somebody", "", 401),
    "password too long": ("ann", "x" * 257, 422),
    "password too long, unknown name": ("somebody", "x" * 257, 422),
}
"""Name, password and status of each case. The second one shows what chance alone makes of the first."""


def prepare(port: int, data: Path) -> None:
    """Make the accounts, then disable one and delete another."""
    with closing(HTTPConnection("127.0.0.1", port)) as client:
        headers = {"Content-Type": "application/json"}

        def ask(method: str, target: str, **members: str) -> bytes:
            client.request(method, target, json.dumps({**members, "password": PASSWORD}), headers)
            answer = client.getresponse()
            if answer.status not in (201, 204):
                raise RuntimeError(f"{method} {target} answered {answer.status}")
            return answer.read()

        for name in ("ann", "disabled", "deleted"):
            pair = json.loads(ask("POST", "/auth/sign-up", username=name))
        headers["Authorization"] = f"Bearer {pair['access_token']}"
        ask("DELETE", "/auth/user")
    with closing(sqlite3.connect(data / "accounts.sqlite3")) as database, database:
        database.execute("UPDATE accounts SET disabled_at = 1 WHERE username = 'disabled'")


def asked(username: str, password: str) -> bytes:
    """Return the request of a sign-in."""
    form = urlencode({"username": username, "password": password}).encode()
    return request("POST", "/auth/sign-in", form, Content_Type="application/x-www-form-urlencoded")


def run() -> Report:
    """Measure with a service of its own that limits nothing."""
    with (
        tempfile.TemporaryDirectory() as data,
        running_service(EMOTICON_DATA_DIR=data, EMOTICON_LIMITS="off") as port,
    ):
        prepare(port, Path(data))
        cases = {
            case: (asked(username, password), status)
            for case, (username, password, status) in CASES.items()
        }
        latencies_ms = asyncio.run(interleaved(port, cases, SAMPLES))
    return Report(
        "Whether the time of a failed sign-in tells why it failed",
        f"Embedded mode, one process, one client, no limits. {SAMPLES} samples of each case, all in one random order,"
        f" in ms. p is that of a two-sided rank test (Mann-Whitney) against `{BASELINE}`; below 0.01 the two could be"
        " told apart. For a name that nobody can have the database is not asked, which says nothing of accounts; a"
        " password too long to be anybody's is answered 422 without a hash, whatever the name is.",
        ["sign-in with", *HEAD],
        compared(latencies_ms, BASELINE, digits=1),
    )


if __name__ == "__main__":
    print(run().markdown())
