"""Short ids of looks: what is put in comes out, and nothing else does harm."""

import base64
import random
import re
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticon.domain import look_ids
from emoticon.domain.errors import InvalidLook
from emoticon.domain.looks import new_look
from emoticon.domain.styles import MAX_SEED_LENGTH, canonical

SEEDS = st.text(
    st.characters(exclude_categories=["Cc", "Cs"]), min_size=1, max_size=MAX_SEED_LENGTH
) | st.binary(min_size=1, max_size=64).map(bytes.hex)
NAMES = st.from_regex(re.compile("[a-z][a-z-]{0,30}"), fullmatch=True)
VALUES = st.none() | st.booleans() | st.integers(-999, 999) | st.floats(-9, 9) | st.text(max_size=9)
OPTIONS = st.dictionaries(NAMES, VALUES | st.lists(VALUES, max_size=5), max_size=5)


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def deflated(data: bytes) -> bytes:
    packer = zlib.compressobj(9, wbits=-15)
    return packer.compress(data) + packer.flush()


@given(NAMES, SEEDS, OPTIONS)
def test_what_is_put_in_comes_out(style: str, seed: str, options: dict[str, object]) -> None:
    text = canonical(options)
    try:
        look_id = look_ids.encode(style, seed, text)
    except InvalidLook:
        assert len(text) + len(seed) > 500
        return
    found_style, found_seed, found_options = look_ids.decode(look_id)
    assert (found_style, found_seed, canonical(found_options)) == (style, seed, text)
    assert re.fullmatch("[A-Za-z0-9_-]{2,1500}", look_id)


@pytest.mark.parametrize(
    ("style", "letters"), [("moods", 22), ("initials", 26), ("adventurer-neutral", 39)]
)
def test_the_id_of_a_new_look_has_at_most_forty_letters(style: str, letters: int) -> None:
    look = new_look(style)
    assert len(look_ids.encode(look.style, look.seed, look.options)) == letters <= 40


def test_an_id_of_today_is_understood_for_ever() -> None:
    options = {"backgroundColor": ["aabbcc"] * 3}
    for look_id, look in {
        "EW1vb2RzAAABI0VniavN7w": ("moods", "0123456789abcdef", {}),
        "EGdsYXNzAHsicm90YXRlIjoxMH0AWm_Dqw": ("glass", "Zoë", {"rotate": 10}),
        "EsvNz08pZqhWSkpMzk4vyi_NS3HOz8kvUrKKVkpMTEpKTlbSwWDE1jI45uUBAA": (
            "moods",
            "Ann",
            options,
        ),
    }.items():
        assert look_ids.decode(look_id) == look, look_id


def test_options_that_repeat_themselves_are_pressed() -> None:
    text = canonical({"backgroundColor": ["aabbcc"] * 64})
    assert len(look_ids.encode("moods", "Ann", text)) < 100 < len(text)


def test_what_makes_no_short_id_is_refused() -> None:
    dice = random.Random(1)  # noqa: S311 - no secret
    colours = [f"{dice.getrandbits(24):06x}" for _ in range(200)]
    seed = "".join(chr(dice.randrange(0x4E00, 0x9FA5)) for _ in range(MAX_SEED_LENGTH))
    text = canonical({"backgroundColor": colours})
    with pytest.raises(InvalidLook) as caught:
        look_ids.encode("moods", seed, text)
    assert caught.value.detail == "The seed and the options are too long together"
    assert len(look_ids.encode("moods", "Ann", text)) <= look_ids.MAX_LENGTH


PLAIN = b"\x10moods\0\0Ann"


@pytest.mark.parametrize(
    "look_id",
    [
        "",
        "E",
        "EA",
        "é" * 20,
        "E" * 1501,
        "E" * 1_000_000,
        base64url(PLAIN) + "=",
        base64url(PLAIN) + "\n",
        base64url(PLAIN)[:-1] + "!",
        base64url(b"\x00" + PLAIN[1:]),
        base64url(b"\x14" + PLAIN[1:]),
        base64url(b"\x20" + PLAIN[1:]),
        base64url(b"\x10moods"),
        base64url(b"\x10moods\0Ann"),
        base64url(b"\x10moods\0[]\0Ann"),
        base64url(b"\x10moods\0null\0Ann"),
        base64url(b"\x10moods\0{\0Ann"),
        base64url(b"\x10moods\0\xff\0Ann"),
        base64url(b"\x10moods\0" + b"[" * 900 + b"\0Ann"),
        base64url(b'\x10moods\0{"a":' + b"[" * 900 + b"\0Ann"),
        base64url(b"\x10\xff\0\0Ann"),
        base64url(b"\x10moods\0\0\xed\xa0\x80"),
        base64url(b"\x12" + b"\xff" * 20),
        base64url(b"\x12" + deflated(PLAIN[1:])[:-1]),
        base64url(b"\x12" + deflated(PLAIN[1:]) + b"more"),
        base64url(b"\x12" + deflated(b"moods\0\0" + b"a" * 100_000)),
    ],
)
def test_anything_else_is_no_id(look_id: str) -> None:
    with pytest.raises(InvalidLook) as caught:
        look_ids.decode(look_id)
    assert caught.value.detail == "This is no id of a look"


@given(st.binary(max_size=300), st.sampled_from([b"", b"\x10", b"\x11", b"\x12", b"\x13"]))
def test_no_bytes_do_harm(data: bytes, head: bytes) -> None:
    try:
        style, seed, options = look_ids.decode(base64url(head + data))
    except InvalidLook:
        return
    assert len(style) + len(seed) + len(options) <= 8192
