"""Pictures with nothing on them."""

import pytest
import pyvips

from emoticon.domain.blanks import blank
from emoticon.domain.errors import InvalidSize


@pytest.mark.parametrize("size_px", [16, 17, 23, 24, 80, 511, 512])
def test_a_blank_picture_has_its_size_and_is_transparent_everywhere(size_px: int) -> None:
    picture = blank(size_px)
    image = pyvips.Image.pngload_buffer(picture.body, fail_on="warning")
    assert (image.width, image.height) == (size_px, size_px)
    assert image.hasalpha()
    assert image[image.bands - 1].max() == 0
    assert len(picture.body) < 200
    assert picture == blank(size_px)


@pytest.mark.parametrize("size_px", [0, 15, 513])
def test_it_has_the_bounds_of_all_pictures(size_px: int) -> None:
    with pytest.raises(InvalidSize):
        blank(size_px)
