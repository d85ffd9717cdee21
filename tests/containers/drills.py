"""Drills: what a client notices when a container fails. `python -m tests.containers.drills` prints a table (Markdown).

Takes seven minutes and harms only containers of its own, on a copy of this repository. `... drills NAME` does those
with that name only.
"""

import asyncio
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import httpx2
from bench.load import on_fast_loop
from bench.report import Report
from tests.containers.client import PNG, Person
from tests.containers.composing import Compose, docker, running, works
from tests.containers.drill_load import (
    DRAWN,
    KINDS,
    LATE_S,
    PICTURES_PER_S,
    SIGN_INS_PER_S,
    Load,
    Note,
)

SERVICES = ("app", "postgres", "valkey", "pictures", "nginx")
OUTAGE_S = 10.0
AFTER_S = 8.0
DRAIN_S = 40.0
SETTINGS = {
    "EMOTICON_LIMITS": "off",  # all of the load comes from one address
    "EMOTICON_ACCESS_TOKEN_S": "3600",
}
SMALL_DISK = """
services:
  keeper:
    image: ${PYTHON_IMAGE:-python:3.13-slim}
    command: [sleep, infinity]
    init: true
    network_mode: none
    volumes: [data:/data]  # a tmpfs that nobody has open is empty
volumes:
  data:
    driver: local
    driver_opts: {type: tmpfs, device: tmpfs, o: "size=64m,uid=10001,gid=10001,mode=0700"}
"""


def nothing(_: Compose) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Drill:
    """Something that fails, for how long, and how it returns."""

    name: str
    begin: Callable[[Compose], object]
    lasts_s: float = 0.0
    end: Callable[[Compose], object] = nothing


@dataclass(frozen=True)
class Outcome:
    """What became of the requests that were sent meanwhile."""

    name: str
    lasted_s: float
    returned_s: float
    notes: Sequence[Note]


def killed(service: str) -> Drill:
    """Killed, and started again some time later."""
    return Drill(
        f"{service} killed",
        lambda compose: docker("kill", *compose.ids(service)),
        OUTAGE_S,
        lambda compose: docker("start", *compose.ids(service)),
    )


def paused(service: str) -> Drill:
    """Stopped in the middle of whatever it does, and continued."""
    return Drill(
        f"{service} paused",
        lambda compose: docker("pause", *compose.ids(service)),
        OUTAGE_S,
        lambda compose: docker("unpause", *compose.ids(service)),
    )


def scaled(compose: Compose, replicas: int) -> None:
    """Have so many replicas, all of them ready."""
    compose("up", "-d", "--no-recreate", "--scale", f"app={replicas}")
    for each in compose.ids("app"):
        healthy(each)


def healthy(container: str) -> None:
    """Wait until docker calls a container healthy."""
    wanted = "{{.State.Health.Status}}"
    for _ in range(600):
        if docker("inspect", "--format", wanted, container).strip() == "healthy":
            return
        time.sleep(0.1)
    raise AssertionError(docker("logs", "--tail", "20", container))


def rolled(compose: Compose) -> None:
    """Restart one replica after the other."""
    for each in compose.ids("app"):
        docker("restart", "--time", "40", each)
        healthy(each)


def filled(compose: Compose) -> None:
    """Leave no byte on the disk of the cache."""
    compose.inside("app", "head -c 100m /dev/zero > /data/filler", check=False)
    assert compose.inside("app", "df --output=avail /data").split()[-1] == "0"


def cut_off(compose: Compose) -> None:
    """Take the service out of the network in which nginx reaches it."""
    docker("network", "disconnect", inner(compose), *compose.ids("app"))


def connected(compose: Compose) -> None:
    """Bring it back there, under its names."""
    names = ("--alias", "app", "--alias", "app.inner")
    docker("network", "connect", *names, inner(compose), *compose.ids("app"))


def inner(compose: Compose) -> str:
    """Return the name that docker-compose gave that network."""
    networks = compose.containers()["nginx"]["NetworkSettings"]["Networks"]
    return next(str(name) for name in networks if name.endswith("_inner"))


def drills() -> list[Drill]:
    """Return all that is tried under load, in this order."""
    return [
        Drill("nothing", nothing, OUTAGE_S),
        *(drill(service) for service in SERVICES for drill in (killed, paused)),
        Drill("app cut off from nginx", cut_off, OUTAGE_S, connected),
        Drill(
            "postgres restarted",
            lambda compose: docker("restart", *compose.ids("postgres")),
        ),
        Drill("app restarted", lambda compose: docker("restart", *compose.ids("app"))),
        Drill("app scaled to 2", lambda compose: scaled(compose, 2)),
        Drill("2 replicas of app restarted in turn", rolled),
        Drill("app scaled to 1", lambda compose: scaled(compose, 1)),
        Drill(
            "disk of the cache full",
            filled,
            OUTAGE_S,
            lambda compose: compose.inside("app", "rm /data/filler"),
        ),
    ]


async def under_load(compose: Compose, chosen: Sequence[Drill]) -> list[Outcome]:
    """Go through drills."""
    load = Load(int(compose.base.rpartition(":")[2]))
    outcomes = []
    async with load.running():
        await asyncio.sleep(AFTER_S)
        for drill in chosen:
            sys.stderr.write(f"{drill.name} ...\n")
            began_s = time.perf_counter()
            await asyncio.to_thread(drill.begin, compose)
            try:
                await asyncio.sleep(drill.lasts_s)
            finally:
                await asyncio.to_thread(drill.end, compose)
            returned_s = time.perf_counter()
            await asyncio.sleep(AFTER_S)
            ended_s = time.perf_counter()
            await load.answered(ended_s, DRAIN_S)
            notes = [note for note in load.notes if began_s <= note.sent_s < ended_s]
            outcomes.append(Outcome(drill.name, returned_s - began_s, returned_s, notes))
    return outcomes


def cells(outcome: Outcome) -> list[str]:
    """Return a row of the table."""
    failed = [note for note in outcome.notes if note.failure]
    last_s = max((note.sent_s for note in failed), default=None)
    return [
        outcome.name,
        f"{outcome.lasted_s:.0f}",
        str(len(outcome.notes)),
        *(failures([note for note in outcome.notes if note.kind == kind]) for kind in KINDS),
        "-" if last_s is None else f"{max(0.0, last_s - outcome.returned_s):.1f}",
    ]


def failures(notes: Sequence[Note]) -> str:
    """Say what went wrong, and how often."""
    counts = Counter(note.failure for note in notes if note.failure)
    return ", ".join(f"{counts[each]} x {each}" for each in sorted(counts)) or "0"


def restored(compose: Compose) -> str:
    """Make a backup, delete everything, restore, sign in; say how long each took."""
    person = Person.new(compose.base)
    before = person.picture().content
    assert before.startswith(PNG)
    file = compose.directory / "emoticon.tar.gz"
    marks = [time.perf_counter()]
    compose.piped("exec", "-T", "app", "emoticon", "backup", "-", target=file)
    marks.append(time.perf_counter())
    compose("down", "--volumes")
    compose.up()
    marks.append(time.perf_counter())
    compose("stop", "nginx", "app")
    compose.piped("run", "--rm", "-T", "app", "restore", "--force", "-", source=file)
    compose.up()
    marks.append(time.perf_counter())
    assert person.picture().status_code == httpx2.codes.UNAUTHORIZED
    form = {"username": person.name, "password": person.password}
    answer = httpx2.post(f"{compose.base}/auth/sign-in", data=form, timeout=30)
    answer.raise_for_status()
    person.tokens = answer.json()
    assert person.picture().content == before
    took = [later - earlier for earlier, later in pairwise(marks)]
    size_kb = file.stat().st_size / 1000
    return (
        f"**Backup, loss of everything, restore**: {size_kb:.1f} kB in {took[0]:.1f} s; an empty stack in the place of"
        f" the other after {took[1]:.0f} s; the accounts in it and serving {took[2]:.0f} s later. The old token was"
        " refused (401), a sign-in with the old password was good, and the picture was the same to the byte."
    )


def main() -> None:
    """Print what the drills found."""
    chosen = [drill for drill in drills() if not sys.argv[1:] or drill.name in sys.argv[1:]]
    command = next(each for each in (["docker-compose"], ["docker", "compose"]) if works(each))
    with tempfile.TemporaryDirectory(prefix="emoticon-drills-") as place:
        directory = Path(place)
        (directory / "docker-compose.override.yml").write_text(SMALL_DISK)
        with running(command, directory, **SETTINGS) as compose:
            outcomes = on_fast_loop(under_load(compose, chosen))
            after = restored(compose)
    report = Report(
        "What was tried",
        f"Each second {PICTURES_PER_S} pictures that are published, {PICTURES_PER_S} of any size that are not"
        f" ({DRAWN}), and {SIGN_INS_PER_S} sign-ins go through nginx, whatever comes of them, while something is done"
        f" to the containers, and {AFTER_S:.0f} s after that. Failed is every status but 200, `cut off` (no connection,"
        f" or it ended), `late` (good, but after more than {LATE_S:.0f} s), and `no answer` within {DRAIN_S:.0f} s."
        " Well again: how long after the end of it the last request was sent that failed.",
        [
            "",
            "lasted, s",
            "requests",
            *(f"failed, {kind}" for kind in KINDS),
            "well again after, s",
        ],
        [cells(outcome) for outcome in outcomes],
    )
    sys.stdout.write(f"{report.markdown()}\n{after}\n")


if __name__ == "__main__":
    main()
