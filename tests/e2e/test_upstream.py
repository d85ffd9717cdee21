"""One service draws for another."""

from collections.abc import Generator
from pathlib import Path

import pytest
from httpx2 import Client
from tests.e2e.conftest import Service

PASSWORD = "seven green boats at noon"


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """A service whose pictures are for everybody."""
    environment = {"EMOTICON_PUBLIC_GENERATOR": "on"}
    with Service(tmp_path_factory.mktemp("drawing"), environment) as service:
        yield service


@pytest.mark.parametrize(
    "path", ["/a/critters/{seed}.png?size={size}", "/monster/{seed}?size={size}"]
)
def test_a_service_can_draw_for_another(drawing: Service, tmp_path: Path, path: str) -> None:
    environment = {
        "EMOTICON_UPSTREAM_URL": drawing.url + path,
        "EMOTICON_UPSTREAM_TIMEOUT_S": "30",
        "EMOTICON_DEFAULT_STYLE": "upstream",
    }
    with Service(tmp_path, environment) as service, service.client() as client:
        for picture_format in ("png", "webp", "avif"):
            assert own_picture(client, picture_format).startswith("private")


def own_picture(client: Client, picture_format: str) -> str:
    """Return what caches are told of the picture of a new account; a stand-in they may not keep."""
    body = {"username": f"somebody-{picture_format}", "password": PASSWORD}
    pair = client.post("/auth/sign-up", json=body).json()
    answer = client.get(
        "/emoticon/",
        params={"username": body["username"], "format": picture_format},
        headers={"Authorization": f"Bearer {pair['access_token']}"},
    )
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == f"image/{picture_format}"
    return answer.headers["cache-control"]
