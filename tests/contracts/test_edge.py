"""What every Edge does. A new one joins by a line in KINDS."""

import dataclasses
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import pytest
from tests.accounts import ManualClock
from tests.adapters.edge import trees
from tests.adapters.tiers.drawings import drawn
from tests.nginx import public_directory

from emoticon.adapters.edge.files import FileEdge
from emoticon.adapters.edge.memory import MemoryEdge
from emoticon.domain.models import Format, Grant, Picture
from emoticon.domain.ports import Edge

LIMIT_BYTES = 1 << 20
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Kind:
    """How an edge is opened, and what whoever asks it is given.

    Args:
        title: its name.
        open: makes one of LIMIT_BYTES in an empty directory, ready to be used.
        given: tells the body that the bearer of the grant's token is given for its wish, None for nothing.
    """

    title: str
    open: Callable[[Path, ManualClock], Awaitable[Edge]]
    given: Callable[[Any, Path, ManualClock, Grant], bytes | None]


async def open_memory(_directory: Path, clock: ManualClock) -> Edge:
    return MemoryEdge(LIMIT_BYTES, clock)


def found_in_memory(
    edge: MemoryEdge, _directory: Path, _clock: ManualClock, grant: Grant
) -> bytes | None:
    picture = edge.find(grant.token, grant.username, grant.size_px, grant.format)
    return None if picture is None else picture.body


async def open_files(directory: Path, clock: ManualClock) -> Edge:
    edge = FileEdge(directory, max_bytes=LIMIT_BYTES, clock=clock)
    await edge.start()
    edge.renew()
    return edge


def found_in_files(
    _edge: FileEdge, directory: Path, clock: ManualClock, grant: Grant
) -> bytes | None:
    return trees.found(directory, clock, grant)


KINDS = [
    Kind("memory", open_memory, found_in_memory),
    Kind("files", open_files, found_in_files),
]


@pytest.fixture(params=KINDS, ids=lambda kind: kind.title)
def kind(request: pytest.FixtureRequest) -> Kind:
    return cast("Kind", request.param)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def directory() -> Iterator[Path]:
    with public_directory() as made:
        yield made


Given = Callable[[Grant], bytes | None]


@pytest.fixture
async def edge(kind: Kind, directory: Path, clock: ManualClock) -> AsyncIterator[Edge]:
    opened = await kind.open(directory, clock)
    yield opened
    await opened.aclose()


@pytest.fixture
def given(kind: Kind, edge: Edge, directory: Path, clock: ManualClock) -> Given:
    return lambda grant: kind.given(edge, directory, clock, grant)


def grant_of(account_id: int) -> Grant:
    """Return a grant for a token of its own."""
    return trees.grant_of(next(_numbers), account_id=account_id)


def link_grant_of(account_id: int, version: str = "") -> Grant:
    """Return a grant for a share link of its own."""
    return trees.link_grant_of(next(_numbers), account_id=account_id, version=version)


def picture_for(grant: Grant, number: int = 1, size_bytes: int = 700) -> Picture:
    return drawn(number, size_bytes, grant.format, grant.size_px)


async def test_nothing_is_given_before_it_is_published(given: Given) -> None:
    assert given(grant_of(1)) is None


async def test_what_was_published_is_given_again_and_again(edge: Edge, given: Given) -> None:
    grant = grant_of(1)
    edge.publish(grant, picture_for(grant))
    for _ in range(3):
        assert given(grant) == picture_for(grant).body


@pytest.mark.parametrize(
    "changes",
    [
        {"token": f"{'h' * 74}.{'p' * 242}.{'x' * 43}"},
        {"username": "bob"},
        {"username": "Ann"},
        {"username": "an"},
        {"size_px": 127},
        {"size_px": 12},
        {"format": Format.WEBP},
    ],
    ids=str,
)
async def test_another_token_or_wish_is_given_nothing(
    edge: Edge, given: Given, changes: dict[str, Any]
) -> None:
    grant = grant_of(1)
    edge.publish(grant, picture_for(grant))
    assert given(dataclasses.replace(grant, **changes)) is None


async def test_each_wish_of_a_token_has_its_own_picture(edge: Edge, given: Given) -> None:
    first = grant_of(1)
    grants = [
        dataclasses.replace(first, username=username, size_px=size_px, format=picture_format)
        for username in ("ann", "9.a-b_c")
        for size_px in (16, 128, 512)
        for picture_format in Format
    ]
    for number, grant in enumerate(grants):
        edge.publish(grant, picture_for(grant, number))
    for number, grant in enumerate(grants):
        assert given(grant) == picture_for(grant, number).body


async def test_the_last_picture_published_for_a_wish_is_the_one_given(
    edge: Edge, given: Given
) -> None:
    grant = grant_of(1)
    for number in range(3):
        edge.publish(grant, picture_for(grant, number))
        assert given(grant) == picture_for(grant, number).body


async def test_one_picture_may_be_published_for_many_accounts(edge: Edge, given: Given) -> None:
    grants = [grant_of(account_id) for account_id in range(1, 20)]
    for grant in grants:
        edge.publish(grant, picture_for(grant))
    edge.withdraw(7)
    for grant in grants:
        assert (given(grant) is None) == (grant.account_id == 7)


async def test_withdrawing_takes_all_tokens_and_wishes_of_an_account_and_nobody_else_s(
    edge: Edge, given: Given
) -> None:
    grants = [
        dataclasses.replace(grant, size_px=size_px)
        for account_id in (1, 2, 12)
        for grant in (grant_of(account_id), grant_of(account_id))
        for size_px in (64, 128)
    ]
    for grant in grants:
        edge.publish(grant, picture_for(grant))
    edge.withdraw(1)
    for grant in grants:
        assert (given(grant) is None) == (grant.account_id == 1)


async def test_withdrawing_whom_nobody_knows_or_again_is_nothing(edge: Edge, given: Given) -> None:
    grant = grant_of(1)
    edge.withdraw(1)
    edge.publish(grant, picture_for(grant))
    edge.withdraw(2**62)
    assert given(grant) is not None
    edge.withdraw(1)
    edge.withdraw(1)
    assert given(grant) is None


async def test_what_is_published_after_a_withdrawal_is_given(edge: Edge, given: Given) -> None:
    old, new = grant_of(1), grant_of(1)
    edge.publish(old, picture_for(old, 1))
    edge.withdraw(1)
    edge.publish(new, picture_for(new, 2))
    assert given(old) is None
    assert given(new) == picture_for(new, 2).body
    edge.withdraw(1)
    assert given(new) is None


async def test_each_wish_of_a_share_link_has_its_own_picture(edge: Edge, given: Given) -> None:
    first = link_grant_of(1)
    grants = [
        dataclasses.replace(first, username=version, size_px=size_px, format=picture_format)
        for version in ("", "0123456789ab", "ba9876543210")
        for size_px in (16, 128)
        for picture_format in Format
    ]
    for number, grant in enumerate(grants):
        edge.publish(grant, picture_for(grant, number))
    for number, grant in enumerate(grants):
        assert given(grant) == picture_for(grant, number).body


@pytest.mark.parametrize(
    "changes",
    [
        {"token": "x" * 43},
        {"username": "ba9876543210"},
        {"username": "0123456789a"},
        {"username": ""},
        {"size_px": 127},
        {"format": Format.SVG},
    ],
    ids=str,
)
async def test_another_share_link_or_wish_is_given_nothing(
    edge: Edge, given: Given, changes: dict[str, Any]
) -> None:
    grant = link_grant_of(1, "0123456789ab")
    edge.publish(grant, picture_for(grant))
    assert given(grant) is not None
    assert given(dataclasses.replace(grant, **changes)) is None


async def test_share_links_and_tokens_of_an_account_are_withdrawn_together(
    edge: Edge, given: Given
) -> None:
    grants = [
        granted(account_id)
        for account_id in (1, 2)
        for granted in (grant_of, link_grant_of, link_grant_of)
    ]
    for _ in range(2):
        for grant in grants:
            edge.publish(grant, picture_for(grant))
        assert all(given(grant) for grant in grants)
        edge.withdraw(1)
        for grant in grants:
            assert (given(grant) is None) == (grant.account_id == 1)


@pytest.mark.parametrize("granted", [grant_of, link_grant_of], ids=["token", "link"])
async def test_of_one_token_at_most_32_answers_are_given_the_latest_among_them(
    edge: Edge, given: Given, granted: Callable[[int], Grant]
) -> None:
    first, other = granted(1), granted(2)
    edge.publish(other, picture_for(other))
    grants = [dataclasses.replace(first, size_px=size_px) for size_px in range(16, 116)]
    for grant in grants:
        edge.publish(grant, picture_for(grant))
    assert 1 <= sum(given(grant) is not None for grant in grants) <= 32
    assert given(grants[-1]) is not None
    assert given(other) is not None


async def test_a_picture_beyond_the_limit_is_not_published_and_what_was_withdrawn_stays_so(
    edge: Edge, given: Given
) -> None:
    small, large = grant_of(1), grant_of(2)
    edge.publish(small, picture_for(small))
    edge.withdraw(1)
    edge.publish(large, picture_for(large, size_bytes=LIMIT_BYTES + 1))
    assert given(large) is None
    assert given(small) is None


async def test_of_more_than_it_may_hold_the_latest_are_given(edge: Edge, given: Given) -> None:
    grants = [grant_of(account_id) for account_id in range(1, 301)]
    for grant in grants:
        edge.publish(grant, picture_for(grant, grant.account_id, 10_000))
    bodies = [given(grant) for grant in grants]
    assert bodies[0] is None
    assert bodies[-1] == picture_for(grants[-1], 300, 10_000).body
    for grant, body in zip(grants, bodies, strict=True):
        assert body in (None, picture_for(grant, grant.account_id, 10_000).body)
    assert LIMIT_BYTES // 4 < sum(len(body) for body in bodies if body) <= LIMIT_BYTES


async def test_a_closed_edge_gives_nothing_and_can_be_closed_again(
    edge: Edge, given: Given
) -> None:
    grant = grant_of(1)
    edge.publish(grant, picture_for(grant))
    await edge.aclose()
    assert given(grant) is None
    edge.withdraw(1)
    await edge.aclose()
