"""Facts about `emoticon cache` beside a running service, which shares its disk tier."""

import re
import time
from collections.abc import Generator
from pathlib import Path

import pytest
from httpx2 import Client
from tests.cli.caches import cache
from tests.e2e.conftest import SECRET, Service

from emoticon.settings import Settings, variable

PATIENCE_S = 20
METRICS = {"Authorization": "Bearer a-token-for-the-metrics"}


@pytest.fixture
def client(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, sqlite_database: str
) -> Generator[Client]:
    """Speaks to a service whose settings the commands have too."""
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    settings = {
        "EMOTICON_DATA_DIR": str(tmp_path / "data"),
        "DATABASE_URL": sqlite_database,
        "JWT_SECRET": SECRET,
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    given = settings | {"EMOTICON_METRICS_TOKEN": METRICS["Authorization"].split()[1]}
    with Service(tmp_path / "data", given) as service, service.client() as client:
        yield client


def sign_up(client: Client, name: str) -> dict[str, str]:
    """Return the headers of a new account."""
    body = {"username": name, "password": "seven green boats at noon"}
    token = client.post("/auth/sign-up", json=body).json()["access_token"]
    return {"Authorization": f"Bearer {token}"}


def look(client: Client, name: str, headers: dict[str, str]) -> None:
    answer = client.get("/emoticon/", params={"username": name}, headers=headers)
    assert answer.status_code == 200, answer.text


def drawings(client: Client) -> float:
    """Return how many pictures the service has drawn."""
    text = client.get("/metrics", headers=METRICS).text
    found = re.findall(r'^emoticon_drawings_total\{format="png"\} (\S+)$', text, re.MULTILINE)
    return float(found[0]) if found else 0.0


def test_what_was_drawn_ahead_is_not_drawn_by_the_service(client: Client) -> None:
    headers = sign_up(client, "ann")
    assert cache("warm", "--top", "1").stdout.startswith("1 drawn")
    look(client, "ann", headers)
    assert drawings(client) == 0


def test_a_purge_of_an_account_reaches_the_memory_of_the_service(client: Client) -> None:
    headers = sign_up(client, "ann")
    for _ in range(2):
        look(client, "ann", headers)
    assert drawings(client) == 1
    assert cache("purge", "--owner", "ann", "--yes").exit_code == 0
    give_up_at = time.monotonic() + PATIENCE_S
    while drawings(client) == 1:
        assert time.monotonic() < give_up_at, "it was never forgotten"
        look(client, "ann", headers)
    assert drawings(client) == 2


def test_every_tier_can_be_looked_through_while_the_service_works(client: Client) -> None:
    headers = sign_up(client, "ann")
    for command in ("stats", "verify", "verify --repair", "compact"):
        look(client, "ann", headers)
        assert cache(*command.split()).exit_code == 0, command
    look(client, "ann", headers)
