"""Facts about what the service and a process with a picture tell each other."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticon.adapters.decoding import messages, refusals
from emoticon.adapters.decoding.headers import Kind
from emoticon.adapters.decoding.messages import Decoding, Pixels
from emoticon.domain.errors import InvalidPicture
from emoticon.domain.models import Box

WISHES = [
    Decoding(Kind.AVIF, None, 512, b"\n{}\n"),
    Decoding(Kind.PNG, Box(-1, 10**30, 16), 512, b""),
    Pixels(16, 3, b"\n" * 768),
]


@pytest.mark.parametrize("wish", WISHES)
def test_what_is_asked_for_is_what_is_understood(wish: messages.Wish) -> None:
    assert messages.wish(messages.request(wish)) == wish


def test_pixels_come_as_they_were() -> None:
    pixels = Pixels(16, 4, bytes(range(256)) * 4)
    assert messages.pixels(messages.done(pixels), 512) == pixels


@pytest.mark.parametrize(
    "detail",
    [
        refusals.UNREADABLE,
        refusals.TOO_LARGE,
        refusals.TOO_SMALL,
        refusals.TOO_MANY_FRAMES,
        refusals.BOX_OUTSIDE,
        refusals.TOO_LONG,
    ],
)
def test_a_refusal_comes_with_its_reason(detail: str) -> None:
    with pytest.raises(InvalidPicture) as caught:
        messages.body(messages.refused(InvalidPicture(detail)))
    assert caught.value.detail == detail


@given(st.binary(max_size=100))
def test_an_answer_that_is_none_is_a_refusal_in_our_own_words(answer: bytes) -> None:
    with pytest.raises(InvalidPicture) as caught:
        messages.pixels(answer, 512)
    assert caught.value.detail.startswith(("This picture", "The box"))


def test_a_square_without_a_size_is_a_refusal() -> None:
    with pytest.raises(InvalidPicture):
        messages.pixels(b"\0\0", 512)


@pytest.mark.parametrize("side_px", [15, 513])
def test_a_square_of_another_size_than_asked_for_is_a_refusal(side_px: int) -> None:
    answer = messages.done(Pixels(side_px, 3, bytes(3 * side_px**2)))
    with pytest.raises(InvalidPicture):
        messages.pixels(answer, 512)
