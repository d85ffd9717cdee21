"""Share links as files: all answers for one end together, and what is asked for then begins anew."""

from pathlib import Path

import pytest
from tests.accounts import ManualClock
from tests.adapters.edge.conftest import OpenEdge
from tests.adapters.edge.trees import entries, found, grant_of, link_grant_of
from tests.adapters.tiers.drawings import drawn

from emoticon.adapters.edge.files import LEAD_S, TOKEN_BYTES, WINDOW_S, FileEdge
from emoticon.domain.models import Format, Grant

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("processes", [1, 2])
async def test_what_is_published_later_ends_with_the_first(
    processes: int, open_edge: OpenEdge, directory: Path, clock: ManualClock
) -> None:
    edges = [open_edge() for _ in range(processes)]
    for edge in edges:
        await edge.start()
    edges[0].renew()
    first = link_grant_of(life_s=100)
    edges[0].publish(first, drawn(1))
    clock.ms += 50_000
    second = link_grant_of(size_px=64, life_s=100, clock=clock)
    edges[-1].publish(second, drawn(2))
    edges[0].renew()
    assert found(directory, clock, first) == drawn(1).body
    assert found(directory, clock, second) == drawn(2).body
    clock.ms += 50_000 - WINDOW_S * 1000
    for edge in edges:
        edge.renew()
    assert found(directory, clock, second) == drawn(2).body
    clock.ms += (WINDOW_S - LEAD_S) * 1000
    for edge in edges:
        edge.renew()
    assert entries(directory) == []
    assert [edge.used_bytes for edge in edges] == [0] * processes


@pytest.mark.parametrize("publisher", [0, 1])
async def test_at_its_end_it_is_published_anew_at_once(
    publisher: int, open_edge: OpenEdge, directory: Path, clock: ManualClock
) -> None:
    edges = [open_edge(), open_edge()]
    for edge in edges:
        await edge.start()
    edges[0].renew()
    edges[0].publish(link_grant_of(life_s=2 * WINDOW_S), drawn(1))
    clock.ms += (2 * WINDOW_S - LEAD_S) * 1000
    later = link_grant_of(size_px=64, life_s=600, clock=clock)
    edges[publisher].publish(later, drawn(2))
    # Nobody has renewed the lease meanwhile, and what was published first is not found any more.
    edges[1 - publisher].renew()
    edges[publisher].publish(later, drawn(2))
    clock.ms += LEAD_S * 1000
    assert found(directory, clock, link_grant_of()) is None
    assert found(directory, clock, later) == drawn(2).body
    edges[publisher].withdraw(1)
    edges[1 - publisher].renew()
    assert entries(directory) == []


async def test_what_was_left_at_its_end_keeps_nothing_from_being_published(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    grant = link_grant_of()
    left = directory / "published" / "live" / grant.token
    left.symlink_to(f"../accounts/1/1~{grant.token}")
    edge.publish(grant, drawn(1))
    assert found(directory, clock, grant) == drawn(1).body


async def test_a_link_that_ends_in_a_window_with_a_lease_is_not_published(
    edge: FileEdge, directory: Path
) -> None:
    edge.publish(link_grant_of(life_s=WINDOW_S - 1), drawn(1))
    assert (entries(directory), edge.used_bytes) == ([], 0)


@pytest.mark.parametrize("version", ["0123456789AB", "0123456789a", "..", "a/b", "ann", "\n", "~"])
async def test_a_version_of_another_form_is_not_published(
    version: str, edge: FileEdge, directory: Path
) -> None:
    edge.publish(link_grant_of(version=version), drawn(1))
    assert entries(directory) == []


@pytest.mark.parametrize(
    "token", ["a" * 42, "a" * 44, "a" * 42 + "/", "a" * 42 + ".", "a" * 42 + "\n"]
)
async def test_a_link_of_another_form_is_not_published(
    token: str, edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    edge.publish(Grant(token, 1, "", 64, Format.PNG, clock.ms // 1000 + 600), drawn(1))
    assert entries(directory) == []


async def test_a_link_that_is_the_signature_of_a_token_is_another_name(
    edge: FileEdge, directory: Path, clock: ManualClock
) -> None:
    """Nobody can bring that about, and if it came about, neither would be found by the other's way."""
    edge.publish(grant_of(1), drawn(1))
    assert found(directory, clock, link_grant_of(1)) is None
    assert edge.used_bytes > TOKEN_BYTES
