"""Facts about the OpenAPI document of a service whose public generator is on."""

import subprocess
import sys
from pathlib import Path

from tests.e2e.conftest import UNMEASURED, Service

from emoticon.app import create_app
from emoticon.settings import Settings

ROOT = Path(__file__).parents[2]
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
    seen = tmp_path / "seen"
    settings = {"EMOTICON_PUBLIC_GENERATOR": "on", "EMOTICON_LIMITS": "off"}
    with Service(tmp_path / "data", settings) as service:
        done = subprocess.run(
            [
                *(sys.executable, "-c", "from schemathesis.cli import schemathesis as s; s()"),
                *("run", f"{service.url}/openapi.json", "--checks", "all", "--max-examples", "20"),
                *("--seed", "1", "--continue-on-failure", "--no-color"),
                *("--include-path-regex", r"^/(a|monster|10\.x|avatar)/"),
            ],
            env={
                **UNMEASURED,
                "SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks",
                "SCHEMATHESIS_SEEN": str(seen),
                "PYTHONPATH": str(ROOT),
            },
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
    assert done.returncode == 0, done.stdout
    assert f"{len(PATHS)} selected" in done.stdout
    succeeded = {
        line.split()[1]
        for line in seen.read_text(encoding="utf-8").splitlines()
        if line.rpartition(" ")[2].startswith("2")
    }
    assert succeeded == PATHS, "a run that sees only refusals proves nothing"
