"""Facts about the running service: its start, its end, and what survives."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil
import pytest
from httpx2 import Client, Response
from tests.e2e.conftest import SECRET, Service, run_command, start
from tests.servers import PostgresServer
from tests.valkey import ValkeyServer

ROOT = Path(__file__).parents[2]
ANN = {"username": "ann", "password": "seven green boats at noon"}


def sign_up(client: Client) -> str:
    answer = client.post("/auth/sign-up", json=ANN)
    assert answer.status_code == 201, answer.text
    token: str = answer.json()["access_token"]
    return token


def sign_in(client: Client) -> str:
    token: str = client.post("/auth/sign-in", data=ANN).json()["access_token"]
    return token


def emoticon(client: Client, token: str, **parameters: str | int) -> Response:
    answer = client.get(
        "/emoticon/",
        params={"username": "ann", **parameters},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status_code == 200, answer.text
    return answer


def test_a_stranger_gets_a_picture(service: Service, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "tools/smoke.py", service.url, tmp_path / "picture.png"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "emoticon  200" in done.stdout
    assert (tmp_path / "picture.png").read_bytes().startswith(b"\x89PNG")


def test_the_same_account_has_the_same_bytes_after_a_restart_and_without_its_disk_tier(
    tmp_path: Path,
) -> None:
    formats = [("png", 128), ("webp", 64), ("svg", 128), ("png", 77)]

    def look(service: Service, token: str) -> list[bytes]:
        with service.client() as client:
            token = token or sign_in(client)
            return [
                emoticon(client, token, format=kind, size=size).content for kind, size in formats
            ]

    with Service(tmp_path, {}) as service, service.client() as client:
        token = sign_up(client)
        first = look(service, token)
    assert list(tmp_path.glob("pictures.sqlite3*"))
    with Service(tmp_path, {}) as service:
        assert look(service, token) == first, "the token and the key outlive the process, too"
    for file in tmp_path.glob("pictures.sqlite3*"):
        file.unlink()
    with Service(tmp_path, {}) as service:
        assert look(service, "") == first


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_idle_service_stops_at_once_and_in_order(tmp_path: Path, number: signal.Signals) -> None:
    service = Service(tmp_path, {})
    with service.client() as client:
        sign_up(client)
        began = time.monotonic()
        status = service.stop(number)
    assert time.monotonic() - began < 5
    assert status == 128 + number
    assert "Traceback" not in service.errors
    assert not list(tmp_path.glob("*-wal")), "every database was closed"


def test_a_request_under_way_is_finished_before_the_end(tmp_path: Path) -> None:
    script = str(ROOT / "tests/e2e/slow_service.py")
    service = Service(tmp_path, {"PYTHONPATH": str(ROOT)}, (script, "2"))
    answers: list[Response] = []
    with service.client() as client:
        token = sign_up(client)
        asking = threading.Thread(target=lambda: answers.append(emoticon(client, token)))
        asking.start()
        assert service.process.stdout is not None
        while "drawing" not in service.process.stdout.readline():
            pass
        assert service.stop() == 143
        asking.join()
    assert answers[0].content.startswith(b"\x89PNG")
    assert "Traceback" not in service.errors


def test_a_taken_port_is_said_plainly(service: Service, tmp_path: Path) -> None:
    port = service.url.rpartition(":")[2]
    done = run_command(tmp_path, "serve", "--port", port)
    assert done.returncode == 1
    assert done.stderr == f"emoticon: cannot listen on 127.0.0.1:{port}: Address already in use\n"


def test_every_wrong_setting_is_one_line_and_status_2(tmp_path: Path) -> None:
    wrong = {"EMOTICON_PORT": "99999", "JWT_SECRET": "short", "EMOTICON_TOKEN_POLICY": "none"}
    done = run_command(tmp_path, "serve", environment=wrong)
    assert done.returncode == 2
    lines = done.stderr.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("emoticon: ") for line in lines)
    assert "short" not in done.stderr


def test_a_variable_that_is_no_setting_is_pointed_out(tmp_path: Path) -> None:
    service = Service(tmp_path, {"EMOTICON_DEFAULT_STILE": "glass", "EMOTICON_TEST_REQUIRE": "all"})
    service.stop()
    assert "EMOTICON_DEFAULT_STILE is not a setting" in service.errors
    assert "did you mean EMOTICON_DEFAULT_STYLE?" in service.errors
    assert "EMOTICON_TEST_REQUIRE" not in service.errors


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"EMOTICON_DEFAULT_STYLE": "nosuch"}, "'nosuch' is not a style"),
        ({"EMOTICON_DATA_DIR": "/dev/null/x"}, "cannot use /dev/null/x: Not a directory"),
    ],
)
def test_a_start_that_cannot_succeed_says_why(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    done = run_command(tmp_path, "serve", environment=environment)
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_damaged_key_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "jwt-secret").write_text("cut")
    done = run_command(tmp_path, "serve")
    assert done.returncode == 1
    assert "restore it, or delete it to sign everybody out" in done.stderr


def test_a_damaged_file_of_accounts_is_said_plainly_and_kept(tmp_path: Path) -> None:
    assert run_command(tmp_path, "migrate").returncode == 0
    file = tmp_path / "accounts.sqlite3"
    damaged = bytearray(file.read_bytes())
    damaged[100:4096] = b"\xff" * 3996  # the list of tables, behind a header that is well
    file.write_bytes(damaged)
    done = run_command(tmp_path, "serve")
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("emoticon: ")
    assert "malformed" in done.stderr
    assert "Traceback" not in done.stderr
    assert file.read_bytes() == damaged


def wait_for_line(process: subprocess.Popen[str], text: str) -> str:
    assert process.stderr is not None
    while line := process.stderr.readline():
        if text in line:
            return line
    raise AssertionError(text)


def test_it_waits_for_a_database_that_comes_later_without_burning_time(
    tmp_path: Path, postgres: PostgresServer, postgres_database: str
) -> None:
    environment = {"DATABASE_URL": postgres_database, "JWT_SECRET": SECRET}
    postgres.stop()
    try:
        process = start(tmp_path, environment)
        first = json.loads(wait_for_line(process, "not there yet"))
        assert first["attempt"] == 1
        watched = psutil.Process(process.pid)
        before = sum(watched.cpu_times()[:2])
        wait_for_line(process, "not there yet")
        wait_for_line(process, "not there yet")
        assert sum(watched.cpu_times()[:2]) - before < 0.25, "three steps are mostly sleep"
    finally:
        postgres.start()
    assert process.stdout is not None
    url = process.stdout.readline().strip().rpartition(" ")[2]
    with Client(base_url=url) as client:
        emoticon(client, sign_up(client))
        assert client.get("/readyz").status_code == 200
    process.terminate()
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 143
    assert postgres.password not in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_can_be_stopped_while_it_waits(
    tmp_path: Path, postgres: PostgresServer, postgres_database: str, number: signal.Signals
) -> None:
    postgres.stop()
    try:
        process = start(tmp_path, {"DATABASE_URL": postgres_database, "JWT_SECRET": SECRET})
        wait_for_line(process, "not there yet")
        process.send_signal(number)
        _, errors = process.communicate(timeout=5)
    finally:
        postgres.start()
    assert process.returncode == 128 + number
    assert errors.endswith("emoticon: stopped while starting\n")


def test_it_gives_up_at_once_on_a_wrong_password(tmp_path: Path, postgres: PostgresServer) -> None:
    url = postgres.url("postgres", password="wr0ng-passw0rd")
    done = run_command(tmp_path, "serve", environment={"DATABASE_URL": url, "JWT_SECRET": SECRET})
    assert done.returncode == 1
    assert "password authentication failed" in done.stderr
    assert "wr0ng-passw0rd" not in done.stderr


def test_it_gives_up_after_the_time_that_was_set(tmp_path: Path) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        url = f"postgresql://u:p@127.0.0.1:{closed.getsockname()[1]}/d"
        environment = {
            "DATABASE_URL": url,
            "JWT_SECRET": SECRET,
            "EMOTICON_DATABASE_WAIT_S": "1",
        }
        done = run_command(tmp_path, "serve", environment=environment)
    assert done.returncode == 1
    assert "did not answer within 1 s" in done.stderr


def test_a_database_without_tables_is_told_the_command_that_makes_them(
    tmp_path: Path, empty_postgres: str
) -> None:
    environment = {"DATABASE_URL": empty_postgres, "JWT_SECRET": SECRET}
    for command in ("serve", "doctor"):
        done = run_command(tmp_path, command, environment=environment)
        assert done.returncode == 1
        assert "run: emoticon migrate" in done.stderr + done.stdout
    done = run_command(tmp_path, "migrate", environment=environment)
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("the schema is at 0004\n")
    with Service(tmp_path, environment) as service, service.client() as client:
        emoticon(client, sign_up(client))


def test_the_variables_of_the_reference_service_lead_to_its_database(
    tmp_path: Path, postgres: PostgresServer, postgres_database: str, empty_valkey: ValkeyServer
) -> None:
    environment = {
        "PG_USER": postgres.user,
        "PG_PASS": postgres.password,
        "PG_DB_NAME": postgres_database.rpartition("/")[2],
        "PG_HOST": "127.0.0.1",
        "PG_PORT": str(postgres.port),
        "REDIS_URL": empty_valkey.url,
        "JWT_SECRET": SECRET,
    }
    with Service(tmp_path, environment) as service, service.client() as client:
        token = sign_up(client)
    assert not (tmp_path / "accounts.sqlite3").exists()
    with Service(tmp_path, {**environment, "EMOTICON_WORKERS": "2"}) as service:
        assert "Emoticon" in service.banner
        for _ in range(8):
            with service.client() as client:
                emoticon(client, token)
        assert service.stop() in {0, 143}


def test_several_workers_that_cannot_start_say_why_once(
    tmp_path: Path, empty_postgres: str
) -> None:
    environment = {
        "DATABASE_URL": empty_postgres,
        "JWT_SECRET": SECRET,
        "REDIS_URL": "redis://127.0.0.1:6379/0",
    }
    done = run_command(tmp_path, "serve", "--workers", "2", environment=environment)
    assert done.returncode == 1
    assert done.stderr.count("run: emoticon migrate") == 1


def test_all_that_was_kept_is_private_to_the_user(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with Service(data, {}) as service, service.client() as client:
        emoticon(client, sign_up(client))
        modes = {path.name: path.stat().st_mode & 0o777 for path in data.iterdir()}
    assert data.stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}, modes
