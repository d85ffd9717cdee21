"""Facts about the settings of another service that draws."""

import pytest
from tests.settings.reading import refused, set_all

from emoticon.settings import load_settings


def test_by_default_there_is_none() -> None:
    settings = load_settings()
    assert settings.upstream_url is None
    assert (settings.upstream_version, settings.upstream_requests) == (1, 8)
    assert settings.upstream_timeout_s == 2


@pytest.mark.parametrize(
    "url",
    [
        "http://dnmonster:8080/monster/{seed}?size={size}",
        "https://ann:secret@pictures.example/{seed}.png",
        "http://[::1]:8080/?seed={seed}&size={size}&seed={seed}",
    ],
)
def test_a_url_with_a_seed_in_its_path_or_query_is_taken(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    set_all(environment, {"EMOTICON_UPSTREAM_URL": url})
    settings = load_settings()
    assert settings.upstream_url is not None
    assert settings.upstream_url.get_secret_value() == url
    assert url not in repr(settings)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("dnmonster:8080/{seed}", "must be an http:// or https:// URL"),
        ("file:///etc/{seed}", "must be an http:// or https:// URL"),
        ("http:///{seed}", "must be an http:// or https:// URL"),
        ("http://dnmonster:0/{seed}", "must be an http:// or https:// URL"),
        ("http://dnmonster:99999/{seed}", "must be an http:// or https:// URL"),
        ("http://[::1/{seed}", "must be an http:// or https:// URL"),
        ("http://dnmonster/", "must be an http:// or https:// URL"),
        ("http://dnmonster/#{seed}", "must be an http:// or https:// URL"),
        ("http://{seed}.example/{seed}", "must be an http:// or https:// URL"),
        ("http://{size}@example/{seed}", "must be an http:// or https:// URL"),
        ("http://dnmonster/{seed}?name={username}", "has another place"),
        ("http://dnmonster/{seed}{", "has another place"),
        ("http://dnmonster/{seed}{}", "has another place"),
    ],
)
def test_any_other_is_refused_without_repeating_it(url: str, words: str) -> None:
    (line,) = refused(upstream_url=url)
    assert line.startswith("EMOTICON_UPSTREAM_URL ")
    assert words in line
    assert "dnmonster" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("upstream_version", 0),
        ("upstream_timeout_s", 0),
        ("upstream_timeout_s", 61),
        ("upstream_requests", 0),
        ("upstream_requests", 1001),
    ],
)
def test_the_numbers_have_bounds(name: str, value: int) -> None:
    (line,) = refused(**{name: value})
    assert line.startswith(f"EMOTICON_{name.upper()}='{value}' should be ")
