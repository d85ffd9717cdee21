"""Write requirements/*.txt from pyproject.toml: exact versions with hashes for every platform, no addresses."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
LOCKS = {
    "runtime": ["pyproject.toml"],
    "build": ["--group", "build"],
    "dev": ["pyproject.toml", "--group", "build", "--group", "dev"],
}


def main() -> None:
    """Compile each lock file; the later ones keep the versions of the first."""
    environment = {**os.environ, "UV_CUSTOM_COMPILE_COMMAND": "make lock"}
    for name, sources in LOCKS.items():
        target = f"requirements/{name}.txt"
        constraints = [] if name == "runtime" else ["--constraint", "requirements/runtime.txt"]
        command = [
            *(sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--upgrade", "--universal"),
            *("--python-version", "3.11", "--generate-hashes", "--no-emit-index-url"),
            *("--no-annotate", "--output-file", target, *constraints, *sources),
        ]
        print(f"{target} ...", flush=True)
        subprocess.run(command, cwd=ROOT, env=environment, check=True)


if __name__ == "__main__":
    main()
