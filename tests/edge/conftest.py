"""A service that publishes, and nginx before it."""

import os
import signal
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from httpx2 import Client, Response
from tests.attacks.world import Pair, World, one_node
from tests.nginx import NginxServer, public_directory


@dataclass
class Front:
    """The service is `world`, with one node; `client` and `nginx` are before it, `edge` is between them."""

    world: World
    nginx: NginxServer
    client: Client
    edge: Path

    def get(self, pair: Pair, query: str = "", method: str = "GET", **headers: str) -> Response:
        """Ask nginx for the emoticon; an underscore in a header's name stands for a hyphen."""
        return self.client.request(
            method,
            f"/emoticon/?username={pair.username}{query}",
            headers={
                "Authorization": f"Bearer {pair.at}",
                **{name.replace("_", "-"): value for name, value in headers.items()},
            },
        )

    def published(self) -> list[Path]:
        """Return all files that are there now."""
        return [
            file for file in (self.edge / "published" / "accounts").rglob("*~*.*") if file.is_file()
        ]

    @contextmanager
    def paused(self) -> Generator[None]:
        """Let the service stand still: what is answered meanwhile, nginx answers alone."""
        pid = self.world.nodes[0].pid
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)


@contextmanager
def front(home: Path, *, main: str = "nginx.conf", **environment: str) -> Generator[Front]:
    """Start both."""
    with public_directory() as public:
        edge, place = public / "edge", public / "nginx"
        place.mkdir()
        settings = {"EMOTICON_EDGE_DIR": str(edge), **environment}
        changes = {
            "_timeout 35s": "_timeout 2s"
        }  # whoever asks while the service stands still does not wait long
        with one_node(home, settings) as world:
            port = urlsplit(world.nodes[0].url).port
            assert port is not None
            nginx = NginxServer(place, app_port=port, edge=edge, main=main, changes=changes)
            none_at_all = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
            with nginx, Client(base_url=nginx.url, timeout=30, cookies=none_at_all) as client:
                yield Front(world, nginx, client, edge)
            assert "Permission denied" not in nginx.log.read_text()


@pytest.fixture(scope="session")
def shared_front(tmp_path_factory: pytest.TempPathFactory) -> Generator[Front]:
    """One for all tests that leave it as it is; each makes accounts of its own."""
    with front(tmp_path_factory.mktemp("front")) as started:
        yield started
