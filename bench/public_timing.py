"""Whether the time of a picture by name tells if somebody has the name: interleaved samples and a rank test."""

import asyncio
import json
import sqlite3
import tempfile
from collections.abc import Mapping
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

from bench.report import Report
from bench.service import PASSWORD, request, running_service
from bench.timing import HEAD, compared, interleaved

OK = 200
SAMPLES = 2000
BASELINE = "a name that nobody has"
PUBLIC = "a public account"
CASES: Mapping[str, str] = {
    BASELINE: "somebody",
    "a name that nobody has, once more": "somebody",
    "another name that nobody has": "nobody-at-all",
    "a private account": "private1",
    "a disabled account": "disabled1",
    "a deleted account": "deleted1",
    "a name that nobody can have": "%00%e2%80%ae",
    PUBLIC: "public1",
}
"""The name of each case. The second one shows what chance alone makes of the first."""


def prepare(port: int, data: Path) -> None:
    """Make the accounts, then disable one and delete another."""
    with closing(HTTPConnection("127.0.0.1", port)) as client:

        def ask(method: str, target: str, body: Mapping[str, str], token: str = "") -> bytes:
            headers = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
            client.request(method, target, json.dumps(body), headers)
            answer = client.getresponse()
            if answer.status not in (200, 201, 204):
                raise RuntimeError(f"{method} {target} answered {answer.status}")
            return answer.read()

        for name in ("private1", "public1", "disabled1", "deleted1"):
            made = ask("POST", "/auth/sign-up", {"username": name, "password": PASSWORD})
            token = json.loads(made)["access_token"]
            if name != "private1":
                ask("PUT", "/emoticon/visibility", {"visibility": "public"}, token)
        ask("DELETE", "/auth/user", {"password": PASSWORD}, token)
    with closing(sqlite3.connect(data / "accounts.sqlite3")) as database, database:
        database.execute("UPDATE accounts SET disabled_at = 1 WHERE username = 'disabled1'")


def run() -> Report:
    """Measure with a service of its own."""
    with (
        tempfile.TemporaryDirectory() as data,
        running_service(EMOTICON_DATA_DIR=data) as port,
    ):
        prepare(port, Path(data))
        cases = {case: (request("GET", f"/u/{name}.png"), OK) for case, name in CASES.items()}
        latencies_ms = asyncio.run(interleaved(port, cases, SAMPLES))
    return Report(
        "Whether the time of a picture by name tells if somebody has the name",
        "Embedded mode, one process, one client. `GET /u/{username}.{format}` as PNG,"
        f" {SAMPLES} samples of each case, all in one random order, in ms. p is that of a two-sided rank test"
        f" (Mann-Whitney) against `{BASELINE}`; below 0.01 the two could be told apart. A public account has a picture"
        " of its own, so it may differ.",
        ["picture of", *HEAD],
        compared(latencies_ms, BASELINE, digits=2),
    )


if __name__ == "__main__":
    print(run().markdown())
