"""A token that is not good any more is refused at the next request, however often it was served before."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field

from httpx2 import Client
from tests.attacks.world import PASSWORD, Pair
from tests.edge.conftest import Front

ROUNDS = 200


@dataclass
class Load:
    """What other clients are answered meanwhile."""

    over: threading.Event = field(default_factory=threading.Event)
    statuses: set[int] = field(default_factory=set)
    count: int = 0

    def run(self, front: Front, pair: Pair) -> None:
        target = f"/emoticon/?username={pair.username}"
        with Client(
            base_url=front.nginx.url, headers={"Authorization": f"Bearer {pair.at}"}
        ) as own:
            while not self.over.is_set():
                self.statuses.add(own.get(target).status_code)
                self.count += 1


@contextmanager
def load(front: Front, clients: int = 4) -> Iterator[Load]:
    """Let several clients ask for one picture without pause."""
    others = Load()
    pair = front.world.sign_up()
    with ThreadPoolExecutor(clients) as threads:
        for _ in range(clients):
            threads.submit(others.run, front, pair)
        try:
            yield others
        finally:
            others.over.set()


def test_under_load_a_replaced_token_is_refused_at_the_next_request(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    with load(shared_front) as others:
        for _ in range(ROUNDS):
            good = [shared_front.get(pair).status_code for _ in range(2)]
            newer = shared_front.world.refresh(pair)
            assert (good, shared_front.get(pair).status_code) == ([200, 200], 401)
            pair = newer
    assert others.statuses == {200}
    assert others.count > ROUNDS


def test_every_way_to_end_a_token_ends_what_was_published_for_it(shared_front: Front) -> None:
    world = shared_front.world
    name = world.sign_up().username
    bodies = {
        "current_password": PASSWORD,
        "new_password": "eight red trains at dawn",
    }
    ways = (
        world.sign_out,
        lambda pair: world.sign_in(pair.username),
        world.refresh,
        lambda pair: world.send("PUT", "/auth/password", at=pair.at, json=bodies),
    )
    for end in ways:
        pair = world.sign_in(name)
        assert [shared_front.get(pair).status_code for _ in range(2)] == [200, 200]
        end(pair)
        answer = shared_front.get(pair)
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_deleted_account_leaves_no_file(shared_front: Front) -> None:
    pair = shared_front.world.sign_up()
    for query in ("", "&size=64"):
        shared_front.get(pair, query)
    before = len(shared_front.published())
    answer = shared_front.world.send(
        "DELETE", "/auth/user", at=pair.at, json={"password": PASSWORD}
    )
    assert answer.status_code == 204
    assert shared_front.get(pair).status_code == 401
    assert len(shared_front.published()) == before - 2
