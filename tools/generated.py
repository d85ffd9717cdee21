"""Write the files that are made from the code, or check that they are current with --check."""

import json
import sys
from pathlib import Path

from emoticon.app import create_app
from emoticon.cli.config import reference_page
from emoticon.settings import Settings

ROOT = Path(__file__).parent.parent


def generated() -> dict[str, str]:
    """Return the text of each generated file by its path in the repository."""
    document = create_app(Settings()).openapi()
    return {
        "docs/openapi.json": json.dumps(document, indent=2, ensure_ascii=False) + "\n",
        "docs/configuration.md": reference_page(),
    }


def main() -> None:
    """Write, or name what is stale and end with status 1."""
    stale = []
    for name, text in generated().items():
        path = ROOT / name
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        if "--check" in sys.argv:
            stale.append(name)
        else:
            path.write_text(text, encoding="utf-8")
            print(f"wrote {name}")
    if stale:
        sys.exit(f"not current, run make format: {', '.join(stale)}")


if __name__ == "__main__":
    main()
