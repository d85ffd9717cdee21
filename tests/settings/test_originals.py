"""Where uploaded pictures are kept, as it may be written."""

import pytest
from tests.settings.reading import refused

from emoticon.settings import load_settings


@pytest.mark.parametrize(
    "url",
    [
        "file:///var/lib/originals",
        "s3://bucket",
        "s3://bucket/",
        "s3://bucket/some/prefix",
        "gs://bucket/prefix",
        "az://container/prefix",
    ],
)
def test_directories_and_buckets_are_taken(environment: pytest.MonkeyPatch, url: str) -> None:
    environment.setenv("EMOTICON_STORE_URL", url)
    given = load_settings().store_url
    assert given is not None
    assert given.get_secret_value() == url


@pytest.mark.parametrize(
    "url",
    [
        "file://",
        "file:///",
        "file://relative",
        "/var/lib",
        "s3://",
        "s3:///prefix",
        "s3://key:hunter2@bucket/prefix",
        "s3://bucket?key=hunter2",
        "s3://bucket/prefix#hunter2",
        "http://bucket/hunter2",
    ],
)
def test_anything_else_is_refused_without_repeating_it(
    environment: pytest.MonkeyPatch, url: str
) -> None:
    environment.setenv("EMOTICON_STORE_URL", url)
    [line] = refused()
    assert line.startswith("EMOTICON_STORE_URL")
    assert line.endswith("must begin with file:///, s3://, gs:// or az://")
    assert "hunter2" not in line
