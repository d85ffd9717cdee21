"""Facts about the pictures of accounts that were deleted, over real processes and a real Valkey."""

import json
import time
from pathlib import Path

from httpx2 import Client
from tests.e2e.conftest import SECRET, Service, run_command
from tests.valkey import ValkeyServer

PASSWORD = "seven green boats at noon"
SIZES_PX = (16, 64, 128)
PATIENCE_S = 20


def sign_up(client: Client, username: str) -> tuple[int, str]:
    """Return id and token of a new account."""
    body = {"username": username, "password": PASSWORD}
    token = client.post("/auth/sign-up", json=body).json()["access_token"]
    user = client.get("/auth/user", headers={"Authorization": f"Bearer {token}"})
    return user.json()["id"], token


def look_at(client: Client, username: str, token: str) -> None:
    """Ask for pictures twice, so that they are worth a place in the outer tiers; the edge would keep them from that."""
    for around_the_edge in ("1", "2"):
        for size_px in SIZES_PX:
            answer = client.get(
                "/emoticon/",
                params={"username": username, "size": size_px, "x": around_the_edge},
                headers={"Authorization": f"Bearer {token}"},
            )
            assert answer.status_code == 200, answer.text


def environment(tmp_path: Path, valkey: ValkeyServer) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{tmp_path / 'accounts.db'}",
        "JWT_SECRET": SECRET,
        "REDIS_URL": valkey.url,
    }


def left(tmp_path: Path, settings: dict[str, str], owner: int) -> tuple[int, dict[str, object]]:
    """Return the status of `emoticon cache verify` and what it found of the owner."""
    arguments = ("cache", "verify", "--owner", str(owner), "--json")
    done = run_command(tmp_path, *arguments, environment=settings)
    return done.returncode, json.loads(done.stdout)


def wait_until_nothing_is_left(tmp_path: Path, settings: dict[str, str], owner: int) -> None:
    give_up_at = time.monotonic() + PATIENCE_S
    status, found = left(tmp_path, settings, owner)
    while status and time.monotonic() < give_up_at:
        status, found = left(tmp_path, settings, owner)
    assert status == 0, found


def test_a_deletion_reaches_a_valkey_that_did_not_answer_and_spares_the_others(
    tmp_path: Path, empty_valkey: ValkeyServer
) -> None:
    settings = environment(tmp_path, empty_valkey)
    assert run_command(tmp_path, "migrate", environment=settings).returncode == 0
    with Service(tmp_path, settings) as service, service.client() as client:
        ann, token = sign_up(client, "ann")
        bob, other = sign_up(client, "bob")
        look_at(client, "ann", token)
        look_at(client, "bob", other)
        give_up_at = time.monotonic() + PATIENCE_S
        while not left(tmp_path, settings, ann)[0] or not left(tmp_path, settings, bob)[0]:
            assert time.monotonic() < give_up_at, "they were never kept"
        empty_valkey.pause()
        answer = client.request(
            "DELETE",
            "/auth/user",
            json={"password": PASSWORD},
            headers={"Authorization": f"Bearer {token}"},
        )
        assert answer.status_code == 204, answer.text
        assert left(tmp_path, settings, ann)[0] == 1, "one tier cannot be asked"
        empty_valkey.resume()
        wait_until_nothing_is_left(tmp_path, settings, ann)
        assert left(tmp_path, settings, bob)[0] == 1, "those of another account stay"


def test_a_deletion_while_no_service_runs_is_made_up_for_by_the_next(
    tmp_path: Path, empty_valkey: ValkeyServer
) -> None:
    settings = environment(tmp_path, empty_valkey)
    assert run_command(tmp_path, "migrate", environment=settings).returncode == 0
    with Service(tmp_path, settings) as service, service.client() as client:
        ann, token = sign_up(client, "ann")
        look_at(client, "ann", token)
    assert left(tmp_path, settings, ann)[0] == 1
    deleted = run_command(tmp_path, "account", "delete", "ann", "--yes", environment=settings)
    assert deleted.returncode == 0, deleted.stderr
    assert left(tmp_path, settings, ann)[0] == 1
    with Service(tmp_path, settings):
        wait_until_nothing_is_left(tmp_path, settings, ann)
