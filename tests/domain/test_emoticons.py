"""Whose emoticon is answered, and what is drawn for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from typing_extensions import override

from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import InvalidSize, NotYours, UnknownStyle
from emoticon.domain.models import Account, Format, Look, Style
from emoticon.domain.ports import Generator
from emoticon.domain.tiers import Tiers

ALICE = Account(7, "alice", "alice", "", Look("moods", "alice"), "private", 1, 1, 0)


@dataclass
class Pencil(Generator):
    """Writes what it should draw."""

    revision: str = "1"
    style_names: Sequence[str] = ()
    drawn: list[bytes] = field(default_factory=list)

    @override
    def style(self, name: str) -> Style:
        raise UnknownStyle

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> bytes:
        self.drawn.append(f"{look.seed} {size_px} {picture_format}".encode())
        return self.drawn[-1]


@pytest.fixture
def pencil() -> Pencil:
    return Pencil()


@pytest.fixture
def emoticons(pencil: Pencil) -> Emoticons:
    return Emoticons(Tiers(MemoryTier(2**20), []), pencil)


@pytest.mark.parametrize("username", ["alice", "ALICE", "ａｌｉｃｅ"])
async def test_an_account_gets_its_own_under_its_name_in_any_spelling(
    emoticons: Emoticons, username: str
) -> None:
    picture = await emoticons.own(ALICE, username, 64, Format.WEBP)
    assert (picture.body, picture.size_px) == (b"alice 64 webp", 64)
    assert picture.format.media_type == "image/webp"


@pytest.mark.parametrize("username", ["bob", "alic", "", "\x00", "\ud800", "a" * 10_000])
async def test_every_other_name_is_somebody_elses(
    emoticons: Emoticons, pencil: Pencil, username: str
) -> None:
    with pytest.raises(NotYours) as caught:
        await emoticons.own(ALICE, username, 64, Format.PNG)
    assert caught.value.detail == NotYours.default_detail
    assert not pencil.drawn


@pytest.mark.parametrize("size_px", [15, 513, -1, 10**9])
async def test_a_size_that_is_not_drawn_is_said(
    emoticons: Emoticons, pencil: Pencil, size_px: int
) -> None:
    with pytest.raises(InvalidSize):
        await emoticons.of(ALICE.look, size_px, Format.PNG, owner=7)
    assert not pencil.drawn


async def test_a_picture_is_drawn_once_for_each_look_size_format_and_revision(
    emoticons: Emoticons, pencil: Pencil
) -> None:
    for _ in range(2):
        for look in (ALICE.look, Look("moods", "bob")):
            for size_px in (64, 65):
                for picture_format in Format:
                    await emoticons.of(look, size_px, picture_format, owner=7)
    assert len(pencil.drawn) == len(set(pencil.drawn)) == 16
    pencil.revision = "2"
    await emoticons.of(ALICE.look, 64, Format.PNG, owner=7)
    assert len(pencil.drawn) == 17


async def test_the_entity_tag_is_that_of_the_bytes(emoticons: Emoticons) -> None:
    one = await emoticons.of(ALICE.look, 64, Format.SVG, owner=7)
    other = await emoticons.of(Look("moods", "bob"), 64, Format.SVG, owner=7)
    assert one.etag == f'"{one.digest.hex()}"'
    assert one.etag != other.etag
    assert one.format.media_type == "image/svg+xml"
