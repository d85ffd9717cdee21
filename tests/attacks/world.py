"""What attacks are made on: a few `emoticon serve` processes that share their accounts, spoken to over TCP.

Request n + 1 goes to another node than request n, unless a node is named. Nothing here imports the application: what a
token says is read, and what an attacker would sign is signed, by `forging.py` alone.
"""

import itertools
import socket
import sqlite3
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.cookiejar import CookieJar, DefaultCookiePolicy
from pathlib import Path
from threading import Barrier
from typing import Any, Self, TypeVar
from urllib.parse import urlsplit

from httpx2 import Client, Response
from tests.attacks.forging import claims_of
from tests.attacks.serving import LoggingService
from tests.e2e.conftest import Service, run_command
from tests.servers import PostgresServer
from tests.valkey import ValkeyServer

SECRET = "a key for tests that an attacker may know 0123456789abcdef"
PASSWORD = "seven green boats at noon"
SETTINGS = {
    "JWT_SECRET": SECRET,
    "EMOTICON_LIMITS": "off",
    "EMOTICON_SLOW_REQUEST_MS": "600000",  # nobody reads the log while the tests run
}
NEWS_S = 1.0
"""News reach every node within milliseconds by Valkey; this is the bound of the tests."""
BY_POLL_S = 3.0
"""Without Valkey, and from commands on SQLite, they come with the poll of the database, once a second."""

T = TypeVar("T")
_names = itertools.count(1)


@dataclass(frozen=True, slots=True)
class Pair:
    """The tokens of one answer: access `at`, refresh `rt`, and the id `sid` of their session."""

    username: str
    at: str = field(repr=False)
    rt: str = field(repr=False)

    @property
    def sid(self) -> str:
        """The session."""
        return str(claims_of(self.at)["sid"])

    @property
    def version(self) -> int:
        """The version of the account at which the access token was issued."""
        return int(claims_of(self.at)["ver"])


class Node:
    """One process, and a client that keeps no cookies."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.url = service.url
        none_at_all = CookieJar(DefaultCookiePolicy(allowed_domains=[]))
        self.client = Client(base_url=service.url, timeout=30, cookies=none_at_all)

    @property
    def pid(self) -> int:
        """The process."""
        return self.service.process.pid

    def send(self, method: str, path: str, *, at: str | None = None, **options: Any) -> Response:
        """Send one request, with an access token as bearer when there is one; options are those of the client."""
        headers = dict(options.pop("headers", {}))
        if at is not None:
            headers["Authorization"] = f"Bearer {at}"
        return self.client.request(method, path, headers=headers, **options)

    def status(self, at: str) -> int:
        """Return what `GET /auth/user` answers."""
        return self.send("GET", "/auth/user", at=at).status_code

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.client.close()
        self.service.stop()


class World:
    """Nodes with the same accounts. `postgres`, `database` and `valkey` are None on SQLite."""

    def __init__(
        self,
        nodes: Sequence[Node],
        directory: Path,
        environment: Mapping[str, str],
        *,
        postgres: PostgresServer | None = None,
        database: str = "",
        valkey: ValkeyServer | None = None,
    ) -> None:
        self.nodes = nodes
        self.directory = directory
        self.environment = dict(environment)
        self._postgres = postgres
        self._valkey = valkey
        self.database = database
        self._turns = itertools.cycle(nodes)

    @property
    def postgres(self) -> PostgresServer:
        """The server of the accounts, when it is one."""
        assert self._postgres is not None
        return self._postgres

    @property
    def valkey(self) -> ValkeyServer:
        """The server of the news, when there is one."""
        assert self._valkey is not None
        return self._valkey

    def send(self, method: str, path: str, *, node: Node | None = None, **options: Any) -> Response:
        """Send a request to the named node, else to the next in turn; see `Node.send`."""
        return (node or next(self._turns)).send(method, path, **options)

    def sign_up(
        self, username: str | None = None, password: str = PASSWORD, node: Node | None = None
    ) -> Pair:
        """Make an account, by default of a new name."""
        name = username or new_name()
        body = {"username": name, "password": password}
        answer = self.send("POST", "/auth/sign-up", json=body, node=node)
        return pair_of(name, answer, status=201)

    def try_sign_in(
        self, username: str, password: str = PASSWORD, node: Node | None = None
    ) -> Response:
        """Ask for a session."""
        form = {"username": username, "password": password}
        return self.send("POST", "/auth/sign-in", data=form, node=node)

    def sign_in(self, username: str, password: str = PASSWORD, node: Node | None = None) -> Pair:
        """Open a session."""
        return pair_of(username, self.try_sign_in(username, password, node))

    def try_refresh(self, rt: str, node: Node | None = None) -> Response:
        """Ask for the next tokens."""
        return self.send("POST", "/auth/refresh", data={"refresh_token": rt}, node=node)

    def refresh(self, pair: Pair, node: Node | None = None) -> Pair:
        """Return the next tokens."""
        return pair_of(pair.username, self.try_refresh(pair.rt, node))

    def sign_out(self, pair: Pair, node: Node | None = None) -> None:
        """End the session."""
        assert self.send("POST", "/auth/sign-out", at=pair.at, node=node).status_code == 204

    def asks(self, at: str, username: str = "alice") -> list[Response]:
        """Return what the account and the emoticon answer, on each node."""
        query = {"username": username}
        return [
            answer
            for node in self.nodes
            for answer in (
                node.send("GET", "/auth/user", at=at),
                node.send("GET", "/emoticon/", at=at, params=query),
            )
        ]

    def everywhere(self, at: str) -> list[int]:
        """Return the status of `GET /auth/user` on each node, now."""
        return [node.status(at) for node in self.nodes]

    def settled(self, at: str, status: int, *, within_s: float = NEWS_S) -> None:
        """Return as soon as all nodes answer so, and fail when they do not within this time."""
        until(lambda: self.everywhere(at), [status] * len(self.nodes), within_s=within_s)

    def dead(self, *pairs: Pair, within_s: float = NEWS_S) -> None:
        """Return when none of the tokens is good on any node; access tokens may take this time to die."""
        for pair in pairs:
            self.settled(pair.at, 401, within_s=within_s)
            for node in self.nodes:
                refused(self.try_refresh(pair.rt, node), 401, "invalid_grant")
            assert set(self.everywhere(pair.at)) == {401}, "it came back"

    def command(self, *words: str) -> str:
        """Run `emoticon ...` as the operator of this world, and return what it prints."""
        home = self.directory if self._postgres is None else self.directory / "operator"
        done = run_command(home, *words, environment=self.environment)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sql(self, statement: str) -> list[str]:
        """Run one statement on the accounts behind the service's back; return rows, fields divided by `|`."""
        if self._postgres is not None:
            return self._postgres.sql(statement, self.database).splitlines()
        with closing(sqlite3.connect(self.directory / "accounts.sqlite3", timeout=30)) as file:
            rows = file.execute(statement).fetchall()
            file.commit()
        return ["|".join("" if value is None else str(value) for value in row) for row in rows]

    # Values are put into SQL as they are: all of them are the tests' own.

    def events(self, username: str) -> list[str]:
        """Return what the audit noted about an account, the oldest first."""
        account = f"SELECT id FROM accounts WHERE username = '{username}'"  # noqa: S608 - as said
        return self.sql(
            f"SELECT event FROM audit WHERE account_id = ({account}) ORDER BY id"  # noqa: S608 - as said
        )

    def session(self, pair: Pair, columns: str) -> str:
        """Return columns of the session as they are stored."""
        (row,) = self.sql(f"SELECT {columns} FROM sessions WHERE id = '{pair.sid}'")  # noqa: S608 - as said
        return row

    def change_session(self, pair: Pair, change: str) -> None:
        """Set columns of the session, so that no test has to wait for its time to go by."""
        self.sql(f"UPDATE sessions SET {change} WHERE id = '{pair.sid}'")  # noqa: S608 - as said

    @contextmanager
    def another(self, **environment: str) -> Generator[Node]:
        """Start one node more, with what it is given on top of the settings of all; only on PostgreSQL."""
        home = self.directory / f"another-{next(_names)}"
        with Node(LoggingService(home, {**self.environment, **environment})) as node:
            yield node


def new_name() -> str:
    """Return a username that nobody has."""
    return f"person-{next(_names)}"


def pair_of(username: str, answer: Response, status: int = 200) -> Pair:
    """Return the tokens of an answer."""
    assert answer.status_code == status, answer.text
    body = answer.json()
    return Pair(username, body["access_token"], body["refresh_token"])


def refused(answer: Response, status: int, code: str | None = None, *, secret: str = "") -> None:
    """Every error has this shape, is small, is never kept, and repeats nothing of what was sent."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(answer.content) <= 1024
    body = answer.json()
    assert body["status"] == status
    assert isinstance(body["detail"], str)
    assert isinstance(body["code"], str)
    assert code is None or body["code"] == code, body
    assert ("www-authenticate" in answer.headers) == (status == 401)
    assert answer.headers.get("www-authenticate", "Bearer").startswith("Bearer")
    assert ("retry-after" in answer.headers) == (status in {429, 503})
    assert not secret or secret not in answer.text


def status_of(node: Node, request: bytes) -> int:
    """Send a request byte by byte; the answer may come, and the connection close, before all of it is sent."""
    port = urlsplit(node.url).port
    with socket.create_connection(("127.0.0.1", port or 0), timeout=30) as connection:
        with suppress(BrokenPipeError, ConnectionResetError):
            connection.sendall(request)
        try:
            return int(connection.recv(4096).split(maxsplit=2)[1])
        except ConnectionResetError:  # closed with bytes of ours unread: TCP may drop the answer
            return 400


def same(*answers: Response) -> bool:
    """Say whether answers are the same: status, headers but date and request id, and body."""
    shown = {
        (
            answer.status_code,
            tuple(
                sorted(
                    (name, value)
                    for name, value in answer.headers.items()
                    if name not in {"date", "x-request-id"}
                )
            ),
            answer.content,
        )
        for answer in answers
    }
    return len(shown) == 1


def at_once(calls: Sequence[Callable[[], T]]) -> list[T]:
    """Make all calls at the same moment, each in its thread, and return what they return."""
    line = Barrier(len(calls))

    def run(call: Callable[[], T]) -> T:
        line.wait(30)
        return call()

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(run, calls))


def until(ask: Callable[[], T], answer: T, *, within_s: float) -> None:
    """Ask again and again; return at the answer, fail when it does not come within this time."""
    give_up_at = time.monotonic() + within_s
    while (got := ask()) != answer:
        assert time.monotonic() < give_up_at, f"{got}, and not {answer} within {within_s} s"
        time.sleep(0.005)


@contextmanager
def one_node(directory: Path, environment: Mapping[str, str]) -> Generator[World]:
    """A node on SQLite."""
    settings = {**SETTINGS, **environment}
    with Node(LoggingService(directory, settings)) as node:
        yield World([node], directory, settings)


@contextmanager
def three_nodes(
    directory: Path, postgres: PostgresServer, environment: Mapping[str, str], count: int = 3
) -> Generator[World]:
    """Nodes on a new database of this server, with a Valkey of their own."""
    database = f"attacks_{next(_names)}"
    postgres.sql(f"CREATE DATABASE {database} OWNER {postgres.user}")
    with ExitStack() as stack:
        valkey = stack.enter_context(ValkeyServer(directory))
        urls = {"DATABASE_URL": postgres.url(database), "REDIS_URL": valkey.url}
        settings = {**SETTINGS, **urls, **environment}
        done = run_command(directory / "operator", "migrate", environment=settings)
        assert done.returncode == 0, done.stderr
        with ThreadPoolExecutor(count) as threads:
            homes = [directory / f"node-{number}" for number in range(count)]
            services = list(threads.map(lambda home: LoggingService(home, settings), homes))
        nodes = [stack.enter_context(Node(service)) for service in services]
        yield World(nodes, directory, settings, postgres=postgres, database=database, valkey=valkey)
