"""Print URLs of avatars as JSON: those of a file, and those of a client of DiceBear; see client-urls."""

import json
import re
import sys
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

import responses
from dicebear import (  # type: ignore[attr-defined]  # a package that is not in .venv; see client-urls
    DAvatar,
    DColor,
    DOptions,
    DStyle,
)

_CLIENT = "dicebear"


def _urls() -> Iterator[str]:
    """The client asks for each avatar as soon as it has made its URL."""
    plain = DAvatar(DStyle.lorelei, "Ann Müller, née Ng")
    yield from (plain.url_svg, plain.url_png, plain.url_webp, plain.url_avif, plain.url_jpg)
    yield plain.url_json
    options = DOptions(size=96, rotate=10, translateX=-5, backgroundColor=DColor("b6e3f4,c0aede"))
    yield DAvatar(DStyle.pixel_art, "ann", options=options).url_png
    custom = {"eyesVariant": "happy,wink", "facialHairProbability": 0, "topProbability": 100}
    yield DAvatar(DStyle.avataaars, "", custom=custom).url_svg


@responses.activate
def main() -> None:
    """Print all."""
    responses.add(responses.GET, re.compile(".*"), body="<svg/>")
    lines = json.loads(Path(sys.argv[1]).read_text())
    client = f"{_CLIENT} {version(_CLIENT)}"
    lines += [{"client": client, "url": url} for url in _urls()]
    print(json.dumps(lines, indent=1))


if __name__ == "__main__":
    main()
