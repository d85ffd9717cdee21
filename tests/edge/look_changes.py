"""An account's look changes again and again while others ask for its picture: nobody is given an old one.

`python -m tests.edge.look_changes 1000` makes as many changes, with nginx before the service and without it.
"""

import asyncio
import hashlib
import itertools
import sys
import tempfile
import threading
from collections.abc import Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from httpx2 import Client, Response
from prometheus_client.parser import text_string_to_metric_families
from tests.attacks.world import Pair, World, one_node
from tests.e2e.conftest import METRICS_TOKEN
from tests.edge.conftest import front

from emoticon.adapters.generators.dicebear import DiceBearGenerator
from emoticon.adapters.generators.raster import VipsRasteriser
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.models import Format, Look
from emoticon.domain.workers import Workers

SETTINGS = {"EMOTICON_METRICS_TOKEN": METRICS_TOKEN, "EMOTICON_ACCESS_TOKEN_S": "3600"}
SIZES_PX = (128, 64)
READERS = 4
AHEAD = 50
"""Pictures drawn at once, before their looks are chosen: fewer than there are changes in a minute."""


@dataclass(frozen=True, slots=True)
class Scene:
    """A service, and where readers ask for pictures: at itself, or at nginx."""

    world: World
    url: str

    def counted(self, name: str) -> float:
        """Return a figure of the service, summed over its labels."""
        bearer = {"Authorization": f"Bearer {METRICS_TOKEN}"}
        text = self.world.send("GET", "/metrics", headers=bearer).text
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == name
        )


@contextmanager
def behind_nginx(home: Path) -> Generator[Scene]:
    """Answers are published as files, which nginx gives."""
    with front(home, **SETTINGS) as started:
        yield Scene(started.world, started.nginx.url)


@contextmanager
def alone(home: Path) -> Generator[Scene]:
    """Answers are published in the process of the service."""
    with one_node(home, SETTINGS) as world:
        yield Scene(world, world.nodes[0].url)


@dataclass
class Rounds:
    """Which look is the newest that was answered, and which picture is of which look.

    Each look has a picture of its own, drawn here by the same generator.
    """

    answered: int = 0
    """The look of whose choice the answer has arrived."""
    of: dict[str, int] = field(default_factory=dict)
    over: threading.Event = field(default_factory=threading.Event)
    lock: threading.Lock = field(default_factory=threading.Lock)
    reads: int = 0
    unchanged: int = 0
    """Reads that were told that they have the picture already."""
    late: list[str] = field(default_factory=list)
    """Reads that began after an answer and were given what was before it, and all that was no picture."""

    def note(self, answer: Response, held: str, since: int) -> str:
        """Judge the answer to a read that began when look `since` was the newest; return the picture it is of."""
        with self.lock:
            self.reads += 1
            self.unchanged += answer.status_code == 304
        found = held if answer.status_code == 304 else digest(answer.content)
        if answer.status_code not in {200, 304} or self.of.get(found, -1) < since:
            self.late.append(f"status {answer.status_code}, look {self.of.get(found)} < {since}")
        return found


def digest(body: bytes) -> str:
    """Return what a picture is known by here."""
    return hashlib.sha256(body).hexdigest()


def seed_of(number: int) -> str:
    """Return the seed of a look."""
    return f"look {number}"


def expected(count: int) -> Iterator[dict[str, int]]:
    """Yield the pictures of the looks 0 to count, `AHEAD` looks at a time."""
    workers = Workers("draw", threads=1, queue=4 * AHEAD, busy=DrawingBusy)
    generator = DiceBearGenerator(VipsRasteriser(), workers, deadline_s=60)

    async def draw(numbers: range) -> dict[str, int]:
        found = {}
        for number, size_px in itertools.product(numbers, SIZES_PX):
            look = Look("moods", seed_of(number))
            found[digest((await generator.draw(look, size_px, Format.PNG)).body)] = number
        return found

    try:
        for start in range(0, count + 1, AHEAD):
            yield asyncio.run(draw(range(start, min(start + AHEAD, count + 1))))
    finally:
        workers.close()


def read(scene: Scene, pair: Pair, rounds: Rounds, size_px: int, *, conditional: bool) -> None:
    """Ask for the picture without pause until all is over."""
    target = f"/emoticon/?username={pair.username}&size={size_px}"
    held, tag = "", ""
    with Client(base_url=scene.url, headers={"Authorization": f"Bearer {pair.at}"}) as client:
        while not rounds.over.is_set():
            headers = {"If-None-Match": tag} if conditional and tag else {}
            since = rounds.answered
            answer = client.get(target, headers=headers)
            held = rounds.note(answer, held, since)
            tag = answer.headers.get("etag", "")


def change(scene: Scene, count: int, *, on_progress: bool = False) -> Rounds:
    """Change the look of one account so many times while others read; the changer looks twice after each."""
    pair = scene.world.sign_up()
    rounds = Rounds()
    pictures = expected(count)
    with (
        ThreadPoolExecutor(READERS) as threads,
        Client(base_url=scene.url, headers={"Authorization": f"Bearer {pair.at}"}) as client,
    ):
        reading: list[Future[None]] = []
        try:
            for number in range(count + 1):
                if number % AHEAD == 0:
                    rounds.of.update(next(pictures))
                chosen = client.put(
                    "/emoticon/look", json={"style": "moods", "seed": seed_of(number)}
                )
                assert chosen.status_code == 200, chosen.text
                rounds.answered = number
                for _ in range(2):
                    rounds.note(client.get(f"/emoticon/?username={pair.username}"), "", number)
                if not reading:
                    reading = [
                        threads.submit(
                            read,
                            scene,
                            pair,
                            rounds,
                            SIZES_PX[it % 2],
                            conditional=it < READERS / 2,
                        )
                        for it in range(READERS)
                    ]
                if on_progress and number % 100 == 0:
                    print(f"  {number} changes, {rounds.reads} reads", file=sys.stderr)  # noqa: T201 - progress
        finally:
            rounds.over.set()
    for reader in reading:
        reader.result()
    return rounds


def main(count: int) -> bool:
    """Print what happened in both scenes, and return whether all was right."""
    good = True
    for name, scene_of in (("through nginx", behind_nginx), ("by the service alone", alone)):
        with tempfile.TemporaryDirectory() as home, scene_of(Path(home)) as scene:
            rounds = change(scene, count, on_progress=True)
            by_service = scene.counted("emoticon_http_requests_total")
            hits = scene.counted("emoticon_edge_hits_total")
        print(  # noqa: T201 - the result
            f"{name}: {count} changes, {rounds.reads} reads ({rounds.unchanged} of them 304),"
            f" {by_service:.0f} requests to the service, {hits:.0f} answered by its own edge,"
            f" {len(rounds.late)} old pictures"
        )
        good &= not rounds.late and rounds.reads > count
    return good


if __name__ == "__main__":
    sys.exit(0 if main(int(sys.argv[1])) else 1)
