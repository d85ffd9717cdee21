"""Facts about clients of other services, none of them changed: what they get from this one in the place of theirs."""

import json
from collections.abc import Generator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from httpx2 import Client, Response
from libgravatar import Gravatar
from libravatar import libravatar_url
from tests.e2e import nameserver
from tests.e2e.conftest import Service
from tests.web.test_emoticons import MAGIC, png_size

ANN = "Ann@Example.com"
MADE = json.loads(Path(__file__).with_name("client_urls.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def generous(tmp_path_factory: pytest.TempPathFactory) -> Generator[Service]:
    """A service with its public generator."""
    settings = {"EMOTICON_PUBLIC_GENERATOR": "on"}
    with Service(tmp_path_factory.mktemp("generous"), settings) as running:
        yield running


@pytest.fixture
def client(generous: Service) -> Generator[Client]:
    with generous.client() as client:
        yield client


def here(url: str) -> str:
    """Leave out scheme and host, which operators change in their clients' settings or by DNS."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def width_of(answer: Response) -> int:
    """Return the width of a PNG, which has to be a square."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["access-control-allow-origin"] == "*"
    width, height = png_size(answer.content)
    assert width == height
    return width


@pytest.mark.parametrize(
    ("wish", "width"),
    [
        ({}, 80),
        ({"size": 200, "default": "monsterid"}, 200),
        ({"size": 2047, "default": "retro", "rating": "x"}, 512),
        ({"size": 1, "default": "https://example.com/a.png", "force_default": True}, 16),
        ({"default": "blank", "filetype_extension": True}, 80),
        ({"default": "mm", "use_ssl": False}, 80),
    ],
)
def test_libgravatar_gets_a_picture(client: Client, wish: dict[str, object], width: int) -> None:
    url = Gravatar(ANN).get_image(**wish)
    assert width_of(client.get(here(url))) == width


def test_libgravatar_is_told_that_nobody_is_known(client: Client) -> None:
    url = Gravatar(ANN).get_image(default="404")
    assert client.get(here(url)).status_code == 404


def test_libgravatar_gets_the_same_picture_for_each_way_to_write_an_address(
    client: Client,
) -> None:
    urls = [Gravatar(email).get_image() for email in (ANN, f" {ANN.upper()} ", "bob@example.com")]
    same, also, other = (client.get(here(url)).content for url in urls)
    assert same == also != other


def test_pylibravatar_finds_this_service_by_dns_and_gets_a_picture(generous: Service) -> None:
    port = urlsplit(generous.url).port
    record = f"0 0 {port} 127.0.0.1."
    with nameserver.knowing("_avatars._tcp.example.com.", record), Client() as client:
        url = libravatar_url(ANN, size=64, default="robohash")
        assert url.startswith(f"{generous.url}/avatar/")
        assert width_of(client.get(url)) == 64
        openid = libravatar_url(openid="http://ann@example.com/id")
        assert width_of(client.get(openid)) == 80


def test_without_a_record_pylibravatar_goes_to_libravatar(client: Client) -> None:
    with nameserver.knowing("_avatars._tcp.example.org.", "0 0 80 example.org."):
        url = libravatar_url(ANN, size=64)
    assert "libravatar.org" in url
    assert width_of(client.get(here(url))) == 64


@pytest.mark.parametrize("made", MADE, ids=lambda made: f"{made['client']} {here(made['url'])}")
def test_clients_whose_host_cannot_be_chosen_get_a_picture(
    client: Client, made: dict[str, str]
) -> None:
    """`tools/client-urls` has asked them for these URLs."""
    asked = urlsplit(made["url"]).path.rpartition("/")[2]
    answer = client.get(here(made["url"]))
    assert answer.status_code == 200, answer.text
    if asked == "json":
        assert answer.json()["svg"].startswith("<svg")
    else:
        assert answer.content.startswith(MAGIC.get(asked, MAGIC["png"]))


@pytest.mark.parametrize("name", ["ann", "Ann Müller", "a/b", "a?size=2000", "../..", "a#x"])
def test_the_call_of_a_generator_of_monsters_gets_one(generous: Service, name: str) -> None:
    """As the service is called that this one takes the place of: an HTTP client, an f-string, whatever the name."""
    with Client() as client:
        answer = client.get(f"{generous.url}/monster/{name}", params={"size": 80})
    if name == "../..":
        assert answer.status_code == 404, "a client leaves such parts out before it sends them"
    else:
        assert width_of(answer) == 80


def test_another_service_of_this_kind_can_draw_for_one(generous: Service, tmp_path: Path) -> None:
    settings = {
        "EMOTICON_UPSTREAM_URL": f"{generous.url}/monster/{{seed}}?size={{size}}",
        "EMOTICON_DEFAULT_STYLE": "upstream",
    }
    with Service(tmp_path, settings) as service, service.client() as client:
        ann = {"username": "ann", "password": "seven green boats at noon"}
        token = client.post("/auth/sign-up", json=ann).json()["access_token"]
        bearer = {"Authorization": f"Bearer {token}"}
        answer = client.get("/emoticon/?username=ann&size=96", headers=bearer)
        assert png_size(answer.content) == (96, 96)
        assert answer.headers["cache-control"] == "private, no-cache", "it was not drawn here"
