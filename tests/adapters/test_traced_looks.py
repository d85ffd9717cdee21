"""A generator with spans around it lets choose what it lets choose without them."""

import pytest
from tests.domain.artists import Artist

from emoticon.adapters.tracing import TracedGenerator
from emoticon.domain.errors import InvalidLook, UnknownStyle


def test_tracing_changes_nothing_about_options() -> None:
    plain = Artist()
    traced = TracedGenerator(plain)
    assert traced.options("moods") == plain.options("moods")
    traced.check("moods", {"rotate": 1})
    with pytest.raises(InvalidLook):
        traced.check("moods", {"onload": 1})
    for ask in (traced.options, lambda style: traced.check(style, {})):
        with pytest.raises(UnknownStyle):
            ask("gone")
