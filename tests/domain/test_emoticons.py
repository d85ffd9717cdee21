"""Whose emoticon is answered, and what is drawn for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from tests.accounts import ManualClock
from tests.domain.racks import Rack
from typing_extensions import override

from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.admission import Admission
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import DrawingFailed, InvalidSize, NotYours, UnknownStyle
from emoticon.domain.generators import Generators
from emoticon.domain.media import Generator
from emoticon.domain.models import BUILT_IN, Account, Drawing, Format, Look, Style
from emoticon.domain.ports import Turns
from emoticon.domain.tiers import Tiers

ALICE = Account(7, "alice", "alice", "", Look("moods", "alice"), "private", 1, 1, 0)


@dataclass
class Pencil(Generator):
    """Writes what it should draw."""

    revision: str = "1"
    version: int = 10
    style_names: Sequence[str] = ()
    drawn: list[bytes] = field(default_factory=list)
    took_ms: float = 1.0

    @override
    def style(self, name: str) -> Style:
        raise UnknownStyle

    @override
    async def draw(self, look: Look, size_px: int, picture_format: Format) -> Drawing:
        if look.style == "broken":
            raise DrawingFailed
        self.drawn.append(f"{look.seed} {size_px} {picture_format}".encode())
        return Drawing(self.drawn[-1], self.took_ms)


@dataclass
class Queue(Turns):
    """Notes who asks; it is always the caller's turn."""

    asked: list[bytes] = field(default_factory=list)

    @override
    async def take(self, key: bytes) -> bool:
        self.asked.append(key)
        return True

    @override
    async def give_back(self, key: bytes) -> None:
        pass


@pytest.fixture
def pencil() -> Pencil:
    return Pencil()


@pytest.fixture
def queue() -> Queue:
    return Queue()


@pytest.fixture
def shared() -> Rack:
    return Rack("shared")


@pytest.fixture
def emoticons(pencil: Pencil, shared: Rack, queue: Queue) -> Emoticons:
    admission = Admission(keys=1000, fresh=100)
    tiers = Tiers(MemoryTier(2**20), [shared], admission, queue, clock=ManualClock())
    return Emoticons(tiers, Generators({BUILT_IN: pencil}, "moods"))


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
    assert one.etag == f'"{one.mtime_s:x}-{len(one.body):x}"'
    assert one.mtime_s == int(one.digest.hex()[:10], 16) // 8
    assert one.etag != other.etag
    assert one.format.media_type == "image/svg+xml"


async def test_what_took_long_for_one_seed_is_drawn_in_turn_for_the_next(
    emoticons: Emoticons, pencil: Pencil, queue: Queue
) -> None:
    pencil.took_ms = 20
    for seed, turns in (("a", 0), ("b", 1), ("c", 2)):
        await emoticons.of(Look("glass", seed), 64, Format.PNG, owner=7)
        assert len(queue.asked) == turns
    await emoticons.of(Look("moods", "a"), 64, Format.PNG, owner=7)
    await emoticons.of(Look("glass", "a"), 128, Format.PNG, owner=7)
    await emoticons.of(Look("glass", "a"), 64, Format.SVG, owner=7)
    assert len(queue.asked) == 2


async def test_times_of_sizes_that_are_not_kept_are_not_remembered(emoticons: Emoticons) -> None:
    await emoticons.of(ALICE.look, 65, Format.PNG, owner=7)
    await emoticons.of(ALICE.look, 64, Format.PNG, owner=7)
    assert emoticons.times.expected_ms("moods", Format.PNG, 65) == 0
    assert emoticons.times.expected_ms("moods", Format.PNG, 64) == 1


async def test_warming_draws_what_no_tier_has_and_says_so(
    emoticons: Emoticons, pencil: Pencil, shared: Rack
) -> None:
    assert await emoticons.warm(ALICE.look, 64, Format.PNG, owner=7)
    assert not await emoticons.warm(ALICE.look, 64, Format.PNG, owner=7)
    assert await emoticons.warm(ALICE.look, 64, Format.SVG, owner=7)
    assert (len(pencil.drawn), shared.puts, set(shared.owners.values())) == (2, 2, {7})
    picture = await emoticons.own(ALICE, "alice", 64, Format.PNG)
    assert (picture.body, len(pencil.drawn)) == (b"alice 64 png", 2)


async def test_a_size_that_is_not_kept_is_not_warmed(emoticons: Emoticons, pencil: Pencil) -> None:
    assert not await emoticons.warm(ALICE.look, 65, Format.PNG, owner=7)
    with pytest.raises(InvalidSize):
        await emoticons.warm(ALICE.look, 1000, Format.PNG, owner=7)
    assert not pencil.drawn


async def test_warming_what_cannot_be_drawn_says_why(emoticons: Emoticons) -> None:
    with pytest.raises(DrawingFailed):
        await emoticons.warm(Look("broken", "a"), 64, Format.PNG, owner=7)
