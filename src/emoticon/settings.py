"""Every knob of the service: its environment variable, unit, default and bounds.

Values come from the environment only; an empty variable counts as not set, as in an env file. The variables of the
reference service (JWT_SECRET, REDIS_URL, PG_*) keep their names, all others begin with EMOTICON_.
"""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "EMOTICON_"
MIN_SECRET_BYTES = 32
_EXAMPLE_SECRETS = frozenset(
    {
        "a-string-secret-at-least-256-bits-long",
        "change-me-change-me-change-me-change-me",
        "changemechangemechangemechangeme",
        "replace-me-with-32-or-more-random-bytes",
        "your-256-bit-secret-your-256-bit-secret",
    }
)
_HOW_TO_MAKE_ONE = "make one with: openssl rand -hex 32"
_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
_REDIS_URL = re.compile(r"(?:rediss?|unix)://.")
_PG_NAMES = ("PG_USER", "PG_PASS", "PG_DB_NAME", "PG_HOST", "PG_PORT")

Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Settings(BaseSettings):
    """Validated configuration. Construct it once, in the command or in `create_app`, and hand values on."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX,
        env_ignore_empty=True,
        hide_input_in_errors=True,
        extra="ignore",
        frozen=True,
        populate_by_name=True,
    )

    # Serving
    host: str = Field("127.0.0.1", description="Address to listen on; 0.0.0.0 for all.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    workers: int = Field(
        1,
        ge=1,
        le=64,
        description="Processes that serve. More than one needs a database and REDIS_URL.",
    )
    data_dir: Path = Field(
        default_factory=lambda: Path(
            os.environ.get("XDG_DATA_HOME") or "~/.local/share", "emoticon"
        ),
        validate_default=True,
        description="Directory for everything kept without a database server: accounts, generated secret, disk tier.",
    )
    shutdown_s: int = Field(
        30, ge=0, le=3600, description="Seconds that a stop waits for requests under way."
    )
    keep_alive_s: int = Field(
        75,
        ge=1,
        le=3600,
        description="Seconds that an idle connection is kept; above the proxy's own.",
    )
    connections: Count = Field(
        4096, description="Connections and requests at once, per process; one more gets 503."
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="The least level that is logged."
    )
    log_format: Literal["auto", "console", "json"] = Field(
        "auto",
        description="`json` is one object a line; `auto` is `console` on a terminal, else `json`.",
    )
    slow_request_ms: int = Field(
        1000, ge=1, description="Requests that take longer are logged, in milliseconds."
    )

    # Accounts and their database
    database_url: SecretStr | None = Field(
        None,
        validation_alias="DATABASE_URL",
        description="`postgresql://user:password@host:port/name` or `sqlite:///path`. Without it and without PG_*,"
        " a SQLite file in the data directory (embedded mode).",
    )
    pg_user: str | None = Field(None, validation_alias="PG_USER", description="PostgreSQL role.")
    pg_pass: SecretStr | None = Field(None, validation_alias="PG_PASS", description="Its password.")
    pg_db_name: str | None = Field(
        None, validation_alias="PG_DB_NAME", description="Name of the database."
    )
    pg_host: str | None = Field(None, validation_alias="PG_HOST", description="Its host.")
    pg_port: int | None = Field(
        None, ge=1, le=65535, validation_alias="PG_PORT", description="Its port."
    )
    database_wait_s: int = Field(
        60, ge=0, le=86400, description="Seconds that a start waits for the database to come up."
    )
    redis_url: SecretStr | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="`redis://host:port/db` of Valkey or Redis. Checked, and needed for several workers;"
        " no picture is kept there yet.",
    )
    signups: Literal["open", "closed"] = Field(
        "open", description="Whether strangers may make accounts."
    )
    password_min_bytes: int = Field(
        8, ge=1, le=256, description="Least length of a new password, in bytes of UTF-8."
    )
    password_min_score: int = Field(
        2, ge=0, le=4, description="Least zxcvbn score of a new password: 0 (guessed at once) to 4."
    )
    hash_queue: Count = Field(
        50, description="Sign-ins that wait for a password hash; one more gets 503."
    )

    # Tokens
    jwt_secret: SecretStr | None = Field(
        None,
        validation_alias="JWT_SECRET",
        description=f"Key that signs tokens, at least {MIN_SECRET_BYTES} bytes. Required with a database; else it"
        " is generated once and kept in the data directory.",
    )
    issuer: str = Field(
        "emoticon", min_length=1, max_length=200, description="The `iss` claim of tokens."
    )
    access_token_s: int = Field(
        600, ge=10, le=86400, description="Life of an access token, in seconds."
    )
    session_s: int = Field(
        30 * 86400, ge=60, le=400 * 86400, description="Life of a session, in seconds."
    )
    token_policy: Literal["one-token", "one-session", "many-sessions"] = Field(
        "one-token",
        description="`one-token`: any issue of a token expires the older ones; `one-session`: only a new sign-in does;"
        " `many-sessions`: none does.",
    )

    # Pictures
    default_style: str = Field(
        "moods", description="Style of a new account; see `emoticon styles`."
    )
    draw_threads: int = Field(
        0, ge=0, le=256, description="Threads that draw, per process; 0 is one for each core."
    )
    draw_queue: Count = Field(
        256, description="Pictures that wait to be drawn, per process; one more gets 503."
    )
    draw_deadline_s: float = Field(
        10, ge=0.1, le=300, description="Seconds after which a drawing is given up."
    )
    memory_tier_bytes: int = Field(
        64 * 2**20, ge=2**20, description="Pictures kept in memory, per process, in bytes."
    )
    disk_tier_bytes: int = Field(2**30, ge=2**20, description="Pictures kept on disk, in bytes.")

    @field_validator("data_dir")
    @classmethod
    def _absolute(cls, value: Path) -> Path:
        return value.expanduser().absolute()

    @field_validator("database_url")
    @classmethod
    def _known_database(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None:
            _driver_url(value.get_secret_value())
        return value

    @field_validator("redis_url")
    @classmethod
    def _known_redis(cls, value: SecretStr | None) -> SecretStr | None:
        if value is not None and not _REDIS_URL.match(value.get_secret_value()):
            raise _wrong("must begin with redis://, rediss:// or unix://")
        return value

    @field_validator("jwt_secret")
    @classmethod
    def _strong_secret(cls, value: SecretStr | None) -> SecretStr | None:
        if value is None:
            return None
        secret = value.get_secret_value()
        if secret.strip().lower() in _EXAMPLE_SECRETS:
            raise _wrong(f"is a published example; {_HOW_TO_MAKE_ONE}")
        if len(secret.encode(errors="surrogateescape")) < MIN_SECRET_BYTES:
            raise _wrong(f"has less than {MIN_SECRET_BYTES} bytes; {_HOW_TO_MAKE_ONE}")
        return value

    @model_validator(mode="after")
    def _together(self) -> Self:
        given = [name for name in _PG_NAMES if getattr(self, name.lower()) is not None]
        missing = [name for name in _PG_NAMES if name not in given]
        if self.database_url is None and given and missing:
            raise _wrong(f"{', '.join(given)} given, but not {', '.join(missing)}")
        if not self.embedded and self.jwt_secret is None:
            raise _wrong(f"JWT_SECRET is required when a database is given; {_HOW_TO_MAKE_ONE}")
        if self.workers > 1 and (self.embedded or self.redis_url is None):
            raise _wrong("several workers need a database (DATABASE_URL or PG_*) and REDIS_URL")
        return self

    @property
    def embedded(self) -> bool:
        """Whether accounts live in the data directory, because no database was given."""
        return self.database_url is None and self.pg_host is None

    @property
    def database(self) -> str:
        """The URL of the accounts with its asynchronous driver. Holds the password: never print it."""
        if self.database_url is not None:
            return _driver_url(self.database_url.get_secret_value())
        if self.pg_host is None:
            return f"sqlite+aiosqlite:///{self.data_dir / 'accounts.sqlite3'}"
        user = quote(self.pg_user or "", safe="")
        password = quote(self.pg_pass.get_secret_value() if self.pg_pass else "", safe="")
        host = f"[{self.pg_host}]" if ":" in self.pg_host else self.pg_host
        name = quote(self.pg_db_name or "", safe="")
        return f"postgresql+asyncpg://{user}:{password}@{host}:{self.pg_port}/{name}"


class SettingsError(Exception):
    """The environment is wrong; `lines` says what, one readable line for each value."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        super().__init__("\n".join(lines))


def load_settings(**given: Any) -> Settings:
    """Read the environment; what is `given` by field name wins over it.

    Raises:
        SettingsError: something is missing or wrong. Secrets are not repeated in it.
    """
    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        raise SettingsError([_line(dict(problem)) for problem in error.errors()]) from None


def variable(field_name: str) -> str:
    """Return the environment variable of a field."""
    alias = Settings.model_fields[field_name].validation_alias
    return alias if isinstance(alias, str) else PREFIX + field_name.upper()


def unknown_variables(environment: Mapping[str, str]) -> dict[str, str | None]:
    """Return the EMOTICON_ variables that mean nothing here, each with the known one that it resembles, if any."""
    known = {variable(name) for name in Settings.model_fields}
    unknown = sorted(
        name
        for name in environment
        if name.upper().startswith(PREFIX) and name.upper() not in known
    )
    return {name: next(iter(get_close_matches(name, known, 1, 0.85)), None) for name in unknown}


def _driver_url(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    driver = _DRIVERS.get(scheme)
    if not separator or driver is None:
        raise _wrong("must begin with postgresql:// or sqlite:///")
    if driver == "sqlite+aiosqlite":
        if not rest.startswith("/") or len(rest) == 1:
            raise _wrong("needs a file: sqlite:///relative/path or sqlite:////absolute/path")
        return f"{driver}://{rest}"
    try:
        parts = urlsplit(f"postgresql://{rest}")
        complete = bool(parts.hostname or "host=" in parts.query) and bool(parts.path.strip("/"))
        _ = parts.port
    except ValueError:
        complete = False
    if not complete:
        raise _wrong("needs a host and a database name: postgresql://user:password@host:5432/name")
    return f"{driver}://{rest}"


def _wrong(message: str) -> PydanticCustomError:
    return PydanticCustomError("setting", "{message}", {"message": message})


def _line(problem: dict[str, Any]) -> str:
    message = str(problem["msg"]).removeprefix("Input ")
    if not problem["loc"]:
        return message
    field_name = str(problem["loc"][0])
    name = field_name if field_name in _ALIASES else variable(field_name.lower())
    secret = name in _SECRETS
    shown = "" if secret else f"={str(problem['input'])[:60]!r}"
    return f"{name}{shown} {message}"


_ALIASES = {
    variable(name) for name in Settings.model_fields if not variable(name).startswith(PREFIX)
}
_SECRETS = frozenset({"JWT_SECRET", "DATABASE_URL", "REDIS_URL", "PG_PASS"})
