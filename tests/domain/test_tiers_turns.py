"""Several nodes over one shared tier: what takes long is drawn by one of them."""

import asyncio
from dataclasses import dataclass, field

import pytest
from tests.domain.racks import KEY, PICTURE, Brush, Place, Rack
from typing_extensions import override

from emoticon.domain.admission import Admission
from emoticon.domain.errors import DrawingBusy
from emoticon.domain.keeping import Label
from emoticon.domain.ports import Turns
from emoticon.domain.tiers import Tiers


@dataclass
class Token(Turns):
    """One node's view of turns that all nodes share; `asked` is set when it was asked for one."""

    holders: dict[bytes, "Token"]
    asked: asyncio.Event = field(default_factory=asyncio.Event)

    @override
    async def take(self, key: bytes) -> bool:
        self.asked.set()
        return self.holders.setdefault(key, self) is self

    @override
    async def give_back(self, key: bytes) -> None:
        if self.holders.get(key) is self:
            del self.holders[key]


class Nodes:
    """Two nodes with a shared tier, and turns between them."""

    def __init__(self, *, patience_s: float = 30.0) -> None:
        self.holders: dict[bytes, Token] = {}
        self.shared = Rack("shared")
        self.turns = Token(self.holders), Token(self.holders)
        self.one, self.other = (
            Place(self.shared, token, patience_s=patience_s) for token in self.turns
        )


@pytest.fixture
def nodes() -> Nodes:
    return Nodes()


async def test_a_slow_look_is_drawn_once_for_all_nodes(nodes: Nodes) -> None:
    draw, never = Brush(held=True), Brush()
    winner = asyncio.create_task(nodes.one.ask(draw, slow=True))
    await draw.begun.wait()
    losers = [asyncio.create_task(nodes.other.ask(never, slow=True)) for _ in range(10)]
    await nodes.turns[1].asked.wait()
    draw.gate.set()
    assert await asyncio.gather(winner, *losers) == [PICTURE] * 11
    assert (draw.count, never.count, nodes.holders) == (1, 0, {})
    assert nodes.other.there() == ["memory", "shared"]
    lost = [place.tiers.figures().turns_lost for place in (nodes.one, nodes.other)]
    waited = [place.tiers.figures().turns_waited_out for place in (nodes.one, nodes.other)]
    assert (lost, waited) == ([0, 1], [0, 0])


async def test_the_shared_tier_has_the_picture_before_the_turn_is_given_back(nodes: Nodes) -> None:
    nodes.shared.held_put = asyncio.Event()
    winner = asyncio.create_task(nodes.one.ask(Brush(took_ms=20), slow=True))
    await nodes.shared.held.wait()
    assert nodes.holders == {KEY: nodes.turns[0]}
    nodes.shared.held_put.set()
    assert await winner == PICTURE
    await nodes.one.settle()
    assert (nodes.holders, nodes.one.there()) == ({}, ["memory", "shared", "disk"])
    assert nodes.shared.puts == 1


async def test_what_was_put_in_turn_is_not_delivered_once_more(nodes: Nodes) -> None:
    for _ in range(2):
        await nodes.one.ask(Brush(), slow=True)
        await nodes.one.memory.clear()
        await nodes.shared.clear()
    await nodes.one.settle()
    assert (nodes.shared.puts, nodes.one.disk.puts) == (2, 1)


async def test_who_looked_before_it_was_there_and_gets_the_turn_after_does_not_draw(
    nodes: Nodes,
) -> None:
    nodes.shared.held_get = gate = asyncio.Event()
    never = Brush()
    late = asyncio.create_task(nodes.other.ask(never, slow=True))
    await nodes.shared.held.wait()
    nodes.shared.held_get = None
    await nodes.one.ask(Brush(), slow=True)
    gate.set()
    assert await late == PICTURE
    assert (never.count, nodes.holders) == (0, {})


async def test_who_waits_draws_in_the_end_when_the_other_has_died() -> None:
    nodes = Nodes(patience_s=0.05)
    nodes.holders[KEY] = nodes.turns[0]
    draw = Brush()
    assert await nodes.other.ask(draw, slow=True) == PICTURE
    assert (draw.count, nodes.holders) == (1, {KEY: nodes.turns[0]})
    figures = nodes.other.tiers.figures()
    assert (figures.turns_lost, figures.turns_waited_out) == (1, 1)


@pytest.mark.parametrize("end", ["failed", "cancelled"])
async def test_who_waits_gets_the_turn_of_one_that_has_come_to_nothing(
    nodes: Nodes, end: str
) -> None:
    failing, draw = Brush(held=True, error=DrawingBusy()), Brush()
    winner = asyncio.create_task(nodes.one.ask(failing, slow=True))
    await failing.begun.wait()
    waiting = asyncio.create_task(nodes.other.ask(draw, slow=True))
    await nodes.turns[1].asked.wait()
    if end == "failed":
        failing.gate.set()
    else:
        nodes.one.tiers._flights[KEY].cancel()
    with pytest.raises((DrawingBusy, asyncio.CancelledError)):
        await winner
    assert await waiting == PICTURE
    assert (draw.count, nodes.holders) == (1, {})


async def test_what_is_fast_or_not_kept_waits_for_no_turn(nodes: Nodes) -> None:
    await nodes.one.ask(Brush())
    await nodes.one.ask(Brush(), key=b"odd", kept=False, slow=True)
    assert not nodes.turns[0].asked.is_set()


async def test_without_a_shared_tier_nobody_waits_for_a_turn(nodes: Nodes) -> None:
    disk, token = Rack("disk"), nodes.turns[0]
    tiers = Tiers(
        Rack("memory"),
        [disk],
        Admission(keys=100, fresh=10),
        token,
        clock=nodes.one.clock,
    )
    await tiers.picture(Label(KEY), kept=True, slow=lambda: True, draw=Brush(took_ms=20))
    await tiers.aclose()
    assert (disk.puts, token.asked.is_set()) == (1, False)


async def test_closing_waits_for_who_waits_for_a_turn(nodes: Nodes) -> None:
    nodes.holders[KEY] = nodes.turns[0]
    waiting = asyncio.create_task(nodes.other.ask(Brush(), slow=True))
    await nodes.turns[1].asked.wait()
    closing = asyncio.create_task(nodes.other.tiers.aclose())
    await asyncio.sleep(0)
    assert nodes.other.memory.closings == []
    await nodes.turns[0].give_back(KEY)
    await closing
    assert await waiting == PICTURE


async def test_a_barred_picture_is_not_put_into_the_shared_tier_either(nodes: Nodes) -> None:
    draw = Brush(held=True)
    winner = asyncio.create_task(nodes.one.ask(draw, slow=True))
    await draw.begun.wait()
    await nodes.one.tiers.bar([7])
    draw.gate.set()
    assert await winner == PICTURE
    await nodes.one.settle()
    assert (nodes.one.there(), nodes.holders) == ([], {})
