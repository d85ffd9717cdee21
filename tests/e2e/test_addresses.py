"""Facts about whom the running service takes a client for: the peer, unless a proxy that is trusted names another."""

from pathlib import Path

import pytest
from httpx2 import Client
from tests.e2e.conftest import Service

ANN = {"username": "ann", "password": "seven green boats at noon"}
WRONG = {**ANN, "password": "wrong"}


def sign_in(client: Client, form: dict[str, str], address: str) -> int:
    return client.post("/auth/sign-in", data=form, headers=forwarded(address)).status_code


def forwarded(address: str) -> dict[str, str]:
    """All that proxies write; only the first of them is ever believed."""
    return {
        "X-Forwarded-For": address,
        "X-Forwarded-Proto": "https",
        "X-Real-IP": "198.51.100.1",
        "Forwarded": "for=198.51.100.1",
    }


def address_of_session(client: Client, address: str) -> str:
    answer = client.post("/auth/sign-in", data=ANN, headers=forwarded(address))
    bearer = {"Authorization": f"Bearer {answer.json()['access_token']}"}
    (session,) = client.get("/auth/sessions", headers=bearer).json()["sessions"]
    found: str = session["address"]
    return found


@pytest.mark.parametrize("proxies", ["127.0.0.1", "192.0.2.0/24, 127.0.0.0/8"])
def test_clients_of_a_trusted_proxy_are_limited_one_by_one(tmp_path: Path, proxies: str) -> None:
    settings = {"EMOTICON_TRUSTED_PROXIES": proxies, "EMOTICON_PASSWORD_ATTEMPTS": "2"}
    with Service(tmp_path, settings) as service, service.client() as client:
        assert client.post("/auth/sign-up", json=ANN).status_code == 201
        tried = [sign_in(client, WRONG, "203.0.113.5") for _ in range(3)]
        assert tried == [401, 401, 429]
        assert sign_in(client, ANN, "198.51.100.9, 203.0.113.5") == 429
        assert sign_in(client, ANN, "203.0.113.6") == 200
        assert address_of_session(client, "203.0.113.6") == "203.0.113.6"


@pytest.mark.parametrize("proxies", ["", "192.0.2.0/24"])
def test_nobody_else_is_believed_not_even_on_this_machine(tmp_path: Path, proxies: str) -> None:
    settings = {"EMOTICON_TRUSTED_PROXIES": proxies, "EMOTICON_PASSWORD_ATTEMPTS": "2"}
    with Service(tmp_path, settings) as service, service.client() as client:
        assert client.post("/auth/sign-up", json=ANN).status_code == 201
        assert address_of_session(client, "203.0.113.6") == "127.0.0.1"
        tried = [sign_in(client, WRONG, f"203.0.113.{number}") for number in range(3)]
        assert tried == [401, 401, 429]
