"""Facts about decoding by itself, in this process and without limits."""

import pytest
from tests.adapters.decoding import bombs
from tests.adapters.decoding.conftest import opened
from tests.adapters.decoding.samples import sample

from emoticon.adapters.decoding import vips
from emoticon.adapters.decoding.headers import Kind
from emoticon.adapters.decoding.messages import Decoding, Pixels
from emoticon.domain.errors import InvalidPicture
from emoticon.domain.models import Box


@pytest.mark.parametrize("box", [None, Box(20, 10, 32)])
@pytest.mark.parametrize("kind", Kind)
def test_pixels_come_of_every_format(kind: Kind, box: Box | None) -> None:
    pixels = vips.decode(Decoding(kind, box, 32, sample(kind)))
    assert (pixels.side_px, pixels.bands, len(pixels.data)) == (32, 3, 3072)


@pytest.mark.parametrize(
    ("box", "reason"), [(Box(0, 0, 9), "few"), (Box(90, 0, 16), "box"), (Box(-1, 0, 16), "box")]
)
def test_a_box_that_is_not_in_the_picture_is_refused(box: Box, reason: str) -> None:
    with pytest.raises(InvalidPicture, match=reason):
        vips.decode(Decoding(Kind.PNG, box, 32, sample("png")))


def test_what_cannot_be_decoded_is_refused() -> None:
    with pytest.raises(InvalidPicture, match="decoded"):
        vips.decode(Decoding(Kind.PNG, None, 32, sample("png")[:400]))


def test_what_turns_out_to_be_too_large_is_refused() -> None:
    with pytest.raises(InvalidPicture, match="many"):
        vips.decode(Decoding(Kind.PNG, None, 32, bombs.png(5000, 5001)))


def test_webp_is_made_of_pixels() -> None:
    image = opened(vips.encode(Pixels(16, 4, bytes((200, 100, 50, 128)) * 256)))
    assert (image.width, image.height, image.bands) == (16, 16, 4)
