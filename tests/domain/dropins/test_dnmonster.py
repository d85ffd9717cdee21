"""What clients of dnmonster ask for."""

import pytest
from tests.domain.dropins.conftest import Catalogues

from emoticon.domain.dropins.dnmonster import wish
from emoticon.domain.dropins.wishes import Wish
from emoticon.domain.errors import InvalidLook
from emoticon.domain.models import Format, Look
from emoticon.domain.styles import Catalogue


def test_a_monster_is_a_critter_of_the_same_name(catalogue: Catalogue) -> None:
    assert wish(catalogue, "ann", "80") == Wish(Look("critters", "ann"), 80, Format.PNG)


def test_without_a_size_it_is_as_small_as_theirs(catalogue: Catalogue) -> None:
    assert wish(catalogue, "ann", "").size_px == 20


@pytest.mark.parametrize("name", ["a/b", "../..", "a?size=2000", "ä", "%2e", "💀", "x" * 128])
def test_any_text_is_a_name(catalogue: Catalogue, name: str) -> None:
    assert wish(catalogue, name, "").look.seed == name


@pytest.mark.parametrize("name", ["", "x" * 129, "a\0b", "a\r\nb", "\ufffe"])
def test_what_is_no_text_is_not(catalogue: Catalogue, name: str) -> None:
    with pytest.raises(InvalidLook):
        wish(catalogue, name, "")


def test_where_critters_may_not_be_chosen_it_is_of_the_default_style(
    catalogues: Catalogues,
) -> None:
    assert wish(catalogues(("moods",)), "ann", "").look == Look("moods", "ann")
