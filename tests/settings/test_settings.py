"""Facts about the settings: what is read, what is refused, and in which words."""

import itertools
from ipaddress import ip_network
from pathlib import Path

import pytest
from tests.settings.reading import refused, set_all

from emoticon.settings import Settings, load_settings, unknown_variables, variable

SECRET = "0123456789abcdef0123456789abcdef"
FORMER = "a former secret of 32 bytes or more"
POSTGRES = {
    "PG_USER": "ann",
    "PG_PASS": "p@ss/w:rd #%",
    "PG_DB_NAME": "faces",
    "PG_HOST": "db",
    "PG_PORT": "5433",
}


def test_nothing_set_is_the_embedded_mode_on_loopback(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("HOME", "/home/ann")
    environment.delenv("XDG_DATA_HOME", raising=False)
    settings = load_settings()
    assert settings.embedded
    assert (settings.host, settings.port, settings.workers) == ("127.0.0.1", 8000, 1)
    assert (settings.limits, settings.token_policy) == ("on", "one-token")
    assert settings.data_dir == Path("/home/ann/.local/share/emoticon")
    assert (
        settings.database == "sqlite+aiosqlite:////home/ann/.local/share/emoticon/accounts.sqlite3"
    )


def test_the_data_directory_follows_the_desktop_standard(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("XDG_DATA_HOME", "/data")
    assert load_settings().data_dir == Path("/data/emoticon")
    environment.setenv("EMOTICON_DATA_DIR", "relative")
    assert load_settings().data_dir == Path("relative").absolute()


def test_an_empty_variable_is_not_set(environment: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        environment.setenv(variable(name), "")
    assert load_settings() == Settings()
    assert load_settings().embedded


def test_what_is_given_wins_over_the_environment(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EMOTICON_PORT", "1")
    assert load_settings(port=2).port == 2
    assert load_settings(port=None).port == 1


def test_the_variables_of_the_reference_make_a_database(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, {**POSTGRES, "JWT_SECRET": SECRET, "REDIS_URL": "redis://cache:6379"})
    settings = load_settings()
    assert not settings.embedded
    assert settings.database == ("postgresql+asyncpg://ann:p%40ss%2Fw%3Ard%20%23%25@db:5433/faces")


def test_an_ipv6_host_is_bracketed(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, {**POSTGRES, "PG_HOST": "::1", "JWT_SECRET": SECRET})
    assert "@[::1]:5433/" in load_settings().database


def test_database_url_wins_over_the_parts(environment: pytest.MonkeyPatch) -> None:
    partly = {"PG_HOST": "db"}
    set_all(environment, {**partly, "DATABASE_URL": "postgres://u:p@h/d", "JWT_SECRET": SECRET})
    assert load_settings().database == "postgresql+asyncpg://u:p@h/d"


@pytest.mark.parametrize(
    ("url", "database"),
    [
        ("postgresql://u:p@h:1/d", "postgresql+asyncpg://u:p@h:1/d"),
        ("postgresql+asyncpg://u@h/d", "postgresql+asyncpg://u@h/d"),
        ("postgresql:///d?host=/run/postgresql", "postgresql+asyncpg:///d?host=/run/postgresql"),
        ("sqlite:///relative.db", "sqlite+aiosqlite:///relative.db"),
        ("sqlite:////absolute.db", "sqlite+aiosqlite:////absolute.db"),
    ],
)
def test_usual_database_urls_are_understood(
    environment: pytest.MonkeyPatch, url: str, database: str
) -> None:
    set_all(environment, {"DATABASE_URL": url, "JWT_SECRET": SECRET})
    settings = load_settings()
    assert settings.database == database
    assert not settings.embedded


@pytest.mark.parametrize(
    "url",
    [
        *(
            "mysql://u:hunter2@h/d",
            "postgresql",
            "postgresql://",
            "postgresql://u:hunter2@h",
            "postgresql:///d",
        ),
        *(
            "postgresql://u:hunter2@h:port/d",
            "postgresql://[x/d",
            "sqlite://",
            "sqlite:///",
            "sqlite://host/d",
            "x",
        ),
    ],
)
def test_other_database_urls_are_refused_without_repeating_them(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    set_all(environment, {"DATABASE_URL": url, "JWT_SECRET": SECRET})
    (line,) = refused()
    assert line.startswith("DATABASE_URL ")
    assert "hunter2" not in line


@pytest.mark.parametrize("count", [1, 2, 3, 4])
def test_missing_parts_of_the_database_are_named(
    environment: pytest.MonkeyPatch, count: int
) -> None:
    for given in itertools.combinations(POSTGRES, count):
        for name in POSTGRES:
            environment.delenv(name, raising=False)
        set_all(environment, {name: POSTGRES[name] for name in given})
        (line,) = refused()
        before, _, missing = line.partition("given, but not")
        assert all(name in before for name in given)
        assert all(name in missing for name in POSTGRES if name not in given)


def test_a_database_needs_a_secret(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("DATABASE_URL", "postgres://u:p@h/d")
    (line,) = refused()
    assert line.startswith("JWT_SECRET is required when a database is given")
    assert "openssl rand -hex 32" in line


@pytest.mark.parametrize("with_database", [False, True])
@pytest.mark.parametrize(
    "secret",
    [
        "short",
        "secret",
        "x" * 31,
        "your-256-bit-secret-your-256-bit-secret",
        " CHANGEMEchangemeCHANGEMEchangeme",
    ],
)
def test_a_weak_secret_is_refused_everywhere(
    environment: pytest.MonkeyPatch, secret: str, *, with_database: bool
) -> None:
    environment.setenv("JWT_SECRET", secret)
    if with_database:
        environment.setenv("DATABASE_URL", "postgres://u:p@h/d")
    (line,) = refused()
    assert line.startswith("JWT_SECRET ")
    assert secret not in line.removeprefix("JWT_SECRET ").partition(";")[0]


def test_former_secrets_are_a_list_in_their_order(environment: pytest.MonkeyPatch) -> None:
    assert load_settings().previous_secrets == ()
    environment.setenv("JWT_SECRET_PREVIOUS", "a" * 32)
    assert load_settings().previous_secrets == ("a" * 32,)
    environment.setenv("JWT_SECRET_PREVIOUS", f"{'a' * 32}, {'b' * 40},{'ä' * 16} ")
    assert load_settings().previous_secrets == ("a" * 32, "b" * 40, "ä" * 16)


@pytest.mark.parametrize("weak", ["", "hunter2", "x" * 31, "changemechangemechangemechangeme"])
@pytest.mark.parametrize("place", [0, 1, 2])
def test_each_former_secret_has_to_be_strong_and_the_weak_one_is_named_by_its_place(
    environment: pytest.MonkeyPatch, weak: str, place: int
) -> None:
    parts = ["a" * 32, "b" * 32]
    parts.insert(place, weak)
    environment.setenv("JWT_SECRET_PREVIOUS", ",".join(parts))
    (line,) = refused()
    assert line.startswith(f"JWT_SECRET_PREVIOUS value {place + 1} ")
    assert all(part not in line for part in parts if part)


def test_thirty_two_bytes_are_enough(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("JWT_SECRET", "ä" * 16)
    assert load_settings().jwt_secret is not None


def test_several_workers_need_what_they_share(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EMOTICON_WORKERS", "2")
    assert refused() == ["several workers need a database (DATABASE_URL or PG_*) and REDIS_URL"]
    set_all(environment, {"DATABASE_URL": "postgres://u:p@h/d", "JWT_SECRET": SECRET})
    assert len(refused()) == 1
    environment.setenv("REDIS_URL", "redis://cache:6379/0")
    assert load_settings().workers == 2


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("EMOTICON_PORT", "65536", "EMOTICON_PORT='65536' should be less than or equal to 65535"),
        ("EMOTICON_PORT", "x", "EMOTICON_PORT='x' should be a valid integer"),
        ("EMOTICON_SIGNUPS", "maybe", "EMOTICON_SIGNUPS='maybe' should be 'open' or 'closed'"),
        ("EMOTICON_DRAW_DEADLINE_S", "0", "EMOTICON_DRAW_DEADLINE_S='0' should be greater than"),
        ("REDIS_URL", "http://u:hunter2@h", "REDIS_URL must begin with redis://"),
        ("PG_PORT", "0", "PG_PORT='0' should be greater than or equal to 1"),
        ("EMOTICON_LIMITS", "no", "EMOTICON_LIMITS='no' should be 'on' or 'off'"),
        ("EMOTICON_USERNAMES", "x", "EMOTICON_USERNAMES='x' should be 'ascii' or 'unicode'"),
        ("EMOTICON_TOKEN_SIGNING", "rs256", "EMOTICON_TOKEN_SIGNING='rs256' should be 'hs256' or"),
        ("EMOTICON_TOKEN_POLICY", "any", "EMOTICON_TOKEN_POLICY='any' should be 'one-token', 'one"),
        ("EMOTICON_PASSWORD_ATTEMPTS", "0", "EMOTICON_PASSWORD_ATTEMPTS='0' should be greater"),
        ("EMOTICON_ADDRESS_ATTEMPTS", "-1", "EMOTICON_ADDRESS_ATTEMPTS='-1' should be greater"),
        ("EMOTICON_ADDRESS_SIGNUPS", "x", "EMOTICON_ADDRESS_SIGNUPS='x' should be a valid integer"),
        ("EMOTICON_ATTEMPTS_WINDOW_S", "0", "EMOTICON_ATTEMPTS_WINDOW_S='0' should be greater"),
        ("EMOTICON_REFRESH_GRACE_S", "61", "EMOTICON_REFRESH_GRACE_S='61' should be less than"),
        ("EMOTICON_SESSION_IDLE_S", "0", "EMOTICON_SESSION_IDLE_S='0' should be greater than"),
        ("EMOTICON_SESSION_S", "59", "EMOTICON_SESSION_S='59' should be greater than or equal"),
        ("EMOTICON_VERIFIED_TOKENS", "0", "EMOTICON_VERIFIED_TOKENS='0' should be greater than"),
        ("EMOTICON_NAME_HOLD_DAYS", "0", "EMOTICON_NAME_HOLD_DAYS='0' should be greater than"),
        ("EMOTICON_AUDIT_DAYS", "9999", "EMOTICON_AUDIT_DAYS='9999' should be less than or equal"),
        (
            "EMOTICON_TRUSTED_PROXIES",
            "proxy",
            "EMOTICON_TRUSTED_PROXIES='proxy' is no network such",
        ),
    ],
)
def test_a_wrong_value_is_one_line_that_names_it(
    environment: pytest.MonkeyPatch, name: str, value: str, message: str
) -> None:
    environment.setenv(name, value)
    (line,) = refused()
    assert line.startswith(message)
    assert "hunter2" not in line


def test_proxies_are_networks_of_both_kinds(environment: pytest.MonkeyPatch) -> None:
    assert load_settings().trusted_proxies == ()
    environment.setenv("EMOTICON_TRUSTED_PROXIES", " 10.0.0.0/8,::1 ,, fd00::/8,192.0.2.7,")
    expected = ("10.0.0.0/8", "::1/128", "fd00::/8", "192.0.2.7/32")
    assert load_settings().trusted_proxies == tuple(map(ip_network, expected))
    given = tuple(map(ip_network, expected))
    assert load_settings(trusted_proxies=given).trusted_proxies == given


@pytest.mark.parametrize(
    "wrong",
    [
        "x",
        "10.0.0.1/8",
        "10.0.0.0/33",
        "::1/129",
        "10.0.0",
        "1.2.3.4:80",
        "[::1]",
        "*",
        "proxy.test",
    ],
)
def test_each_wrong_proxy_is_one_line(environment: pytest.MonkeyPatch, wrong: str) -> None:
    environment.setenv("EMOTICON_TRUSTED_PROXIES", f"10.0.0.0/8, {wrong} ,::1,{wrong}")
    line = f"EMOTICON_TRUSTED_PROXIES={wrong!r} is no network such as 10.0.0.0/8, nor an address"
    assert refused() == [line, line]


def test_a_long_wrong_proxy_is_cut(environment: pytest.MonkeyPatch) -> None:
    environment.setenv("EMOTICON_TRUSTED_PROXIES", "x" * 10_000)
    (line,) = refused()
    assert len(line) < 200


def test_an_option_of_the_command_line_is_named_by_its_variable() -> None:
    (line,) = refused(port=70000)
    assert line == "EMOTICON_PORT='70000' should be less than or equal to 65535"


def test_all_wrong_values_are_reported_at_once(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, {"EMOTICON_PORT": "x", "JWT_SECRET": "y", "EMOTICON_WORKERS": "0"})
    environment.setenv("JWT_SECRET_PREVIOUS", "z")
    environment.setenv("EMOTICON_TRUSTED_PROXIES", "q")
    assert len(refused()) == 5


def test_no_secret_shows_when_settings_are_printed(environment: pytest.MonkeyPatch) -> None:
    set_all(environment, {**POSTGRES, "JWT_SECRET": SECRET, "REDIS_URL": "redis://:hunter2@h"})
    environment.setenv("JWT_SECRET_PREVIOUS", f"{FORMER},{FORMER[::-1]}")
    shown = repr(load_settings())
    for secret in (SECRET, FORMER, FORMER[::-1], POSTGRES["PG_PASS"], "hunter2"):
        assert secret not in shown


def test_a_variable_that_looks_like_a_setting_is_found() -> None:
    environment = {"EMOTICON_PROT": "1", "EMOTICON_XYZZY": "1", "emoticon_port": "1", "PATH": "/"}
    assert unknown_variables(environment) == {
        "EMOTICON_PROT": "EMOTICON_PORT",
        "EMOTICON_XYZZY": None,
    }


def test_every_setting_says_what_it_is() -> None:
    for name, field in Settings.model_fields.items():
        assert field.description, name
        assert field.description.endswith("."), name
