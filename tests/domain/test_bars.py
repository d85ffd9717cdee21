"""Facts about work that may not put what was erased after it began."""

from collections import Counter

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from emoticon.domain.bars import Bars

OWNERS = st.integers(1, 3)


def test_work_that_began_before_a_bar_is_barred_and_later_work_is_not() -> None:
    bars = Bars()
    before = bars.begin()
    bars.bar([7])
    after = bars.begin()
    assert bars.barred(7, before)
    assert not bars.barred(7, after)
    assert not bars.barred(8, before)


def test_work_of_nobody_is_never_barred() -> None:
    bars = Bars()
    before = bars.begin()
    bars.bar([7])
    assert not bars.barred(0, before)


def test_work_that_carries_on_is_as_old_as_what_it_carries_on() -> None:
    bars = Bars()
    flight = bars.begin()
    bars.bar([7])
    delivery = bars.begin(flight)
    bars.end(flight)
    assert bars.barred(7, delivery)


def test_an_age_that_nobody_has_any_more_is_barred_for_all() -> None:
    bars = Bars()
    age = bars.age
    bars.bar([7])
    assert bars.barred(7, age)
    assert bars.barred(8, age)


def test_an_owner_barred_again_does_not_keep_others_remembered() -> None:
    bars = Bars()
    old = bars.begin()
    bars.bar([1])
    bars.bar([2])
    young = bars.begin()
    bars.bar([1])
    bars.end(old)
    assert len(bars) == 1
    assert bars.barred(1, young)
    assert not bars.barred(2, young)


class BarsAgainstMemory(RuleBasedStateMachine):
    """Compares with what remembers everything."""

    def __init__(self) -> None:
        super().__init__()
        self.bars = Bars()
        self.log: list[set[int]] = []
        self.lasting: list[int] = []

    @rule()
    def begin(self) -> None:
        self.lasting.append(self.bars.begin())
        assert self.lasting[-1] == len(self.log)

    @precondition(lambda self: self.lasting)
    @rule(data=st.data())
    def carry_on(self, data: st.DataObject) -> None:
        self.lasting.append(self.bars.begin(data.draw(st.sampled_from(self.lasting))))

    @precondition(lambda self: self.lasting)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        age = data.draw(st.sampled_from(self.lasting))
        self.lasting.remove(age)
        self.bars.end(age)

    @rule(owners=st.lists(OWNERS, max_size=2))
    def bar(self, owners: list[int]) -> None:
        self.bars.bar(owners)
        self.log.append(set(owners))

    @invariant()
    def bars_as_if_nothing_were_forgotten(self) -> None:
        for age in range(len(self.log) + 1):
            for owner in (1, 2, 3):
                due = any(owner in owners for owners in self.log[age:])
                barred = self.bars.barred(owner, age)
                assert barred == due or (barred and age not in self.lasting)

    @invariant()
    def remembers_nothing_that_concerns_no_work(self) -> None:
        oldest = min(self.lasting, default=len(self.log))
        recent = Counter(owner for owners in self.log[oldest:] for owner in owners)
        assert len(self.bars) == len(recent)


TestBarsAgainstMemory = BarsAgainstMemory.TestCase
