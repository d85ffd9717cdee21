"""Facts about picture keys, and about the frame that guards pictures outside of the process."""

import dataclasses
import struct
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from emoticon.domain.errors import InvalidSize
from emoticon.domain.keeping import Kept, Label
from emoticon.domain.models import Format, Look, Picture
from emoticon.domain.pictures import (
    FRAME_BYTES,
    KEPT_PX,
    KEY_BYTES,
    MAX_PX,
    MIN_PX,
    check_size,
    examine,
    frame,
    key,
    label,
    picture,
    style_tag,
    unframe,
)

KEY = bytes(range(KEY_BYTES))
LOOK = Look(style="moods", seed="alice")
PICTURE = picture(b"<svg/>", Format.SVG, 128)
LABEL = Label(KEY, 7, style_tag("moods"))
FRAMED = frame(LABEL, PICTURE, drawn_at_s=1_800_000_000)
FIELDS = {
    "magic": range(4),
    "format": range(4, 5),
    "unused": range(5, 6),
    "size": range(6, 8),
    "length": range(8, 12),
    "time": range(12, 16),
    "style": range(16, 20),
    "owner": range(20, 28),
    "key": range(28, 44),
    "digest": range(44, 60),
    "check": range(60, 64),
    "body": range(64, len(FRAMED)),
}

keys = st.binary(min_size=KEY_BYTES, max_size=KEY_BYTES)
pictures = st.builds(
    picture, st.binary(max_size=200), st.sampled_from(Format), st.integers(MIN_PX, MAX_PX)
)
owners = st.integers(0, 2**63 - 1)
tags = st.integers(0, 2**32 - 1)
times_s = st.integers(0, 2**33)
labels = st.builds(Label, keys, owners, tags)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def parts_of(framed: bytes) -> list[tuple[int, int]]:
    """Return the first and last byte of the header and, if there is one, of the body."""
    body = [(FRAME_BYTES, len(framed) - 1)] if len(framed) > FRAME_BYTES else []
    return [(0, FRAME_BYTES - 1), *body]


def with_right_check(header: bytes) -> bytes:
    """Return the header with a sum that belongs to it, as a malicious or a newer writer would."""
    return header[:60] + struct.pack(">I", zlib.crc32(header[:60])) + header[64:]


@given(labels, pictures, times_s)
def test_what_is_framed_comes_back_equal(named: Label, drawn: Picture, drawn_at_s: int) -> None:
    data = frame(named, drawn, drawn_at_s=drawn_at_s)
    assert len(data) == FRAME_BYTES + len(drawn.body)
    assert unframe(named.key, data) == drawn
    assert examine(b"ref", data) == Kept(
        b"ref", named, min(drawn_at_s, 2**32 - 1), len(data), intact=True
    )


def test_a_time_beyond_32_bits_is_framed_as_the_last_of_them() -> None:
    for drawn_at_s in (2**32 - 1, 2**32, 2**63):
        assert examine(b"", frame(LABEL, PICTURE, drawn_at_s=drawn_at_s)).drawn_at_s == 2**32 - 1


@pytest.mark.parametrize("picture_format", Format)
def test_every_format_comes_back(picture_format: Format) -> None:
    drawn = picture(b"x", picture_format, 16)
    assert unframe(KEY, frame(Label(KEY, 0), drawn, drawn_at_s=0)) == drawn


def test_the_fields_are_all_of_the_frame() -> None:
    assert [place for field in FIELDS.values() for place in field] == list(range(len(FRAMED)))


@pytest.mark.parametrize("field", FIELDS)
def test_every_single_flipped_bit_of_a_field_makes_it_nothing(field: str) -> None:
    for bit in range(FIELDS[field].start * 8, FIELDS[field].stop * 8):
        damaged = flip(FRAMED, bit)
        assert unframe(KEY, damaged) is None, bit
        assert not examine(b"", damaged).intact, bit


@pytest.mark.parametrize("field", FIELDS)
def test_a_field_cut_short_makes_it_nothing(field: str) -> None:
    for place in FIELDS[field]:
        assert unframe(KEY, FRAMED[:place] + FRAMED[place + 1 :]) is None
    without = FRAMED[: FIELDS[field].start] + FRAMED[FIELDS[field].stop :]
    assert unframe(KEY, without) is None


def test_flipped_bits_anywhere_in_larger_pictures_make_it_nothing() -> None:
    reached: set[str] = set()

    @given(st.data(), labels, pictures, times_s)
    def holds(data: st.DataObject, named: Label, drawn: Picture, drawn_at_s: int) -> None:
        framed = frame(named, drawn, drawn_at_s=drawn_at_s)
        first, last = data.draw(st.sampled_from(parts_of(framed)))
        damaged = framed
        for bit in data.draw(st.sets(st.integers(first * 8, last * 8 + 7), min_size=1, max_size=8)):
            damaged = flip(damaged, bit)
        assert unframe(named.key, damaged) is None
        assert not examine(b"", damaged).intact
        reached.add("body" if first else "header")

    holds()
    assert reached == {"header", "body"}


def test_every_cut_and_every_tail_makes_it_nothing() -> None:
    for length in range(len(FRAMED)):
        assert unframe(KEY, FRAMED[:length]) is None, length
        assert examine(b"r", FRAMED[:length]) == Kept(b"r", Label(b""), 0, length, intact=False)
    assert unframe(KEY, FRAMED + b"\0") is None
    assert unframe(KEY, b"\0" + FRAMED) is None


def test_a_cut_within_the_header_and_one_within_the_body_make_it_nothing() -> None:
    reached: set[str] = set()

    @given(st.data(), pictures)
    def holds(data: st.DataObject, drawn: Picture) -> None:
        framed = frame(Label(KEY, 1), drawn, drawn_at_s=1)
        first, last = data.draw(st.sampled_from(parts_of(framed)))
        assert unframe(KEY, framed[: data.draw(st.integers(first, last))]) is None
        reached.add("body" if first else "header")

    holds()
    assert reached == {"header", "body"}


@given(keys, keys, pictures)
def test_under_any_other_key_it_is_nothing(one: bytes, other: bytes, drawn: Picture) -> None:
    framed = frame(Label(one, 1), drawn, drawn_at_s=1)
    assert unframe(other, framed) == (drawn if one == other else None)


def test_two_pictures_with_their_bodies_swapped_are_nothing() -> None:
    other = frame(Label(KEY, 7), picture(b"<SVG/>", Format.SVG, 128), drawn_at_s=1)
    assert unframe(KEY, FRAMED[:FRAME_BYTES] + other[FRAME_BYTES:]) is None


def test_another_magic_word_is_nothing_even_with_the_right_sum() -> None:
    assert unframe(KEY, with_right_check(b"EMO1" + FRAMED[4:])) is None


def test_an_unknown_format_is_nothing_even_with_the_right_sum() -> None:
    assert unframe(KEY, with_right_check(FRAMED[:4] + b"\x04" + FRAMED[5:])) is None
    assert unframe(KEY, with_right_check(FRAMED[:4] + b"\x01" + FRAMED[5:])) == PICTURE


def test_the_key_of_the_same_wish_is_the_same_and_16_bytes_long() -> None:
    again = Look(style="moods", seed="alice")
    assert key(LOOK, 128, Format.PNG, "r1") == key(again, 128, Format.PNG, "r1")
    assert len(key(LOOK, 128, Format.PNG, "r1")) == KEY_BYTES


def test_a_label_is_the_key_the_owner_and_the_tag_of_the_style() -> None:
    made = label(LOOK, 128, Format.PNG, "r1", owner=9)
    assert made == Label(key(LOOK, 128, Format.PNG, "r1"), 9, style_tag("moods"))


def test_who_looks_the_same_shares_a_key_and_not_a_label() -> None:
    one, other = (label(LOOK, 128, Format.PNG, "r1", owner=owner) for owner in (1, 2))
    assert one.key == other.key
    assert one != other


@given(st.text())
def test_the_tag_of_any_style_fits_into_its_field(style: str) -> None:
    tag = style_tag(style)
    assert examine(b"", frame(Label(KEY, 0, tag), PICTURE, drawn_at_s=0)).label.style_tag == tag


def test_the_tag_of_a_style_is_written_for_ever_and_so_never_changes() -> None:
    assert (style_tag("moods"), style_tag("")) == (1339269516, 0)


def test_each_part_of_the_wish_is_in_the_key() -> None:
    looks = [
        LOOK,
        dataclasses.replace(LOOK, style="micah"),
        dataclasses.replace(LOOK, seed="bob"),
        dataclasses.replace(LOOK, options='{"flip":true}'),
        dataclasses.replace(LOOK, generator="upstream"),
        dataclasses.replace(LOOK, generator_version=11),
    ]
    made = [key(look, 128, Format.PNG, "r1") for look in looks]
    made += [key(LOOK, 129, Format.PNG, "r1"), key(LOOK, 128, Format.SVG, "r1")]
    made += [key(LOOK, 128, Format.PNG, "r2")]
    assert len(set(made)) == len(made)


def test_text_moved_from_one_part_to_its_neighbour_changes_the_key() -> None:
    reached = set()

    def keyed(parts: list[str]) -> bytes:
        generator, revision, style, options, seed = parts
        look = Look(style=style, seed=seed, options=options, generator=generator)
        return key(look, 128, Format.PNG, revision)

    @given(
        st.lists(st.text(min_size=1, max_size=6), min_size=5, max_size=5),
        st.sampled_from([1, 2, 3]),
        st.data(),
    )
    def holds(parts: list[str], left: int, data: st.DataObject) -> None:
        joined = parts[left] + parts[left + 1]
        cut = data.draw(st.integers(0, len(joined)))
        moved = [*parts[:left], joined[:cut], joined[cut:], *parts[left + 2 :]]
        assert (keyed(moved) == keyed(parts)) == (moved == parts)
        if moved != parts:
            reached.add(left)

    holds()
    assert reached == {1, 2, 3}


def test_digits_moved_between_text_and_number_change_the_key() -> None:
    assert key(dataclasses.replace(LOOK, seed="a1"), 28, Format.PNG, "r") != key(
        dataclasses.replace(LOOK, seed="a"), 128, Format.PNG, "r"
    )
    assert key(
        dataclasses.replace(LOOK, generator="g1", generator_version=0), 64, Format.PNG, "r"
    ) != key(dataclasses.replace(LOOK, generator="g", generator_version=10), 64, Format.PNG, "r")
    assert key(dataclasses.replace(LOOK, generator_version=1), 64, Format.PNG, "0r") != key(
        dataclasses.replace(LOOK, generator_version=10), 64, Format.PNG, "r"
    )


@pytest.mark.parametrize("size_px", [MIN_PX, 100, MAX_PX])
def test_a_size_within_the_bounds_is_returned(size_px: int) -> None:
    assert check_size(size_px) == size_px


@pytest.mark.parametrize("size_px", [MIN_PX - 1, MAX_PX + 1, 0, -1])
def test_a_size_outside_of_the_bounds_is_refused(size_px: int) -> None:
    with pytest.raises(InvalidSize):
        check_size(size_px)


def test_every_kept_size_can_be_drawn() -> None:
    assert all(check_size(size_px) for size_px in KEPT_PX)
