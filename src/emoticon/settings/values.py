"""Rules for values that are more than a number: addresses and secrets."""

import re
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_core import PydanticCustomError

MIN_SECRET_BYTES = 32
MIN_METRICS_TOKEN_BYTES = 16
MAX_COLOURS = 64
_EXAMPLE_SECRETS = frozenset(
    {
        "a-string-secret-at-least-256-bits-long",
        "change-me-change-me-change-me-change-me",
        "changemechangemechangemechangeme",
        "replace-me-with-32-or-more-random-bytes",
        "your-256-bit-secret-your-256-bit-secret",
    }
)
HOW_TO_MAKE_ONE = "make one with: openssl rand -hex 32"
_DRIVERS = {
    "postgres": "postgresql+asyncpg",
    "postgresql": "postgresql+asyncpg",
    "postgresql+asyncpg": "postgresql+asyncpg",
    "sqlite": "sqlite+aiosqlite",
    "sqlite+aiosqlite": "sqlite+aiosqlite",
}
REDIS_URL = re.compile(r"(?:rediss?|unix)://.")
STORE_URL = re.compile(r"file:///.|(?:s3|gs|az)://[^/?#@]+(?:/[^?#]*)?$")
_COLOUR = re.compile("#?(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})")
_PLACE = re.compile(r"\{[^}]*\}?")
SHARED_TIER_URL = re.compile(r"(?:rediss?(?:\+cluster)?|unix)://.|off$")


def driver_url(url: str) -> str:
    """Return the address of a database with its asynchronous driver; raises what `wrong` returns."""
    scheme, separator, rest = url.partition("://")
    driver = _DRIVERS.get(scheme)
    if not separator or driver is None:
        raise wrong("must begin with postgresql:// or sqlite:///")
    if driver == "sqlite+aiosqlite":
        if not rest.startswith("/") or len(rest) == 1:
            raise wrong("needs a file: sqlite:///relative/path or sqlite:////absolute/path")
        return f"{driver}://{rest}"
    try:
        parts = urlsplit(f"postgresql://{rest}")
        complete = bool(parts.hostname or "host=" in parts.query) and bool(parts.path.strip("/"))
        _ = parts.port
    except ValueError:
        complete = False
    if not complete:
        raise wrong("needs a host and a database name: postgresql://user:password@host:5432/name")
    return f"{driver}://{rest}"


def require_strength(secret: str, which: str = "") -> None:
    """Return silently for a secret that nobody can guess; raises what `wrong` returns.

    `which` of several it is goes before the message.
    """
    if secret.strip().lower() in _EXAMPLE_SECRETS:
        raise wrong(f"{which}is a published example; {HOW_TO_MAKE_ONE}")
    if len(secret.encode(errors="surrogateescape")) < MIN_SECRET_BYTES:
        raise wrong(f"{which}has less than {MIN_SECRET_BYTES} bytes; {HOW_TO_MAKE_ONE}")


def network(value: object) -> IPv4Network | IPv6Network:
    """Return the network, or that of a single address; raises what `wrong` returns."""
    try:
        return ip_network(str(value))
    except ValueError:
        raise wrong("is no network such as 10.0.0.0/8, nor an address") from None


def wrong(message: str) -> PydanticCustomError:
    """Return an error that says no more than this, to be raised by a validator."""
    return PydanticCustomError("setting", "{message}", {"message": message})


def _known_database(value: SecretStr) -> SecretStr:
    driver_url(value.get_secret_value())
    return value


def _known_redis(value: SecretStr) -> SecretStr:
    if not REDIS_URL.match(value.get_secret_value()):
        raise wrong("must begin with redis://, rediss:// or unix://")
    return value


def _known_shared_tier(value: SecretStr) -> SecretStr:
    if not SHARED_TIER_URL.match(value.get_secret_value()):
        raise wrong(
            "must begin with redis://, rediss://, redis+cluster://, rediss+cluster:// or unix://, or be off"
        )
    return value


def _template(value: SecretStr) -> SecretStr:
    url = value.get_secret_value()
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        good = False
    if not good or "{seed}" not in parts.path + parts.query or "{" in parts.netloc:
        raise wrong("must be an http:// or https:// URL with {seed} in its path or query")
    if set(_PLACE.findall(url)) - {"{seed}", "{size}"}:
        raise wrong("has another place than {seed} and {size}")
    return value


def _store(value: SecretStr) -> SecretStr:
    if not STORE_URL.match(value.get_secret_value()):
        raise wrong("must begin with file:///, s3://, gs:// or az://")
    return value


def _strong(value: SecretStr) -> SecretStr:
    require_strength(value.get_secret_value())
    return value


def _each_strong(value: SecretStr) -> SecretStr:
    for number, secret in enumerate(value.get_secret_value().split(","), 1):
        require_strength(secret.strip(), f"value {number} ")
    return value


def _long(value: SecretStr) -> SecretStr:
    if len(value.get_secret_value()) < MIN_METRICS_TOKEN_BYTES:
        raise wrong(f"has less than {MIN_METRICS_TOKEN_BYTES} bytes; {HOW_TO_MAKE_ONE}")
    return value


def _colours(value: tuple[str, ...]) -> tuple[str, ...]:
    if len(value) > MAX_COLOURS:
        raise wrong(f"has more than {MAX_COLOURS} colours")
    for number, colour in enumerate(value, 1):
        if not _COLOUR.fullmatch(colour):
            raise wrong(f"value {number} is no colour such as 1b9e77")
    return tuple(colour.removeprefix("#").lower() for colour in value)


def _parts(value: object) -> object:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


Count = Annotated[int, Field(ge=1, le=1_000_000)]
AbsolutePath = Annotated[Path, AfterValidator(lambda path: path.expanduser().absolute())]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_known_database)]
RedisUrl = Annotated[SecretStr, AfterValidator(_known_redis)]
SharedTierUrl = Annotated[SecretStr, AfterValidator(_known_shared_tier)]
SigningSecret = Annotated[SecretStr, AfterValidator(_strong)]
SigningSecrets = Annotated[SecretStr, AfterValidator(_each_strong)]
StoreUrl = Annotated[SecretStr, AfterValidator(_store)]
UpstreamUrl = Annotated[SecretStr, AfterValidator(_template)]
Words = Annotated[tuple[str, ...], BeforeValidator(_parts)]
Colours = Annotated[tuple[str, ...], BeforeValidator(_parts), AfterValidator(_colours)]
MetricsToken = Annotated[SecretStr, AfterValidator(_long)]
Network = Annotated[IPv4Network | IPv6Network, BeforeValidator(network)]
Networks = Annotated[tuple[Network, ...], BeforeValidator(_parts)]
