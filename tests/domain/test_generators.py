"""Who draws a look, and what is shown when that one cannot."""

from collections.abc import Mapping

import pytest
from tests.accounts import ManualClock
from tests.domain.test_emoticons import Pencil

from emoticon.adapters.tiers.memory import MemoryTier
from emoticon.domain.admission import Admission
from emoticon.domain.emoticons import Emoticons
from emoticon.domain.errors import DrawingFailed
from emoticon.domain.generators import Generators
from emoticon.domain.models import BUILT_IN, ORIGINAL, Format, Look
from emoticon.domain.tiers import Tiers

OLD = Look("moods", "a", '{"flip":true}', generator_version=9)
FOREIGN = Look("monster", "a", generator="upstream", generator_version=3)
PHOTO = Look("moods", "a", original="0123")
GONE = Look("monster", "a", generator="closed", generator_version=1)


@pytest.fixture
def pencils() -> Mapping[str, Pencil]:
    return {name: Pencil(revision=name) for name in (BUILT_IN, "upstream", ORIGINAL)}


@pytest.fixture
def generators(pencils: Mapping[str, Pencil]) -> Generators:
    return Generators(pencils, "shapes")


@pytest.fixture
def emoticons(generators: Generators) -> Emoticons:
    admission = Admission(keys=1000, fresh=100)
    return Emoticons(Tiers(MemoryTier(2**20), [], admission, clock=ManualClock()), generators)


@pytest.mark.parametrize(
    ("look", "name"),
    [(Look("moods", "a"), BUILT_IN), (OLD, BUILT_IN), (FOREIGN, "upstream"), (PHOTO, ORIGINAL)],
)
def test_a_look_is_drawn_by_its_generator_and_an_upload_by_that_of_uploads(
    generators: Generators, pencils: Mapping[str, Pencil], look: Look, name: str
) -> None:
    assert generators.of(look) is pencils[name]


def test_a_generator_that_is_gone_draws_nothing(generators: Generators) -> None:
    with pytest.raises(DrawingFailed) as caught:
        generators.of(GONE)
    assert caught.value.detail == "There is no generator closed here"


@pytest.mark.parametrize(
    ("look", "instead"),
    [
        (Look("moods", "a"), Look("moods", "a")),
        (OLD, Look("moods", "a", '{"flip":true}')),
        (FOREIGN, Look("shapes", "a")),
        (GONE, Look("shapes", "a")),
        (PHOTO, Look("moods", "a")),
    ],
)
def test_in_its_place_stands_what_the_built_in_one_makes_of_it(
    generators: Generators, look: Look, instead: Look
) -> None:
    assert generators.stand_in(look) == instead


async def test_what_cannot_be_drawn_is_replaced_and_said_to_be(
    emoticons: Emoticons, pencils: Mapping[str, Pencil]
) -> None:
    broken = Look("broken", "b", generator="upstream")
    for look in (GONE, broken):
        picture = await emoticons.of(look, 64, Format.PNG, owner=7)
        assert picture.stand_in
        assert picture.body == f"{look.seed} 64 png".encode()
    assert len(pencils[BUILT_IN].drawn) == 2
    own = await emoticons.of(Look("shapes", "a"), 64, Format.PNG, owner=7)
    assert not own.stand_in


async def test_for_the_built_in_one_nobody_stands_in(emoticons: Emoticons) -> None:
    with pytest.raises(DrawingFailed):
        await emoticons.of(Look("broken", "a"), 64, Format.PNG, owner=7)


async def test_an_upload_and_its_style_are_two_pictures(
    emoticons: Emoticons, pencils: Mapping[str, Pencil]
) -> None:
    for look in (PHOTO, Look("moods", "a"), Look("moods", "a", original="4567")):
        await emoticons.of(look, 64, Format.PNG, owner=7)
    assert (len(pencils[ORIGINAL].drawn), len(pencils[BUILT_IN].drawn)) == (2, 1)


def test_the_version_of_a_look_changes_with_all_that_changes_its_pictures(
    emoticons: Emoticons, pencils: Mapping[str, Pencil]
) -> None:
    looks = (Look("moods", "a"), Look("moods", "b"), OLD, FOREIGN, PHOTO)
    versions = [emoticons.version(look) for look in looks]
    assert len({*versions}) == len(looks)
    assert all(len(version) == 12 and int(version, 16) >= 0 for version in versions)
    assert emoticons.version(Look("moods", "a")) == versions[0]
    pencils[BUILT_IN].revision = "2"
    assert emoticons.version(Look("moods", "a")) != versions[0]
    with pytest.raises(DrawingFailed):
        emoticons.version(GONE)
