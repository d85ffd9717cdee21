"""Facts about the settings of the tiers and of metrics."""

import pytest
from tests.settings.reading import refused, set_all

from emoticon.settings import load_settings

URL = "redis://:hunter2@pictures:6379/0"


def test_without_valkey_there_is_no_shared_tier() -> None:
    assert load_settings().shared_tier is None


def test_pictures_go_where_the_news_go_unless_another_place_is_given(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("REDIS_URL", "redis://news")
    assert load_settings().shared_tier == "redis://news"
    environment.setenv("EMOTICON_SHARED_TIER_URL", URL)
    assert load_settings().shared_tier == URL
    environment.setenv("EMOTICON_SHARED_TIER_URL", "off")
    assert load_settings().shared_tier is None


@pytest.mark.parametrize(
    "url",
    [
        *("redis://h", "rediss://h", "unix:///run/valkey.sock"),
        *("redis+cluster://h:7000,i:7000", "rediss+cluster://:p@h"),
    ],
)
def test_one_server_a_cluster_or_a_socket_can_keep_pictures(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    environment.setenv("EMOTICON_SHARED_TIER_URL", url)
    assert load_settings().shared_tier == url


@pytest.mark.parametrize("url", ["h:6379", "http://:hunter2@h", "redis://", "offline", "OFF"])
def test_other_addresses_are_refused_without_repeating_them(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    environment.setenv("EMOTICON_SHARED_TIER_URL", url)
    (line,) = refused()
    assert line.startswith("EMOTICON_SHARED_TIER_URL must begin with redis://")
    assert "hunter2" not in line


def test_a_short_token_for_metrics_is_refused_and_not_repeated(
    environment: pytest.MonkeyPatch,
) -> None:
    environment.setenv("EMOTICON_METRICS_TOKEN", "hunter2")
    (line,) = refused()
    assert line.startswith("EMOTICON_METRICS_TOKEN has less than 16 bytes; make one with")
    assert "hunter2" not in line


def test_no_secret_of_theirs_shows_when_settings_are_printed(
    environment: pytest.MonkeyPatch,
) -> None:
    set_all(
        environment,
        {"EMOTICON_SHARED_TIER_URL": URL, "EMOTICON_METRICS_TOKEN": "a long hunter2 token"},
    )
    assert "hunter2" not in repr(load_settings())
