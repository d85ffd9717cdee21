"""How an account gets another look, and that nobody is shown the one before."""

import asyncio
import dataclasses
import json
import random
import re
from collections.abc import Awaitable, Callable
from functools import partial

import pytest
from sqlalchemy.ext.asyncio import AsyncEngine
from tests.accounts import ManualClock
from tests.domain.artists import artists, catalogue
from tests.domain.nodes import ORIGIN, Node, audit_of, new_node, until
from tests.servers import opened

from emoticon.adapters.bulletin.local import LocalBulletin
from emoticon.adapters.sql.looks import SqlLookStore
from emoticon.adapters.sql.originals import SqlOriginalStore
from emoticon.domain.errors import InvalidLook, InvalidToken, StoreUnavailable, UnknownStyle
from emoticon.domain.looks import Looks, new_look
from emoticon.domain.models import (
    Account,
    Event,
    Look,
    OriginalPlace,
    TokenPair,
)
from emoticon.domain.styles import Catalogue

PALETTE = ("aabbcc",)

Act = Callable[[Looks, Account], Awaitable[Account]]

ACTS: dict[str, Act] = {
    "put": lambda looks, alice: looks.put(alice, "glass", "a seed", {"rotate": 1}, ORIGIN),
    "put without a seed": lambda looks, alice: looks.put(alice, "glass", None, {}, ORIGIN),
    "apply": lambda looks, alice: looks.apply(alice, "EW1vb2RzAAABI0VniavN7w", ORIGIN),
    "reroll": lambda looks, alice: looks.reroll(alice, ORIGIN),
    "reset": lambda looks, alice: looks.reset(alice, ORIGIN),
}
every_act = pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)


def looks_of(engine: AsyncEngine, node: Node, chosen: Catalogue | None = None) -> Looks:
    return Looks(
        SqlLookStore(engine),
        chosen or catalogue(palette=PALETTE),
        node.revocation,
        first=partial(new_look, "moods", PALETTE),
    )


@pytest.fixture
def looks(engine: AsyncEngine, node: Node) -> Looks:
    return looks_of(engine, node)


async def account_of(node: Node, tokens: TokenPair) -> Account:
    return (await node.of(tokens.access.value)).account


async def set_to(engine: AsyncEngine, account: Account, look: Look) -> None:
    """Give the account a look behind the back of all."""
    assert await SqlLookStore(engine).change(account.id, lambda _: look, Event.LOOK, ORIGIN)


# -- what an account begins with ----------------------------------------------------------------


def test_no_two_new_looks_have_the_same_face() -> None:
    looks = [new_look("moods") for _ in range(100)]
    assert len({look.seed for look in looks}) == 100
    assert all(re.fullmatch("[0-9a-f]{16}", look.seed) for look in looks)
    assert {dataclasses.replace(look, seed="") for look in looks} == {Look("moods", "")}


def test_a_new_look_has_the_palette_and_the_version_that_it_is_given() -> None:
    look = new_look("a", ("aabbcc", "112233"), generator="upstream", generator_version=3)
    assert dataclasses.replace(look, seed="") == Look(
        "a", "", '{"backgroundColor":["aabbcc","112233"]}', "upstream", 3
    )


# -- another one --------------------------------------------------------------------------------


async def test_a_look_is_what_was_chosen(looks: Looks, node: Node, alice: TokenPair) -> None:
    before = await account_of(node, alice)
    after = await looks.put(before, "glass", "Zoë", {"rotate": 1.0}, ORIGIN)
    wanted = Look("glass", "Zoë", '{"rotate":1}')
    assert after == dataclasses.replace(before, look=wanted, revision=1)
    assert await account_of(node, alice) == after


async def test_without_a_seed_the_one_of_the_account_stays_as_it_is_by_then(
    looks: Looks, engine: AsyncEngine, node: Node, alice: TokenPair
) -> None:
    before = await account_of(node, alice)
    kept = await looks.put(before, "glass", None, {}, ORIGIN)
    assert kept.look == Look("glass", before.look.seed)
    await set_to(engine, before, Look("moods", "meanwhile"))
    assert (await looks.put(kept, "glass", None, {}, ORIGIN)).look == Look("glass", "meanwhile")


async def test_without_options_it_has_those_of_new_looks(
    looks: Looks, node: Node, alice: TokenPair
) -> None:
    before = await account_of(node, alice)
    chosen = await looks.put(before, "glass", "a", None, ORIGIN)
    assert json.loads(chosen.look.options) == {"backgroundColor": ["aabbcc"]}
    foreign = await looks.put(before, "upstream", "a", None, ORIGIN)
    assert foreign.look == Look("upstream", "a", "{}", "upstream", 3)


async def test_a_look_that_is_shared_is_taken_over(
    looks: Looks, node: Node, alice: TokenPair
) -> None:
    before = await account_of(node, alice)
    shared = Look("critters", "Зоя", '{"backgroundColor":"aabbcc"}', original="own")
    after = await looks.apply(before, looks.id_of(shared), ORIGIN)
    assert after.look == dataclasses.replace(shared, original="")


async def test_another_throw_of_the_dice_changes_the_seed_alone(
    looks: Looks, node: Node, alice: TokenPair
) -> None:
    before = await looks.put(await account_of(node, alice), "glass", "a", {"rotate": 1}, ORIGIN)
    one, other = [(await looks.reroll(before, ORIGIN)).look for _ in range(2)]
    assert len({"a", one.seed, other.seed}) == 3
    assert dataclasses.replace(one, seed="a") == before.look


async def test_who_throws_the_dice_gets_the_present_version_and_keeps_a_style_of_old(
    looks: Looks, engine: AsyncEngine, node: Node, alice: TokenPair
) -> None:
    before = await looks.put(await account_of(node, alice), "glass", "a", {}, ORIGIN)
    newer = looks_of(engine, node, catalogue(("moods",), generators=artists(version=11)))
    look = (await newer.reroll(before, ORIGIN)).look
    assert (look.style, look.generator_version) == ("glass", 11)


async def test_whoever_begins_anew_gets_what_new_accounts_get(
    looks: Looks, node: Node, alice: TokenPair
) -> None:
    before = await looks.put(await account_of(node, alice), "glass", "a", {}, ORIGIN)
    look = (await looks.reset(before, ORIGIN)).look
    assert look == Look("moods", look.seed, '{"backgroundColor":["aabbcc"]}')
    assert look.seed not in {"a", before.look.seed}


@every_act
async def test_whatever_is_chosen_takes_the_place_of_an_uploaded_picture(
    looks: Looks, engine: AsyncEngine, node: Node, alice: TokenPair, act: Act
) -> None:
    before = await account_of(node, alice)
    await SqlOriginalStore(engine).begin(OriginalPlace(before.id, "one"), 1)
    await set_to(engine, before, dataclasses.replace(before.look, original="one"))
    assert (await act(looks, before)).look.original == ""


@every_act
async def test_each_change_is_in_the_audit(
    looks: Looks, node: Node, alice: TokenPair, act: Act
) -> None:
    await act(looks, await account_of(node, alice))
    assert (await audit_of(node, "alice"))[0] is Event.LOOK


# -- known to all, or not done at all -----------------------------------------------------------


@every_act
async def test_no_token_brings_the_look_before_after_the_answer(
    looks: Looks, node: Node, alice: TokenPair, act: Act
) -> None:
    before = await account_of(node, alice)
    after = await act(looks, before)
    assert await account_of(node, alice) == after != before


async def test_the_other_nodes_hear_of_it_before_the_answer(
    engine: AsyncEngine, clock: ManualClock, bulletin: LocalBulletin, node: Node, alice: TokenPair
) -> None:
    withdrawn: list[int] = []
    other = new_node(engine, clock, bulletin, withdraw=[withdrawn.append])
    heard = await bulletin.subscribe()
    before = await account_of(node, alice)
    after = await looks_of(engine, node).reset(before, ORIGIN)
    assert after.look != before.look
    async for change in heard:
        other.floors.merge(change)
        break
    assert withdrawn == [before.id]
    await other.revocation.aclose()


async def test_a_change_is_made_known_also_when_nobody_waits_for_the_answer(
    looks: Looks, node: Node, alice: TokenPair
) -> None:
    before = await account_of(node, alice)
    asking = asyncio.create_task(looks.put(before, "glass", "a", {}, ORIGIN))
    await asyncio.sleep(0)  # it has begun
    asking.cancel()
    await until(lambda: node.floors.mark(before.id) > 0)
    assert (await account_of(node, alice)).look == Look("glass", "a")
    with pytest.raises(asyncio.CancelledError):
        await asking


DICE = random.Random(1)  # noqa: S311 - no secret
TOO_LONG = (
    "".join(chr(DICE.randrange(0x4E00, 0x9FA5)) for _ in range(128)),
    {"rotate": f"{DICE.getrandbits(8000):x}"},
)


@pytest.mark.parametrize(
    ("chosen", "error"),
    [
        (("gone", "a", {}), UnknownStyle),
        (("moods", "", {}), InvalidLook),
        (("moods", "a\0", {}), InvalidLook),
        (("moods", "a", {"onload": 1}), InvalidLook),
        (("moods", "a", {"rotate": "x" * 2048}), InvalidLook),
        (("moods", *TOO_LONG), InvalidLook),
    ],
)
async def test_what_cannot_be_drawn_or_shared_changes_nothing(
    looks: Looks,
    node: Node,
    alice: TokenPair,
    chosen: tuple[str, str, dict[str, object]],
    error: type[Exception],
) -> None:
    before = await account_of(node, alice)
    with pytest.raises(error):
        await looks.put(before, *chosen, ORIGIN)
    assert await account_of(node, alice) == before
    assert (await audit_of(node, "alice"))[0] is Event.SIGN_UP


async def test_what_is_no_id_of_a_look_that_may_be_chosen_changes_nothing(
    engine: AsyncEngine, node: Node, alice: TokenPair
) -> None:
    before = await account_of(node, alice)
    looks = looks_of(engine, node, catalogue(("moods",)))
    for look, error in (
        (Look("glass", "a"), UnknownStyle),
        (Look("moods", "a", '{"onload":1}'), InvalidLook),
        (Look("moods", "a\n"), InvalidLook),
        (Look("moods", "x" * 129), InvalidLook),
    ):
        with pytest.raises(error):
            await looks.apply(before, looks.id_of(look), ORIGIN)
    with pytest.raises(InvalidLook):
        await looks.apply(before, "no id", ORIGIN)
    assert await account_of(node, alice) == before


async def test_a_style_that_is_not_here_any_more_gets_no_other_seed(
    looks: Looks, engine: AsyncEngine, node: Node, alice: TokenPair
) -> None:
    before = await account_of(node, alice)
    await set_to(engine, before, Look("gone", "a"))
    with pytest.raises(UnknownStyle):
        await looks.reroll(before, ORIGIN)


@every_act
async def test_an_account_that_has_gone_meanwhile_has_no_token_that_is_good(
    looks: Looks, node: Node, alice: TokenPair, act: Act
) -> None:
    before = await account_of(node, alice)
    await node.accounts.store.delete(before.id, ORIGIN)
    with pytest.raises(InvalidToken):
        await act(looks, before)


async def test_without_the_database_nothing_is_changed_and_it_is_said(
    sqlite_database: str, node: Node, alice: TokenPair
) -> None:
    before = await account_of(node, alice)
    async with opened(sqlite_database.replace("accounts.db", "no/such/directory.db")) as engine:
        with pytest.raises(StoreUnavailable):
            await looks_of(engine, node).reset(before, ORIGIN)
    assert await account_of(node, alice) == before
