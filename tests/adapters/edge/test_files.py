"""The edge as files: what nginx finds, for how long, and how much of it there is."""

import dataclasses
import os
from pathlib import Path

import pytest
from tests.accounts import ManualClock
from tests.adapters.edge.conftest import OpenEdge
from tests.adapters.edge.trees import entries, found, grant_of, way
from tests.adapters.tiers.drawings import drawn

from emoticon.adapters.edge.files import (
    FILE_BYTES,
    LEAD_S,
    MAX_ANSWERS,
    TOKEN_BYTES,
    WINDOW_S,
    FileEdge,
)
from emoticon.domain.models import Format, Grant

pytestmark = pytest.mark.anyio

ANSWER_BYTES = FILE_BYTES + 4096


async def test_what_is_published_is_found_with_the_whole_token_and_the_mtime_of_its_tag(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(), drawn(1))
    assert found(directory, clock, grant_of()) == drawn(1).body
    status = way(directory, clock, grant_of()).stat()
    assert f'"{int(status.st_mtime):x}-{status.st_size:x}"' == drawn(1).etag
    token = grant_of().token
    for changed in (f"{token[:-1]}2", f"{token[:80]}x{token[81:]}", f"x{token[1:]}"):
        assert found(directory, clock, dataclasses.replace(grant_of(), token=changed)) is None


async def test_publishing_again_changes_nothing_and_another_picture_takes_the_place(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(), drawn(1))
    before = way(directory, clock, grant_of()).stat().st_ino
    edge.publish(grant_of(), drawn(1))
    assert way(directory, clock, grant_of()).stat().st_ino == before
    edge.publish(grant_of(), drawn(2, 5000))
    assert found(directory, clock, grant_of()) == drawn(2, 5000).body
    assert edge.used_bytes == TOKEN_BYTES + FILE_BYTES + 2 * 4096


async def test_withdrawing_an_account_leaves_nothing_of_it_and_all_of_others(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    mine = [grant_of(1), grant_of(1, size_px=64), grant_of(2)]
    for grant in [*mine, grant_of(3, account_id=2)]:
        edge.publish(grant, drawn(1))
    edge.withdraw(1)
    edge.withdraw(3)
    assert [found(directory, clock, grant) for grant in mine] == [None] * 3
    assert found(directory, clock, grant_of(3, account_id=2)) == drawn(1).body
    edge.withdraw(2)
    assert entries(directory) == []
    assert edge.used_bytes == 0


async def test_nothing_is_found_before_a_lease_is_given(
    open_edge: OpenEdge, directory: Path, clock: ManualClock
) -> None:
    edge = open_edge()
    await edge.start()
    edge.publish(grant_of(), drawn(1))
    assert found(directory, clock, grant_of()) is None
    edge.renew()
    assert found(directory, clock, grant_of()) == drawn(1).body


async def test_a_lease_lasts_a_window_and_the_lead_at_most(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(), drawn(1))
    clock.ms += (WINDOW_S - LEAD_S) * 1000  # the window of the tests begins with their time
    edge.renew()
    clock.ms += (LEAD_S + WINDOW_S) * 1000 - 1
    assert found(directory, clock, grant_of()) == drawn(1).body
    clock.ms += 1
    assert found(directory, clock, grant_of()) is None
    edge.renew()
    assert found(directory, clock, grant_of()) == drawn(1).body


async def test_leases_for_other_windows_than_this_and_the_next_are_taken_back(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(), drawn(1))
    now_ms = clock.ms
    clock.ms -= 3600_000  # the clock was wrong
    edge.renew()
    assert found(directory, clock, grant_of()) == drawn(1).body
    clock.ms = now_ms
    assert found(directory, clock, grant_of()) is None


@pytest.mark.parametrize("life_s", [WINDOW_S, WINDOW_S + 1, 600])
async def test_a_token_is_never_found_at_its_end_whether_or_not_the_service_lives(
    life_s: int, edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    grant = grant_of(life_s=life_s)
    edge.publish(grant, drawn(1))
    assert found(directory, clock, grant) == drawn(1).body
    end_ms = grant.expires_at_s * 1000
    while clock.ms < end_ms - (WINDOW_S + LEAD_S) * 1000:
        clock.ms += 1000
        edge.renew()
        assert found(directory, clock, grant) == drawn(1).body
    while clock.ms < end_ms + 2 * WINDOW_S * 1000:
        assert clock.ms < end_ms or found(directory, clock, grant) is None
        clock.ms += 500
    edge.renew()
    assert (entries(directory), edge.used_bytes) == ([], 0)


async def test_a_token_that_ends_in_a_window_with_a_lease_is_not_published(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(life_s=WINDOW_S - 1), drawn(1))
    clock.ms += (WINDOW_S - LEAD_S) * 1000
    edge.publish(grant_of(life_s=2 * WINDOW_S - 1), drawn(1))
    assert (entries(directory), edge.used_bytes) == ([], 0)


@pytest.mark.parametrize(
    "username",
    ["", ".", "..", "../x", "a/b", "Ann", "-a", "a~b", "a\n", "ä", "a b", "a\0", "a" * 33, "a%2e"],
)
async def test_a_name_that_is_not_canonical_is_not_published(
    username: str, edge: FileEdge, directory: Path
) -> None:
    edge.publish(grant_of(username=username), drawn(1))
    assert entries(directory) == []


@pytest.mark.parametrize(
    "token",
    [
        "",
        "a.b.c",
        f"{'h' * 74}.{'p' * 242}.{'s' * 42}",
        f"{'h' * 74}.{'p' * 242}.{'s' * 87}",
        f"{'h' * 95}.{'p' * 242}.{'s' * 43}",
        f"{'h' * 74}.{'p' * 160}.{'s' * 43}",
        f"{'h' * 74}.{'p' * 373}.{'s' * 43}",
        f"{'h' * 74}.{'p' * 160}/../{'p' * 80}.{'s' * 43}",
        f"{'h' * 74}.{'p' * 242}.{'s' * 42}/",
        f"{'h' * 74}.{'p' * 242}.{'s' * 42}~",
        f"{'h' * 74}.{'p' * 242}.{'s' * 43}\n",
        f"..{'h' * 74}.{'p' * 242}.{'s' * 43}",
    ],
)
async def test_a_token_of_another_form_is_not_published(
    token: str, edge: FileEdge, directory: Path
) -> None:
    edge.publish(dataclasses.replace(grant_of(), token=token), drawn(1))
    assert entries(directory) == []


async def test_the_longest_token_with_the_longest_name_is_published(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    token = f"{'h' * 94}.{'p' * 372}.{'s' * 86}"
    grant = Grant(token, 2**63 - 1, "a" * 32, 512, Format.WEBP, clock.ms // 1000 + 600)
    edge.publish(grant, drawn(1))
    assert found(directory, clock, grant) == drawn(1).body


async def test_of_more_than_max_bytes_the_token_that_was_published_first_goes(
    open_edge: OpenEdge, directory: Path, clock: ManualClock
) -> None:
    edge = open_edge(max_bytes=3 * (TOKEN_BYTES + ANSWER_BYTES))
    await edge.start()
    edge.renew()
    grants = [grant_of(number, account_id=number) for number in range(1, 6)]
    for grant in grants:
        edge.publish(grant, drawn(1))
    expected = [None, None, *[drawn(1).body] * 3]
    assert [found(directory, clock, grant) for grant in grants] == expected
    assert edge.used_bytes == 3 * (TOKEN_BYTES + ANSWER_BYTES)
    assert len([entry for entry in entries(directory) if entry.startswith("accounts/")]) == 3 * 4


async def test_one_token_cannot_push_others_out_by_wishes_alone(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(2, account_id=2), drawn(1))
    for size_px in range(16, 16 + MAX_ANSWERS + 1):
        edge.publish(grant_of(size_px=size_px), drawn(1))
    assert found(directory, clock, grant_of(2, account_id=2)) == drawn(1).body
    assert found(directory, clock, grant_of(size_px=16)) is None
    assert found(directory, clock, grant_of(size_px=16 + MAX_ANSWERS)) == drawn(1).body
    assert edge.used_bytes == 2 * (TOKEN_BYTES + ANSWER_BYTES)


async def test_any_user_can_open_what_they_know_the_token_of_and_none_can_list(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(), drawn(1))
    places = [place for place, _, _ in os.walk(directory / "published")]
    assert len(places) > 8
    assert {os.stat(place).st_mode & 0o777 for place in places} == {0o711}  # noqa: PTH116 - not worth a thread
    assert way(directory, clock, grant_of()).stat().st_mode & 0o777 == 0o644


async def test_after_its_end_nothing_is_left_and_nothing_is_published(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(grant_of(), drawn(1))
    await edge.aclose()
    await edge.aclose()
    edge.publish(grant_of(2), drawn(1))
    assert found(directory, clock, grant_of()) is None
    assert entries(directory) == []
    assert os.listdir(directory) == ["published"]  # noqa: PTH208 - not worth a thread
