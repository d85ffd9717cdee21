"""Every knob of the service: its environment variable, unit, default and bounds.

Values come from the environment only; an empty variable counts as not set, as in an env file. The variables of the
reference service (JWT_SECRET, REDIS_URL, PG_*) keep their names, all others begin with EMOTICON_.
"""

import os
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import quote

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from emoticon.settings.looks import LookSettings
from emoticon.settings.pictures import PictureSettings
from emoticon.settings.values import (
    HOW_TO_MAKE_ONE,
    MIN_METRICS_TOKEN_BYTES,
    MIN_SECRET_BYTES,
    AbsolutePath,
    Count,
    DatabaseUrl,
    MetricsToken,
    Networks,
    RedisUrl,
    SigningSecret,
    SigningSecrets,
    driver_url,
    wrong,
)

PREFIX = "EMOTICON_"
_PG_NAMES = ("PG_USER", "PG_PASS", "PG_DB_NAME", "PG_HOST", "PG_PORT")


class ServiceSettings(BaseSettings):
    """A part of Settings."""

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
    data_dir: AbsolutePath = Field(
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
    database_url: DatabaseUrl | None = Field(
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
    redis_url: RedisUrl | None = Field(
        None,
        validation_alias="REDIS_URL",
        description="`redis://host:port/db` of Valkey or Redis: counts attempts for all nodes and tells them at once"
        " which tokens have died. Needed for several workers. Pictures are kept there, too, unless"
        " EMOTICON_SHARED_TIER_URL says where.",
    )
    signups: Literal["open", "closed"] = Field(
        "open", description="Whether strangers may make accounts."
    )
    usernames: Literal["ascii", "unicode"] = Field(
        "ascii",
        description="Letters of a new username: a-z only, or those of any one script (PRECIS, RFC 8265).",
    )
    name_hold_days: int = Field(
        30, ge=1, le=3650, description="Days for which nobody gets the name of a deleted account."
    )
    audit_days: int = Field(
        90,
        ge=1,
        le=3650,
        description="Days for which the audit and sessions that are over are kept.",
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

    # Limits
    limits: Literal["on", "off"] = Field(
        "on", description="Whether attempts are limited; `off` only behind another limiter."
    )
    password_attempts: Count = Field(
        5,
        description="Wrong passwords for one name from one address (an IPv6 /64) within the window; one more gets 429.",
    )
    address_attempts: Count = Field(
        300, description="Passwords tried from one address within the window, whatever the name."
    )
    attempts_window_s: int = Field(
        300, ge=1, le=86400, description="Window of the two above, in seconds."
    )
    address_signups: Count = Field(
        200, description="Accounts made from one address within an hour."
    )
    trusted_proxies: Annotated[Networks, NoDecode] = Field(
        (),
        description="Networks of the proxies whose X-Forwarded-For is believed, divided by commas:"
        " `10.0.0.0/8, ::1`.",
    )

    # Tokens
    jwt_secret: SigningSecret | None = Field(
        None,
        validation_alias="JWT_SECRET",
        description=f"Key that signs tokens, at least {MIN_SECRET_BYTES} bytes. Required with a database; else it"
        " is generated once and kept in the data directory.",
    )
    jwt_secret_previous: SigningSecrets | None = Field(
        None,
        validation_alias="JWT_SECRET_PREVIOUS",
        description="Other values of JWT_SECRET, divided by commas (so none may have one): tokens signed with them are"
        " good, new ones are signed with JWT_SECRET.",
    )
    token_signing: Literal["hs256", "ed25519"] = Field(
        "hs256",
        description="How access tokens are signed. With `ed25519` others can verify them by `/.well-known/jwks.json`;"
        " its keys derive from JWT_SECRET.",
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
    session_idle_s: int = Field(
        14 * 86400,
        ge=1,
        le=400 * 86400,
        description="Seconds without a refresh after which a session is over.",
    )
    refresh_grace_s: int = Field(
        10,
        ge=0,
        le=60,
        description="Seconds, from its first use, in which a refresh token gives the same answer again, for an answer"
        " that was lost and for a second tab; 0 never.",
    )
    verified_tokens: Count = Field(
        20_000, description="Tokens that were checked already and are kept in memory, per process."
    )
    token_policy: Literal["one-token", "one-session", "many-sessions"] = Field(
        "one-token",
        description="`one-token`: any issue of a token, a refresh too, expires the older ones of the account;"
        " `one-session`: only a new sign-in does; `many-sessions`: none does.",
    )

    # Edge
    edge_dir: AbsolutePath | None = Field(
        None,
        description="Directory on a tmpfs that nginx shares: answers are published there as files, see deploy/nginx."
        " Without it they are published in this process.",
    )
    edge_bytes: int = Field(
        64 * 2**20,
        ge=2**20,
        description="Published answers, per process, in bytes; in the directory of all workers together.",
    )

    # Metrics
    access_log_share: float = Field(
        0.0,
        ge=0,
        le=1,
        description="Share of requests, 0 to 1, that are logged; errors and slow ones are logged always.",
    )
    metrics_dir: AbsolutePath | None = Field(
        None,
        description="Directory where the workers of one service put their figures together, so that each answers with"
        " those of all; `emoticon serve` makes one in the data directory when it starts several.",
    )
    metrics_token: MetricsToken | None = Field(
        None,
        description=f"Bearer token for `GET /metrics`, at least {MIN_METRICS_TOKEN_BYTES} bytes; without it there are"
        " no metrics.",
    )

    # Tracing
    tracing: Literal["on", "off"] = Field(
        "off",
        description="Whether requests are traced with OpenTelemetry, configured by its own OTEL_* variables; needs the"
        " extra `emoticon[otel]`.",
    )


class Settings(PictureSettings, LookSettings, ServiceSettings):
    """Validated configuration. Construct it once, in the command or in `create_app`, and hand values on."""

    @model_validator(mode="after")
    def _together(self) -> Self:
        given = [name for name in _PG_NAMES if getattr(self, name.lower()) is not None]
        missing = [name for name in _PG_NAMES if name not in given]
        if self.database_url is None and given and missing:
            raise wrong(f"{', '.join(given)} given, but not {', '.join(missing)}")
        if not self.embedded and self.jwt_secret is None:
            raise wrong(f"JWT_SECRET is required when a database is given; {HOW_TO_MAKE_ONE}")
        if self.workers > 1 and (self.embedded or self.redis_url is None):
            raise wrong("several workers need a database (DATABASE_URL or PG_*) and REDIS_URL")
        return self

    @property
    def embedded(self) -> bool:
        """Whether accounts live in the data directory, because no database was given."""
        return self.database_url is None and self.pg_host is None

    @property
    def shared_tier(self) -> str | None:
        """The URL of the shared tier, None without one. May hold a password: never print it."""
        given = self.shared_tier_url or self.redis_url
        url = given.get_secret_value() if given is not None else "off"
        return None if url == "off" else url

    @property
    def previous_secrets(self) -> tuple[str, ...]:
        """The keys that only verify, as they were given. Never print them."""
        if self.jwt_secret_previous is None:
            return ()
        return tuple(
            part.strip() for part in self.jwt_secret_previous.get_secret_value().split(",")
        )

    @property
    def database(self) -> str:
        """The URL of the accounts with its asynchronous driver. Holds the password: never print it."""
        if self.database_url is not None:
            return driver_url(self.database_url.get_secret_value())
        if self.pg_host is None:
            return f"sqlite+aiosqlite:///{self.data_dir / 'accounts.sqlite3'}"
        user = quote(self.pg_user or "", safe="")
        password = quote(self.pg_pass.get_secret_value() if self.pg_pass else "", safe="")
        host = f"[{self.pg_host}]" if ":" in self.pg_host else self.pg_host
        name = quote(self.pg_db_name or "", safe="")
        return f"postgresql+asyncpg://{user}:{password}@{host}:{self.pg_port}/{name}"
