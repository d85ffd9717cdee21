"""The styles draw what they draw in JavaScript, where DiceBear comes from.

`tools/javascript-digests` made the table: for each style the SHA-256 of each case's SVG, its first 16 digits.
"""

import json
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

from emoticon.adapters.generators import styles
from emoticon.adapters.generators.lettering import FONT_FAMILY

TABLE: dict[str, Any] = json.loads(Path(__file__).with_name("javascript_digests.json").read_text())


@pytest.fixture(scope="module")
def library() -> styles.Styles:
    return styles.Styles()


def test_the_table_is_of_the_versions_that_draw_here() -> None:
    assert (version("dicebear-core"), version("dicebear-styles")) == (
        TABLE["core"],
        TABLE["styles"],
    )


def test_the_table_has_every_style_with_twenty_seeds_and_the_service_s_options() -> None:
    assert sorted(TABLE["digests"]) == list(styles.names())
    assert len({case["seed"] for case in TABLE["cases"]}) == 20
    plain = [case for case in TABLE["cases"] if case["fontFamily"] == FONT_FAMILY]
    assert len(plain) >= 20


@pytest.mark.parametrize("style", styles.names())
def test_a_style_draws_the_same_svg_as_in_javascript(library: styles.Styles, style: str) -> None:
    drawn = [library.compose(style, case).encode() for case in TABLE["cases"]]
    assert [sha256(svg).hexdigest()[:16] for svg in drawn] == TABLE["digests"][style].split()
