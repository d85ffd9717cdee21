"""Facts about `emoticon cache purge`."""

import time
from pathlib import Path

import pytest
from tests.adapters.tiers.drawings import key_of
from tests.cli.caches import (
    DAY_MS,
    SECRET,
    cache,
    delete_account,
    erasures,
    in_valkey,
    keeping,
    make_accounts,
    on_disk,
)
from tests.cli.terminal import Terminal
from tests.valkey import ValkeyServer

from emoticon.adapters.tiers.disk import DiskTier
from emoticon.domain.keeping import Label
from emoticon.domain.pictures import style_tag
from emoticon.domain.ports import OuterTier
from emoticon.settings import Settings, variable

DRY = "nothing was deleted; the same with --yes does it"
MEMORY = "pictures in the memory of running services stay until newer ones push them out"


@pytest.fixture(autouse=True)
def clean_environment(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    sqlite_database: str,
    empty_valkey: ValkeyServer,
) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    monkeypatch.setenv("EMOTICON_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("DATABASE_URL", sqlite_database)
    monkeypatch.setenv("JWT_SECRET", SECRET)
    monkeypatch.setenv("EMOTICON_SHARED_TIER_URL", empty_valkey.url)


def purge(*arguments: str) -> list[str]:
    result = cache("purge", *arguments)
    assert result.exit_code == 0, result.output
    assert result.stderr == "", "progress is for terminals"
    return result.stdout.splitlines()


def label(number: int, owner: int, style: str = "moods") -> Label:
    return Label(key_of(number), owner, style_tag(style))


def left(url: str) -> list[tuple[str, int]]:
    """Return tier and owner of every picture that is there."""

    async def look(tier: OuterTier) -> list[tuple[str, int]]:
        return [
            (tier.name, kept.label.owner)
            for batch in [batch async for batch in tier.walk()]
            for kept in batch
        ]

    return sorted([*in_valkey(url, look), *on_disk(look)])


def test_an_account_is_purged_by_its_name_in_every_tier_and_for_every_node(
    sqlite_database: str, empty_valkey: ValkeyServer
) -> None:
    ann, bob = make_accounts(sqlite_database, "ann", "bob")
    on_disk(keeping(label(1, ann), label(2, ann), label(3, bob)))
    in_valkey(empty_valkey.url, keeping(label(1, ann), label(3, bob)))
    before = left(empty_valkey.url)
    dry = ["shared: 1 picture would go", "disk: 2 pictures would go", DRY]
    assert purge("--owner", "ANN") == dry
    assert (left(empty_valkey.url), erasures(sqlite_database)) == (before, [])
    *done, told = purge("--owner", "ANN", "--yes")
    assert done == ["shared: 1 picture deleted", "disk: 2 pictures deleted"]
    assert "within about a second" in told
    assert "emoticon cache verify --owner ANN" in told
    assert left(empty_valkey.url) == [("disk", bob), ("shared", bob)]
    assert erasures(sqlite_database) == [ann]


def test_a_deleted_account_is_purged_by_its_id(
    sqlite_database: str, empty_valkey: ValkeyServer
) -> None:
    [gone] = make_accounts(sqlite_database, "ann")
    on_disk(keeping(label(1, gone)))
    delete_account(sqlite_database, gone)
    assert purge("--owner", f"{gone}", "--yes")[1] == "disk: 1 picture deleted"
    assert left(empty_valkey.url) == []
    assert erasures(sqlite_database) == [gone, gone]


def test_a_style_is_purged_and_no_other(empty_valkey: ValkeyServer) -> None:
    pictures = keeping(label(1, 1, "glass"), label(2, 2), label(3, 0, "glass"))
    on_disk(pictures)
    in_valkey(empty_valkey.url, pictures)
    dry = ["shared: 2 pictures would go", "disk: 2 pictures would go", DRY]
    assert purge("--style", "glass") == dry
    assert purge("--style", "glass", "--yes") == [
        "shared: 2 pictures deleted",
        "disk: 2 pictures deleted",
        MEMORY,
    ]
    assert left(empty_valkey.url) == [("disk", 2), ("shared", 2)]


@pytest.mark.parametrize(("age", "gone"), [("1d", 2), ("4w", 1), ("60d", 0), ("9999m", 2)])
def test_what_was_drawn_longer_ago_is_purged(age: str, gone: int) -> None:
    on_disk(keeping(label(1, 1)), days_ago=40)
    on_disk(keeping(label(2, 2)), days_ago=10)
    on_disk(keeping(label(3, 3)))
    assert purge("--older-than", age)[1].startswith(f"disk: {gone} ")
    assert purge("--older-than", age, "--yes")[1].startswith(f"disk: {gone} ")

    async def count(tier: DiskTier) -> int | None:
        return (await tier.extent()).pictures

    assert on_disk(count) == 3 - gone


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((), "give one of --owner, --style and --older-than"),
        (("--yes",), "give one of --owner, --style and --older-than"),
        (("--owner", "ann", "--style", "glass"), "give one of --owner, --style and --older-than"),
        (("--style", "mods"), "mods is not a style; did you mean moods"),
        (("--style", "\x1b[2J#"), r"\x1b[2J# is not a style; `emoticon styles` lists them"),
        (("--older-than", "30"), "an age is a number and m, h, d or w: 90m, 12h, 30d, 8w"),
        (("--older-than", "-1d"), "an age is a number and m, h, d or w: 90m, 12h, 30d, 8w"),
        (("--older-than", "1d\n"), "an age is a number and m, h, d or w: 90m, 12h, 30d, 8w"),
        (("--older-than", "9999999d"), "an age is a number and m, h, d or w: 90m, 12h, 30d, 8w"),
    ],
)
def test_a_criterion_that_is_none_is_one_line_and_deletes_nothing(
    arguments: tuple[str, ...], message: str
) -> None:
    on_disk(keeping(label(1, 1)), days_ago=90)
    result = cache("purge", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith(f"emoticon: {message}")
    assert result.stderr.count("\n") == 1
    assert purge("--older-than", "1d")[1] == "disk: 1 picture would go"


def test_the_longest_age_reaches_further_back_than_time() -> None:
    assert int(time.time()) * 1000 < 999_999 * 7 * DAY_MS
    assert purge("--older-than", "999999w")[1] == "disk: 0 pictures would go"


def test_a_terminal_sees_how_far_it_is() -> None:
    on_disk(keeping(label(1, 1), label(2, 2)))
    with Terminal("cache", "purge", "--style", "moods") as terminal:
        terminal.expect("2/2")
        terminal.expect("disk: 2 pictures would go")
        assert terminal.finish() == 0
