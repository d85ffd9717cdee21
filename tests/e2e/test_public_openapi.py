"""Facts about the OpenAPI document of a service whose public generator is on."""

from pathlib import Path

from tests.e2e.conftest import Service
from tests.e2e.openapi_runs import succeeded

from emoticon.app import create_app
from emoticon.settings import Settings

PATHS = {"/a/{style}/{seed}.{format}", "/monster/{id}", "/10.x/{style}/{format}", "/avatar/{hash}"}


def test_it_has_the_paths_of_the_generator_and_only_then() -> None:
    shut = create_app(Settings()).openapi()["paths"]
    wide = create_app(Settings(public_generator="on")).openapi()["paths"]
    assert set(wide) - set(shut) == PATHS
    for path in PATHS:
        (operation,) = wide[path].values()
        assert operation["summary"]
        assert operation["description"]


def test_schemathesis_finds_nothing(tmp_path: Path) -> None:
    settings = {"EMOTICON_PUBLIC_GENERATOR": "on", "EMOTICON_LIMITS": "off"}
    only = ("--include-path-regex", r"^/(a|monster|10\.x|avatar)/")
    with Service(tmp_path / "data", settings) as service:
        found, printed = succeeded(service.url, tmp_path, *only, examples=20)
    assert f"{len(PATHS)} selected" in printed
    assert found == {f"GET {path}" for path in PATHS}, (
        "a run that sees only refusals proves nothing"
    )
