"""Facts about Accept and If-None-Match."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticon.domain.models import Format
from emoticon.web.negotiation import matches, negotiate


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", Format.PNG),
        ("*/*", Format.PNG),
        ("image/*", Format.PNG),
        ("*/*;q=0", Format.PNG),
        ("text/html", Format.PNG),
        ("image/webp", Format.WEBP),
        ("IMAGE/WEBP", Format.WEBP),
        ("image/avif", Format.AVIF),
        ("image/svg+xml", Format.SVG),
        ("image/webp,image/png", Format.WEBP),
        ("image/webp;q=0.5,image/png", Format.PNG),
        ("image/webp;q=0.5,image/png;q=0.4", Format.WEBP),
        ("image/webp;q=0,*/*", Format.PNG),
        ("image/avif;q=0.9,image/webp;q=0.8,*/*;q=0.1", Format.AVIF),
        ("image/avif,image/webp,image/*,*/*;q=0.8", Format.WEBP),
        ("image/svg+xml;q=0.3,*/*;q=0.2", Format.SVG),
        ("image/avif;v=1;q=0.2,image/png;q=0.1", Format.AVIF),
        ("image/avif;q=5", Format.AVIF),
        ("image/png;q=x", Format.PNG),
    ],
)
def test_the_best_format_that_the_client_names_is_chosen(accept: str, chosen: Format) -> None:
    assert negotiate(accept) is chosen


@given(st.text(max_size=3000))
def test_any_accept_header_leads_to_a_format(accept: str) -> None:
    assert negotiate(accept) in Format


@pytest.mark.parametrize(
    ("values", "same"),
    [
        ([], False),
        ([""], False),
        (['"a"'], True),
        (['W/"a"'], True),
        (['"b"', '"a"'], True),
        (['"b" , W/"a"'], True),
        (["*"], True),
        ([" * "], True),
        (["a"], False),
        (['"A"'], False),
        (['"aa"'], False),
        (['"*"'], False),
    ],
)
def test_entity_tags_are_compared_weakly(values: list[str], same: bool) -> None:
    assert matches(values, '"a"') is same
