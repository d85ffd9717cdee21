"""Facts about uploads when the service is killed half-way, and when their store is silent or gone: real processes."""

import asyncio
import json
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest
from httpx2 import Client, Response, TransportError
from tests.e2e.conftest import SECRET, Service, run_command
from tests.images import colour, png, similar
from tests.servers import PostgresServer
from tests.stores import S3Server, variables

RED, BLUE = (200, 30, 30), (30, 30, 200)
PASSWORD = "seven green boats at noon"
ENOUGH_S = 60


@dataclass
class Person:
    """An account, and a client of the service."""

    client: Client
    name: str
    token: str = ""

    def __post_init__(self) -> None:
        if not self.token:
            body = {"username": self.name, "password": PASSWORD}
            self.token = self.client.post("/auth/sign-up", json=body).json()["access_token"]

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}

    def upload(self, body: bytes) -> Response:
        return self.client.put("/emoticon/picture", content=body, headers=self.headers)

    def emoticon(self) -> Response:
        query = {"username": self.name}
        return self.client.get("/emoticon/", params=query, headers=self.headers)

    def shows(self, expected: tuple[int, ...]) -> bool:
        answer = self.emoticon()
        assert answer.status_code == 200, answer.text
        return similar(colour(answer.content, 0.5, 0.5), expected)


def until(is_so: Callable[[], bool]) -> None:
    until_s = time.monotonic() + ENOUGH_S
    while not is_so():
        assert time.monotonic() < until_s
        time.sleep(0.02)


@pytest.fixture
def on_postgres(empty_postgres: str, tmp_path: Path) -> dict[str, str]:
    """The settings of a service on PostgreSQL, with its tables."""
    settings = {"DATABASE_URL": empty_postgres, "JWT_SECRET": SECRET}
    done = run_command(tmp_path, "migrate", environment=settings)
    assert done.returncode == 0, done.stderr
    return settings


@contextmanager
def accounts_locked(url: str) -> Generator[None]:
    """Let nobody change an account meanwhile."""
    locked, ends = threading.Event(), threading.Event()

    async def hold() -> None:
        connection = await asyncpg.connect(url.replace("+asyncpg", ""))
        async with connection.transaction():
            await connection.execute("SELECT 1 FROM accounts FOR UPDATE")
            locked.set()
            await asyncio.to_thread(ends.wait)
        await connection.close()

    thread = threading.Thread(target=lambda: asyncio.run(hold()))
    thread.start()
    assert locked.wait(ENOUGH_S)
    try:
        yield
    finally:
        ends.set()
        thread.join()


def rows(postgres: PostgresServer, settings: dict[str, str]) -> list[str]:
    """Return the states of all originals."""
    database = settings["DATABASE_URL"].rpartition("/")[2]
    return postgres.sql("SELECT state FROM originals ORDER BY state", database).split()


def test_killed_between_store_and_database_it_leaves_what_repair_removes(
    postgres: PostgresServer, on_postgres: dict[str, str], tmp_path: Path
) -> None:
    blobs = tmp_path / "originals"

    def verified(*options: str) -> tuple[int, dict[str, object]]:
        words = ("cache", "verify", "--older-than-s", "0", "--json", *options)
        done = run_command(tmp_path, *words, environment=on_postgres)
        return done.returncode, json.loads(done.stdout)["originals"]

    with Service(tmp_path, on_postgres) as service, service.client() as client:
        ann = Person(client, "ann")
        style = ann.emoticon().content

        def lose() -> None:
            with pytest.raises(TransportError):
                ann.upload(png(*RED))

        with accounts_locked(on_postgres["DATABASE_URL"]):
            uploading = threading.Thread(target=lose)
            uploading.start()
            until(lambda: any(not path.name.startswith(".") for path in blobs.glob("*")))
            service.stop(signal.SIGKILL)
            uploading.join()
    assert rows(postgres, on_postgres) == ["new"]
    assert len([*blobs.iterdir()]) == 1

    status, found = verified()
    assert (status, found["given_up"], found["clean"]) == (1, 1, False)
    status, found = verified("--repair")
    assert (status, found["given_up"], found["clean"]) == (0, 1, True)
    assert rows(postgres, on_postgres) == []
    assert [*blobs.iterdir()] == []

    with Service(tmp_path, on_postgres) as service, service.client() as client:
        ann = Person(client, "ann", ann.token)
        assert ann.emoticon().content == style
        assert ann.upload(png(*RED)).status_code == 200
        assert ann.shows(RED)
    assert rows(postgres, on_postgres) == ["kept"]
    assert verified()[1]["intact"] == 1


def refused(answer: Response) -> None:
    assert answer.status_code == 503, answer.text
    assert answer.json()["code"] == "originals_unavailable"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["cache-control"] == "no-store"


def test_while_s3_is_silent_or_gone_uploads_fail_and_nothing_else_does(
    on_postgres: dict[str, str], postgres: PostgresServer, tmp_path: Path
) -> None:
    with S3Server() as s3:
        where = {"EMOTICON_STORE_URL": f"s3://{s3.new_bucket()}/emoticons"}
        settings = {
            **on_postgres,
            **variables(s3.port),
            **where,
            "EMOTICON_STORE_TIMEOUT_S": "0.5",
            "EMOTICON_LIMITS": "off",
        }
        with Service(tmp_path, settings) as service, service.client() as client:
            ann, bob = Person(client, "ann"), Person(client, "bob")
            bobs = bob.emoticon().content
            assert ann.upload(png(*RED)).status_code == 200
            assert ann.shows(RED)

            def out_of_order() -> None:
                for _ in range(5):
                    refused(ann.upload(png(*BLUE)))
                    assert ann.shows(RED)
                    assert bob.emoticon().content == bobs
                assert client.get("/readyz").status_code == 200
                anew = bob.client.get(
                    "/emoticon/", params={"username": "bob", "size": 77}, headers=bob.headers
                )
                assert anew.headers["cache-control"] == "private, no-cache"

            s3.process.send_signal(signal.SIGSTOP)
            out_of_order()
            s3.process.send_signal(signal.SIGCONT)
            until(lambda: ann.upload(png(*BLUE)).status_code == 200)
            assert ann.shows(BLUE)
            cid = Person(client, "cid")
            assert cid.upload(png(*BLUE)).status_code == 200
            assert cid.shows(BLUE)
            verify = ("cache", "verify", "--repair", "--older-than-s", "0", "--json")
            until(lambda: run_command(tmp_path, *verify, environment=settings).returncode == 0)
            assert rows(postgres, on_postgres) == ["kept", "kept"]

            s3.stop()
            began_s = time.monotonic()
            for _ in range(5):
                refused(cid.upload(png(*RED)))
            assert time.monotonic() - began_s < ENOUGH_S
            assert cid.shows(BLUE)
            assert bob.emoticon().content == bobs
            assert client.delete("/emoticon/picture", headers=cid.headers).status_code == 204
            assert not cid.shows(BLUE)
        assert rows(postgres, on_postgres)[:1] == ["dropped"]
        done = run_command(tmp_path, "cache", "verify", environment=settings)
        assert done.returncode == 1
        assert "emoticon: uploaded pictures are unavailable" in done.stderr
    assert "AKIDOFTHETESTS" not in service.errors + done.stderr
