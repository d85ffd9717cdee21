"""What the compose files take from outside, compared with the settings and with .env.example."""

import re
from pathlib import Path

from emoticon.settings import Settings, variable

ROOT = Path(__file__).parents[1]
FILES = ("docker-compose.yml", "docker-compose-test.yml")
KEY = re.compile(r"^ {4,6}([A-Z_]+): ", re.MULTILINE)
FIXED_BY_THE_IMAGE = {"EMOTICON_HOST", "EMOTICON_PORT", "EMOTICON_DATA_DIR"}
OF_NO_USE_HERE = {
    "DATABASE_URL",  # PG_* says the same
    "EMOTICON_METRICS_DIR",  # the service makes its own
    "EMOTICON_TRACING",  # needs what the image does not have, and a way out
}


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_setting_reaches_the_service_or_is_fixed() -> None:
    known = {variable(name) for name in Settings.model_fields}
    given = set(KEY.findall(read("docker-compose.yml")))
    assert known - given == FIXED_BY_THE_IMAGE | OF_NO_USE_HERE


def test_the_example_lists_every_variable_of_the_compose_files_and_no_other() -> None:
    used = {name for file in FILES for name in re.findall(r"(?<!\$)\$\{([A-Z_]+)", read(file))}
    assert set(re.findall(r"^([A-Z_]+)=", read(".env.example"), re.MULTILINE)) == used


def test_the_example_shows_the_defaults_of_the_compose_files() -> None:
    defaults = {
        match for file in FILES for match in re.findall(r"\$\{([A-Z_]+):-([^}]*)\}", read(file))
    }
    shown = set(re.findall(r"^([A-Z_]+)=(.*)$", read(".env.example"), re.MULTILINE))
    assert shown == defaults


def test_the_compose_files_have_nothing_that_one_docker_compose_does_not_know() -> None:
    for file in FILES:
        parts = set(re.findall(r"^([a-z-]+):", read(file), re.MULTILINE))
        assert {part for part in parts if not part.startswith("x-")} <= {
            "services",
            "networks",
            "volumes",
        }


def test_the_two_stacks_share_no_name() -> None:
    named = [read(file).partition("\nservices:\n")[2] for file in FILES]
    first, second = (set(re.findall(r"^  ([a-z-]+):", text, re.MULTILINE)) for text in named)
    assert {"app", "edge"} <= first
    assert {"test", "test-cache"} <= second
    assert not first & second
