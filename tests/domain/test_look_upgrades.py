"""Looks of an older version get the present one when it is asked for, and never otherwise."""

import dataclasses
from collections.abc import Sequence

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import new_account, new_session
from tests.contracts.rows import events, everything, row_of
from tests.domain.artists import catalogue
from typing_extensions import override

from emoticon.adapters.sql.accounts import SqlAccountStore
from emoticon.adapters.sql.changes import SqlFloorStore
from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.adapters.sql.originals import SqlOriginalStore
from emoticon.domain.look_upgrades import LookUpgrades, Upgraded
from emoticon.domain.models import BUILT_IN, Account, Event, Look, Origin, OriginalPlace

OPERATOR = Origin("the operator")
OLD = Look("glass", "a", '{"rotate":1}', generator_version=9)


@pytest.fixture
def upgrades(engine: AsyncEngine) -> LookUpgrades:
    return LookUpgrades(SqlLookStore(engine), catalogue(("moods",)), OPERATOR)


async def people(engine: AsyncEngine, *looks: Look) -> list[Account]:
    return [
        await SqlAccountStore(engine).add(
            new_account(f"number-{number}", look=look), new_session(), free_before=0
        )
        for number, look in enumerate(looks)
    ]


async def now(engine: AsyncEngine, accounts: Sequence[Account]) -> list[Account]:
    found = [await SqlAccountStore(engine).by_id(account.id) for account in accounts]
    return [account for account in found if account is not None]


async def run(
    upgrades: LookUpgrades, generator: str = BUILT_IN, *, dry_run: bool = False
) -> tuple[Upgraded, list[int]]:
    """Return what was done, and how much it was each time that it was said."""
    tally, said = Upgraded(), []
    await upgrades.run(
        generator, dry_run=dry_run, tally=tally, on_progress=lambda: said.append(tally.seen)
    )
    return tally, said


async def test_only_looks_of_an_older_version_of_that_generator_are_changed(
    upgrades: LookUpgrades, engine: AsyncEngine
) -> None:
    looks = (OLD, Look("moods", "a"), Look("upstream", "a", "{}", "upstream", 2), OLD)
    made = await people(engine, *looks)
    assert await run(upgrades) == (Upgraded(2), [1, 2])
    new = dataclasses.replace(OLD, generator_version=10)
    found = await now(engine, made)
    assert [account.look for account in found] == [new, looks[1], looks[2], new]
    assert [account.revision for account in found] == [1, 0, 0, 1]
    assert await run(upgrades, "upstream") == (Upgraded(1), [1])
    assert (await now(engine, made))[2].look.generator_version == 3


async def test_every_node_finds_what_was_changed_and_the_audit_names_the_operator(
    upgrades: LookUpgrades, engine: AsyncEngine
) -> None:
    [account] = await people(engine, OLD)
    await run(upgrades)
    [change] = await SqlFloorStore(engine).recent(0)
    assert (change.account_id, change.revision) == (account.id, 1)
    assert await events(engine) == [Event.LOOK]


async def test_whoever_begins_again_finds_only_what_is_left(
    upgrades: LookUpgrades, engine: AsyncEngine
) -> None:
    await people(engine, OLD, OLD)
    await run(upgrades)
    before = await everything(engine)
    assert await run(upgrades) == (Upgraded(), [])
    assert await everything(engine) == before


async def test_a_dry_run_counts_and_changes_nothing(
    upgrades: LookUpgrades, engine: AsyncEngine
) -> None:
    await people(engine, OLD, OLD, Look("gone", "a", generator_version=1))
    before = await everything(engine)
    tally, said = await run(upgrades, dry_run=True)
    assert tally == Upgraded(2, {"There is no such style": 1})
    assert said == [1, 2, 3]
    assert await everything(engine) == before


async def test_what_the_present_version_cannot_draw_stays_and_is_said(
    upgrades: LookUpgrades, engine: AsyncEngine
) -> None:
    made = await people(
        engine,
        Look("gone", "a", generator_version=9),
        dataclasses.replace(OLD, options='{"scale":1}'),
        Look("gone", "b", generator_version=9),
        OLD,
    )
    tally, _ = await run(upgrades)
    assert tally.changed == 1
    assert sorted(tally.kept.values()) == [1, 2]
    assert tally.seen == 4
    assert [account.revision for account in await now(engine, made)] == [0, 0, 0, 1]


async def test_an_uploaded_picture_stays_before_the_style(
    upgrades: LookUpgrades, engine: AsyncEngine
) -> None:
    [account] = await people(engine, OLD)
    await SqlOriginalStore(engine).begin(OriginalPlace(account.id, "one"), 1)
    await SqlLookStore(engine).change(
        account.id, lambda look: dataclasses.replace(look, original="one"), Event.PICTURE, OPERATOR
    )
    await run(upgrades)
    [found] = await now(engine, [account])
    assert (found.look.original, found.look.generator_version) == ("one", 10)


async def test_who_has_chosen_or_left_meanwhile_is_not_touched(
    upgrades: LookUpgrades, engine: AsyncEngine
) -> None:
    chooser, leaver, stayer = await people(engine, OLD, OLD, OLD)
    store = SqlLookStore(engine)

    class Late(SqlLookStore):
        """Others are faster than whoever has found the accounts."""

        @override
        async def outdated(
            self, generator: str, version: int, *, after_id: int, count: int
        ) -> tuple[Sequence[Account], int]:
            found = await super().outdated(generator, version, after_id=after_id, count=count)
            await store.change(chooser.id, lambda _: Look("moods", "own"), Event.LOOK, OPERATOR)
            await SqlAccountStore(engine).delete(leaver.id, OPERATOR)
            return found

    late = dataclasses.replace(upgrades, store=Late(engine))
    assert await run(late) == (Upgraded(1), [0, 0, 1])
    assert (await row_of(engine, chooser)).revision == 1
    assert [account.look for account in await now(engine, [chooser, leaver, stayer])] == [
        Look("moods", "own"),
        dataclasses.replace(OLD, generator_version=10),
    ]


async def test_many_are_looked_at_page_by_page(engine: AsyncEngine) -> None:
    asked: list[int] = []

    class Counting(SqlLookStore):
        """Gives small pages, and notes where they begin."""

        @override
        async def outdated(
            self, generator: str, version: int, *, after_id: int, count: int
        ) -> tuple[Sequence[Account], int]:
            asked.append(after_id)
            return await super().outdated(generator, version, after_id=after_id, count=2)

    made = await people(engine, *[OLD] * 5)
    upgrades = LookUpgrades(Counting(engine), catalogue(), OPERATOR)
    assert (await run(upgrades))[0] == Upgraded(5)
    assert asked == [0, made[1].id, made[3].id]


async def test_only_generators_with_styles_have_looks_to_be_upgraded(
    upgrades: LookUpgrades,
) -> None:
    assert upgrades.generators == ["dicebear", "upstream"]
