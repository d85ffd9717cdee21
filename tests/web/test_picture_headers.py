"""What is said beside a picture."""

from dataclasses import replace

import pytest
from tests.adapters.tiers.drawings import drawn

from emoticon.domain.models import Format
from emoticon.web.picture_headers import LASTING, PRIVATE, VARIES, answer


@pytest.mark.parametrize("kind", Format)
def test_every_picture_says_where_its_licence_is(kind: Format) -> None:
    picture = drawn(1, picture_format=kind)
    for tags, status in (([], 200), ([picture.etag], 304)):
        given = answer(picture, LASTING, tags)
        assert given.status_code == status
        assert given.headers["link"] == '</credits>; rel="license"'
        assert given.headers["cache-control"] == LASTING
        assert given.headers["etag"] == picture.etag
        assert given.body == (picture.body if status == 200 else b"")
        policy = given.headers.get("content-security-policy", "")
        assert ("sandbox" in policy) == (kind is Format.SVG and status == 200)


def test_what_depends_on_who_asks_says_so_and_is_for_pages_of_its_own_site() -> None:
    own = answer(drawn(1), PRIVATE, [], varies=VARIES)
    anybody = answer(drawn(1), LASTING, [])
    assert own.headers["vary"] == VARIES
    assert "cross-origin-resource-policy" not in own.headers
    assert anybody.headers["cross-origin-resource-policy"] == "cross-origin"
    assert "vary" not in anybody.headers


@pytest.mark.parametrize("caching", [PRIVATE, LASTING])
def test_what_stands_in_the_place_of_another_picture_is_kept_by_nobody(caching: str) -> None:
    picture = replace(drawn(1), stand_in=True)
    for tags in ([], [picture.etag]):
        assert answer(picture, caching, tags).headers["cache-control"] == "no-store"
