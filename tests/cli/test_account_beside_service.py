"""Facts about `emoticon account` beside a running service."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from httpx2 import Client
from tests.e2e.conftest import SECRET, Service
from typer.testing import CliRunner

from emoticon.cli import app
from emoticon.settings import Settings, variable

PASSWORD = "seven green boats at noon"
OTHER = "nine red boats at midnight"


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, database: str) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", database)
    monkeypatch.setenv("JWT_SECRET", SECRET)


def account(*arguments: str, given: str) -> None:
    result = CliRunner().invoke(app, ["account", *arguments], input=given)
    assert result.exit_code == 0, result.output


def token(client: Client, name: str, password: str) -> str | None:
    answer = client.post("/auth/sign-in", data={"username": name, "password": password})
    assert answer.status_code in {200, 401}, answer.text
    value: str | None = answer.json().get("access_token")
    return value


def dead(client: Client, access: str) -> bool:
    answer = client.get("/auth/user", headers={"Authorization": f"Bearer {access}"})
    assert answer.status_code in {200, 401}, answer.text
    return answer.status_code == 401


def wait_until(condition: Callable[[], bool]) -> float:
    """Return after how many seconds it holds."""
    began = time.monotonic()
    while not condition():
        assert time.monotonic() - began < 10
        time.sleep(0.02)
    return time.monotonic() - began


def test_a_running_service_obeys_within_about_a_second(database: str, tmp_path: Path) -> None:
    with (
        Service(tmp_path / "data", {"DATABASE_URL": database, "JWT_SECRET": SECRET}) as service,
        service.client() as client,
    ):
        account("create", "ann", given=PASSWORD)
        for verb, given in {
            "disable": "",
            "sign-out": "",
            "set-password": f"  {OTHER} \t\r\nnot read\n",
            "delete": "ann\n",
        }.items():
            password = f"  {OTHER} \t" if verb == "delete" else PASSWORD
            access = token(client, "ann", password)
            assert access is not None, verb
            assert not dead(client, access)
            account(verb, "ann", given=given)
            took_s = wait_until(partial(dead, client, access))
            assert took_s < 3, verb
            if verb == "disable":
                assert token(client, "ann", PASSWORD) is None
                account("enable", "ann", given="")
            if verb == "set-password":
                assert token(client, "ann", PASSWORD) is None
                assert token(client, "ann", OTHER) is None, "only the end of the line is cut off"
        assert token(client, "ann", OTHER) is None
    for secret in (PASSWORD, OTHER):
        assert secret not in service.errors
