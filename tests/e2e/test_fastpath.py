"""The fast path of `emoticon serve`: what has ended is refused at the very next request, also under load."""

import itertools
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from httpx2 import Client
from tests.e2e.conftest import Service

ROUNDS = 200
CROWD = 2
PASSWORD = "seven green boats at noon"
METRICS_TOKEN = "a-token-of-these-tests-and-of-them-alone"


class Try(NamedTuple):
    """Somebody asked with the token of a round."""

    round: int
    sent_s: float
    status: int


def test_a_token_is_refused_from_the_moment_that_another_has_replaced_it(tmp_path: Path) -> None:
    tokens: list[str] = []
    tries: list[Try] = []
    done = threading.Event()
    settings = {"EMOTICON_LIMITS": "off", "EMOTICON_METRICS_TOKEN": METRICS_TOKEN}
    with Service(tmp_path, settings) as service, service.client() as client:

        def picture(asking: Client, token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return asking.get("/emoticon/?username=ann", headers=headers).status_code

        def crowd() -> None:
            with service.client() as asking:
                while not done.is_set():
                    number = len(tokens) - 1
                    sent_s = time.perf_counter()
                    tries.append(Try(number, sent_s, picture(asking, tokens[number])))

        body = {"username": "ann", "password": PASSWORD}
        pair = client.post("/auth/sign-up", json=body).json()
        tokens.append(pair["access_token"])
        replaced_s: list[float] = []
        with ThreadPoolExecutor(CROWD) as pool:
            running = [pool.submit(crowd) for _ in range(CROWD)]
            try:
                for number in itertools.count():
                    assert picture(client, tokens[-1]) == 200
                    assert picture(client, tokens[-1]) == 200
                    if number == ROUNDS:
                        break
                    form = {"refresh_token": pair["refresh_token"]}
                    pair = client.post("/auth/refresh", data=form).json()
                    replaced_s.append(time.perf_counter())
                    assert picture(client, tokens[-1]) == 401, f"in round {number}"
                    tokens.append(pair["access_token"])
            finally:
                done.set()
            for each in running:
                each.result()
        metrics = client.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}).text
    late = [each for each in tries if each.round < ROUNDS and each.sent_s > replaced_s[each.round]]
    assert {each.status for each in late} <= {401}
    assert {each.status for each in tries} <= {200, 401}
    hits = next(
        line for line in metrics.splitlines() if line.startswith("emoticon_edge_hits_total")
    )
    assert float(hits.split()[-1]) > ROUNDS, "most were answered by the fast path"
