"""What clients of Gravatar and Libravatar ask for."""

import pytest
from tests.domain.dropins.conftest import Catalogues

from emoticon.domain.dropins.gravatar import STYLES, Instead, seen
from emoticon.domain.errors import InvalidInput
from emoticon.domain.models import Look
from emoticon.domain.styles import Catalogue

MD5 = "0bc83cb571cd1c50ba6f3e8a78ef1346"
SHA256 = "84059b07d4be67b806386c0aad8070a23f18836bbaae342275dc0a83414c32ee"


@pytest.mark.parametrize("digest", [MD5, SHA256])
@pytest.mark.parametrize("suffix", ["", ".png", ".jpg", ".jpeg", ".gif", ".webp"])
def test_a_hash_is_a_seed_however_it_is_written(
    catalogue: Catalogue, digest: str, suffix: str
) -> None:
    look = Look("moods", digest)
    assert seen(catalogue, digest + suffix, "") == seen(catalogue, digest.upper() + suffix, "")
    assert seen(catalogue, digest + suffix, "") == look


@pytest.mark.parametrize(
    "digest",
    ["", "ann", MD5[:-1], MD5 + "0", MD5 + ".exe", MD5 + "\n", "g" * 32, "٣" * 32, "0" * 48],
)
def test_all_else_is_no_hash(catalogue: Catalogue, digest: str) -> None:
    with pytest.raises(InvalidInput):
        seen(catalogue, digest, "")


@pytest.mark.parametrize(("name", "style"), [*STYLES.items(), ("glass", "glass")])
def test_pictures_of_unknown_people_have_styles_of_ours(
    catalogue: Catalogue, name: str, style: str
) -> None:
    assert seen(catalogue, MD5, name) == Look(style, MD5)


@pytest.mark.parametrize(
    "default",
    ["", "https://example.com/a.png", "http://127.0.0.1/", "nosuch", "GLASS", "../x", "x" * 8000],
)
def test_urls_and_words_that_say_nothing_are_as_none(catalogue: Catalogue, default: str) -> None:
    assert seen(catalogue, MD5, default) == Look("moods", MD5)


def test_what_is_no_picture_of_a_style_is_said(catalogue: Catalogue) -> None:
    assert seen(catalogue, MD5, "404") is Instead.NOTHING
    assert seen(catalogue, MD5, "blank") is Instead.BLANK
    assert seen(catalogue, MD5, "mp") is Instead.NEUTRAL
    assert seen(catalogue, MD5, "mm") is Instead.NEUTRAL_BEFORE


def test_styles_that_may_not_be_chosen_are_the_default_one(catalogues: Catalogues) -> None:
    assert seen(catalogues(("moods", "glass")), MD5, "retro") == Look("moods", MD5)


def test_every_style_that_stands_for_one_of_theirs_is_in_the_public_domain(
    catalogue: Catalogue,
) -> None:
    assert {catalogue.style(style).license for style in STYLES.values()} == {"CC0 1.0"}
