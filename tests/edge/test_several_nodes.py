"""Several processes of the service, one directory, one nginx."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from httpx2 import Client
from tests.attacks.world import NEWS_S, Pair, three_nodes, until
from tests.edge.conftest import Front
from tests.edge.odd_links import revoke, share
from tests.nginx import NginxServer, public_directory
from tests.servers import PostgresServer

ROUNDS = 20


@pytest.fixture
def two_nodes(tmp_path: Path, postgres: PostgresServer) -> Iterator[Front]:
    """Two nodes publish into one directory; nginx stands before the first."""
    with public_directory() as public:
        edge, place = public / "edge", public / "nginx"
        place.mkdir()
        with three_nodes(tmp_path, postgres, {"EMOTICON_EDGE_DIR": str(edge)}, 2) as world:
            port = urlsplit(world.nodes[0].url).port
            assert port is not None
            nginx = NginxServer(place, app_port=port, edge=edge)
            with nginx, Client(base_url=nginx.url, timeout=30) as client:
                yield Front(world, nginx, client, edge)


def publish(started: Front, pair: Pair) -> None:
    """Let the second node answer, and publish."""
    target = f"/emoticon/?username={pair.username}"
    node = started.world.nodes[1]
    until(lambda: node.send("GET", target, at=pair.at).status_code, 200, within_s=NEWS_S)


def refused_soon(started: Front, pair: Pair) -> None:
    """Return when nginx refuses the token; it must not come back."""
    until(lambda: started.get(pair).status_code, 401, within_s=NEWS_S)
    assert [started.get(pair).status_code for _ in range(5)] == [401] * 5


def gone_soon(started: Front, target: str) -> None:
    """Return when nginx does not find a link any more; it must not come back."""
    until(lambda: started.client.get(target).status_code, 404, within_s=NEWS_S)
    assert [started.client.get(target).status_code for _ in range(5)] == [404] * 5


def test_each_withdraws_what_the_other_published(two_nodes: Front) -> None:
    world = two_nodes.world
    pair = world.sign_up()
    for number in range(ROUNDS):
        publish(two_nodes, pair)
        with two_nodes.paused():  # the first node is: what the second published nginx finds
            assert two_nodes.get(pair).status_code == 200
        newer = world.refresh(pair, node=world.nodes[number % 2])
        refused_soon(two_nodes, pair)
        pair = newer


def test_each_withdraws_the_links_that_the_other_published(two_nodes: Front) -> None:
    world = two_nodes.world
    pair = world.sign_up()
    for number in range(4):
        shared = share(two_nodes, pair)
        targets = [shared.path(), shared.path("?size=64")]
        assert world.nodes[1].send("GET", targets[0]).status_code == 200
        assert two_nodes.client.get(targets[1]).status_code == 200  # published by the first node
        with two_nodes.paused():
            assert [two_nodes.client.get(each).status_code for each in targets] == [200, 200]
        revoke(two_nodes, pair, shared, node=world.nodes[number % 2])
        for target in targets:
            gone_soon(two_nodes, target)


def test_when_one_ends_the_other_goes_on(two_nodes: Front) -> None:
    pair = two_nodes.world.sign_up()
    publish(two_nodes, pair)
    two_nodes.world.nodes[1].service.stop()
    assert two_nodes.published() == []
    assert two_nodes.get(pair).status_code == 200
    leases = two_nodes.edge / "published" / "lease"
    until(lambda: any(leases.iterdir()), answer=True, within_s=10)
    with two_nodes.paused():
        assert two_nodes.get(pair).status_code == 200
