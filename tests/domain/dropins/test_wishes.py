"""Sizes as they stand in URLs."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.domain.dropins.conftest import Catalogues

from emoticon.domain.dropins.wishes import exact_size, first_choice, nearest_size
from emoticon.domain.errors import InvalidSize

NO_NUMBERS = ["+128", "-1", "1e9", "NaN", "128.0", "١٢٨", " 128", "128 ", "128\n", "0x80", "9" * 21]


@pytest.mark.parametrize(
    ("text", "size_px"),
    [
        ("", 80),
        ("0", 16),
        ("1", 16),
        ("16", 16),
        ("0128", 128),
        ("512", 512),
        ("513", 512),
        ("6000", 512),
        ("9" * 20, 512),
    ],
)
def test_a_size_of_another_service_is_the_nearest_of_ours(text: str, size_px: int) -> None:
    assert nearest_size(text, 80) == size_px


@pytest.mark.parametrize("text", NO_NUMBERS)
def test_what_is_no_whole_number_in_plain_digits_is_no_size(text: str) -> None:
    for read in (exact_size, lambda text: nearest_size(text, 80)):
        with pytest.raises(InvalidSize):
            read(text)


@pytest.mark.parametrize("text", ["", "0", "0128", "15", "513", "9999", "99999"])
def test_our_own_urls_have_one_way_to_write_each_size_and_no_other_sizes(text: str) -> None:
    with pytest.raises(InvalidSize):
        exact_size(text)


@given(st.integers(16, 512))
def test_a_size_that_is_drawn_is_itself(size_px: int) -> None:
    assert exact_size(str(size_px)) == nearest_size(str(size_px), 80) == size_px


def test_a_style_that_may_not_be_chosen_is_the_default_one(catalogues: Catalogues) -> None:
    assert first_choice(catalogues(), "critters") == "critters"
    assert first_choice(catalogues(("moods", "glass")), "critters") == "moods"
